"""What a payload must look like. Checked before a task is accepted, without importing CrewAI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from baton_adapter.portable import check_fields, check_portable, invalid, unsupported
from baton_adapter.runtime import TaskRequest

from baton_crewai import definition
from baton_crewai.allowed import Allowed

TASK_TYPES = ("prompt", "agent", "crew")
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
        check_portable(request.type, request.payload, allowed)


def _check_crew(payload: Mapping[str, Any], allowed: Allowed) -> None:
    check_fields(payload, (*_CREW_SOURCES, "inputs"))
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
            allowed.check_entrypoint(payload["entrypoint"], "payload.entrypoint")
        case "project":
            _check_project(payload["project"], allowed)
        case _:
            raise unsupported("REMOTE_UNKNOWN", "payload.remote: no remote crew is configured here")


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
