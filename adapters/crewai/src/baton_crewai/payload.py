"""What a payload must look like. Checked before a task is accepted, without importing CrewAI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from baton_adapter.runtime import TaskRequest

from baton_crewai import definition
from baton_crewai.allowed import Allowed, check_known, invalid, unsupported

TASK_TYPES = ("prompt", "agent", "crew")
_ENTRYPOINT = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
# The fields of the portable types, and whether each must be there.
_FIELDS = {
    "prompt": {"system": False, "prompt": True, "model": False},
    "agent": {
        "role": True,
        "goal": True,
        "backstory": False,
        "instructions": True,
        "expected_output": False,
        "tools": False,
        "model": False,
    },
}
_CREW_SOURCES = ("definition", "entrypoint", "project", "remote")


def check(request: TaskRequest, allowed: Allowed) -> None:
    """Raises `Rejection` for a task that can never run here as it is."""
    if request.type not in TASK_TYPES:
        served = ", ".join(TASK_TYPES)
        raise unsupported(
            "TASK_TYPE_UNSUPPORTED", f"type {request.type!r} is not served here; {served} are"
        )
    if request.type == "crew":
        _check_crew(request.payload, allowed)
    else:
        _check_portable(request.type, request.payload, allowed)


def _check_portable(kind: str, payload: Mapping[str, Any], allowed: Allowed) -> None:
    fields = _FIELDS[kind]
    check_known(payload, fields, "payload")
    for name, required in fields.items():
        if name == "tools":
            _check_tools(payload.get(name))
        else:
            _check_text(payload.get(name), f"payload.{name}", required=required)
    allowed.check_model(payload.get("model") or "default", "payload.model")


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list) or not all(isinstance(tool, str) for tool in tools):
        raise invalid("INVALID_PAYLOAD", "payload.tools: not a list of tool aliases")
    if tools:
        raise unsupported("TOOL_UNKNOWN", f"payload.tools: there is no tool {tools[0]!r} here")


def _check_text(value: Any, where: str, *, required: bool) -> None:
    if value is None and not required:
        return
    if not isinstance(value, str):
        found = "missing" if value is None else "not a text"
        raise invalid("INVALID_PAYLOAD", f"{where}: {found}")
    if required and not value.strip():
        raise invalid("INVALID_PAYLOAD", f"{where}: empty")


def _check_crew(payload: Mapping[str, Any], allowed: Allowed) -> None:
    check_known(payload, (*_CREW_SOURCES, "inputs"), "payload")
    given = [name for name in _CREW_SOURCES if payload.get(name) is not None]
    if len(given) != 1:
        raise invalid(
            "INVALID_PAYLOAD",
            f"payload: exactly one of {', '.join(_CREW_SOURCES)} is needed; "
            f"there is {' and '.join(given) or 'none'}",
        )
    inputs = payload.get("inputs")
    if inputs is not None and not isinstance(inputs, Mapping):
        raise invalid("INVALID_PAYLOAD", "payload.inputs: not a mapping of names to values")
    match given[0]:
        case "definition":
            definition.check(payload["definition"], allowed)
        case "entrypoint":
            _check_entrypoint(payload["entrypoint"], allowed)
        case "project":
            _check_project(payload["project"], allowed)
        case _:
            raise unsupported("REMOTE_UNKNOWN", "payload.remote: no remote crew is configured here")


def _check_entrypoint(entrypoint: Any, allowed: Allowed) -> None:
    if not isinstance(entrypoint, str) or not _ENTRYPOINT.match(entrypoint):
        raise invalid(
            "INVALID_PAYLOAD", f"payload.entrypoint: {entrypoint!r} is not module:attribute"
        )
    allowed.check_module(entrypoint.partition(":")[0], "payload.entrypoint")


def _check_project(project: Any, allowed: Allowed) -> None:
    """A project is code: its folder, written with dots, must be allowed like a module."""
    if not isinstance(project, str) or not project or "\0" in project:
        raise invalid("INVALID_PAYLOAD", f"payload.project: {project!r} is not a folder")
    folder = PurePosixPath(project)
    if folder.is_absolute() or ".." in folder.parts or not folder.parts:
        raise invalid(
            "ENTRYPOINT_NOT_ALLOWED",
            "payload.project: not a folder below the one that the adapter was started in",
        )
    allowed.check_module(".".join(folder.parts), "payload.project")
