"""The shape of what a crew or a flow answers with."""

from __future__ import annotations

import json
from typing import Any

from baton_adapter.portable import text_output


def crew_output(result: Any) -> dict[str, Any]:
    """The portable fields and `tasks`, one entry a crew task.

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
