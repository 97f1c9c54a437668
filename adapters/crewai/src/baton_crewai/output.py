"""The shape of what a run answers with."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

_FENCE = re.compile(r"\A```(?:json)?[ \t]*\r?\n(.*?)\r?\n?```\Z", re.DOTALL | re.IGNORECASE)


def parse_json(text: str) -> Any:
    """The JSON object or array that `text` is, bare or in a fenced block; None otherwise."""
    body = text.strip()
    fenced = _FENCE.match(body)
    if fenced is not None:
        body = fenced[1].strip()
    if not body.startswith(("{", "[")):
        return None
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def text_output(text: str) -> dict[str, Any]:
    """The output of the portable types: `{"text": ..., "json": ... or None}`."""
    return {"text": text, "json": parse_json(text)}


def crew_output(result: Any) -> dict[str, Any]:
    """The output of a crew or flow: the portable fields and `tasks`, one entry a crew task.

    A flow that ends in anything but a crew has no tasks; its value is `json` where it is an object
    or a list, and `text` otherwise.
    """
    if hasattr(result, "tasks_output") and hasattr(result, "raw"):
        output = text_output(str(result.raw))
        output["json"] = _structured(result) or output["json"]
        output["tasks"] = [
            {"name": task.name or "", "agent": str(task.agent), "text": str(task.raw)}
            for task in result.tasks_output
        ]
        return output
    return {**_value_output(result), "tasks": []}


def _structured(result: Any) -> Any:
    if result.json_dict is not None:
        return result.json_dict
    return None if result.pydantic is None else result.pydantic.model_dump(mode="json")


def _value_output(value: Any) -> dict[str, Any]:
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if isinstance(value, (dict, list)):
        plain = json.loads(json.dumps(value, default=str))
        return {"text": json.dumps(plain, ensure_ascii=False), "json": plain}
    return text_output("" if value is None else str(value))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
