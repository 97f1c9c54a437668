"""The portable task types, `prompt` and `agent`: what payloads hold and what outputs look like.

The same here for every framework, so that a plan does not notice which one runs it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from baton_adapter.runtime import ErrorClass, Rejection

DEFAULT_MODEL = "default"
_ENTRYPOINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_FENCE = re.compile(r"\A```(?:json)?[ \t]*\r?\n(.*?)\r?\n?```\Z", re.DOTALL | re.IGNORECASE)
# The texts of a payload, and whether each must be there.
_TEXTS: Mapping[str, Mapping[str, bool]] = {
    "prompt": {"system": False, "prompt": True, "model": False},
    "agent": {
        "role": True,
        "goal": True,
        "backstory": False,
        "instructions": True,
        "expected_output": False,
        "model": False,
    },
}


class Allowed:
    """What the configuration lets a payload name: model aliases and modules."""

    def __init__(self, models: Iterable[str], entrypoints: Iterable[str]) -> None:
        self._models = frozenset(models)
        self._entrypoints = tuple(entrypoints)

    def check_model(self, alias: str, where: str) -> None:
        if alias not in self._models:
            known = ", ".join(sorted(self._models)) or "none"
            raise unsupported(
                "MODEL_UNKNOWN", f"{where}: there is no model alias {alias!r} here; known: {known}"
            )

    def check_entrypoint(self, value: Any, where: str) -> None:
        """`module:attribute`, the module matching a configured pattern such as `examples.*`."""
        if not isinstance(value, str) or not _ENTRYPOINT.fullmatch(value):
            raise invalid("INVALID_PAYLOAD", f"{where}: {value!r} is not module:attribute")
        module = value.partition(":")[0]
        if not any(fnmatchcase(module, pattern) for pattern in self._entrypoints):
            allowed = ", ".join(self._entrypoints) or "none"
            raise invalid(
                "ENTRYPOINT_NOT_ALLOWED",
                f"{where}: {module} is not among the entry points configured here ({allowed})",
            )


def invalid(code: str, message: str) -> Rejection:
    """The payload is wrong, and will be wherever it is sent."""
    return Rejection(ErrorClass.PERMANENT, code, message)


def unsupported(code: str, message: str) -> Rejection:
    """This adapter has not got what the payload asks for."""
    return Rejection(ErrorClass.UNSUPPORTED, code, message)


def check_fields(payload: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuses fields that are not among `known`."""
    names = tuple(known)
    for name in payload:
        if name not in names:
            raise invalid(
                "INVALID_PAYLOAD",
                f"payload.{name}: there is no such field; known: {', '.join(names)}",
            )


def check_portable(task_type: str, payload: Mapping[str, Any], allowed: Allowed) -> None:
    """Raises `Rejection` for a `prompt` or `agent` that can never run."""
    texts = _TEXTS[task_type]
    check_fields(payload, (*texts, "tools") if task_type == "agent" else texts)
    for name, required in texts.items():
        value = payload.get(name)
        if value is None and not required:
            continue
        if not isinstance(value, str):
            found = "missing" if value is None else "not a text"
            raise invalid("INVALID_PAYLOAD", f"payload.{name}: {found}")
        if required and not value.strip():
            raise invalid("INVALID_PAYLOAD", f"payload.{name}: empty")
    allowed.check_model(payload.get("model") or DEFAULT_MODEL, "payload.model")
    tools = payload.get("tools")
    if tools is None:
        return
    if not isinstance(tools, list) or not all(isinstance(tool, str) for tool in tools):
        raise invalid("INVALID_PAYLOAD", "payload.tools: not a list of tool aliases")
    if tools:
        raise unsupported("TOOL_UNKNOWN", f"payload.tools: there is no tool {tools[0]!r} here")


def text_output(text: str) -> dict[str, Any]:
    """The output of the portable types: `{"text": ..., "json": ... or None}`."""
    return {"text": text, "json": parse_json(text)}


def parse_json(text: str) -> Any:
    """The JSON object or array that `text` is, bare or in a fenced block; None otherwise."""
    body = text.strip()
    fenced = _FENCE.match(body)
    if fenced is not None:
        body = fenced[1].strip()
    if not body.startswith(("{", "[")):
        return None
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
