"""From a payload to a crew or flow that is ready to be started. Runs in the worker only."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from baton_adapter.portable import DEFAULT_MODEL, invalid
from crewai import Agent, Crew, Task
from crewai.flow.flow import Flow
from crewai.project.crew_loader import load_crew, load_crew_from_definition
from crewai.project.json_loader import find_crew_json_file
from pydantic import ValidationError

_PLACEHOLDER = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")
_FEEDBACK_INPUT = "baton_feedback"


@dataclass(frozen=True)
class Prepared:
    """A crew or flow and the inputs of its kickoff."""

    target: Crew | Flow[Any]
    inputs: dict[str, Any] = field(default_factory=dict)

    def kickoff(self) -> Any:
        """Runs it to its end in this thread."""
        return self.target.kickoff(inputs=self.inputs or None)


def prepare(kind: str, payload: Mapping[str, Any], feedback: str) -> Prepared:
    """Builds what the payload asks for; whatever keeps it from being built is PERMANENT.

    `feedback` says what was wrong with the output of the attempt before.
    """
    if kind == "prompt":
        return Prepared(_prompt_crew(payload, feedback))
    if kind == "agent":
        return Prepared(_agent_crew(payload, feedback))
    target, defaults = _load(payload)
    inputs = {**defaults, **(payload.get("inputs") or {})}
    if isinstance(target, Crew):
        _check_crew(target, inputs)
        _add_feedback(target, inputs, feedback)
    elif feedback:
        inputs[_FEEDBACK_INPUT] = feedback
    return Prepared(target, inputs)


def _prompt_crew(payload: Mapping[str, Any], feedback: str) -> Crew:
    agent = Agent(
        role="Assistant",
        goal="Answer the request.",
        backstory=payload.get("system") or "You are a helpful assistant.",
        llm=payload.get("model") or DEFAULT_MODEL,
        allow_delegation=False,
    )
    return _one_task_crew(agent, payload["prompt"], "The answer to the request.", feedback)


def _agent_crew(payload: Mapping[str, Any], feedback: str) -> Crew:
    agent = Agent(
        role=payload["role"],
        goal=payload["goal"],
        backstory=payload.get("backstory") or "",
        llm=payload.get("model") or DEFAULT_MODEL,
        allow_delegation=False,
    )
    expected = payload.get("expected_output") or "What the instructions ask for."
    return _one_task_crew(agent, payload["instructions"], expected, feedback)


def _one_task_crew(agent: Agent, description: str, expected: str, feedback: str) -> Crew:
    if feedback:
        description = f"{description}\n\n{_feedback_note(feedback)}"
    task = Task(description=description, expected_output=expected, agent=agent)
    return Crew(agents=[agent], tasks=[task], memory=False, cache=False)


def _feedback_note(feedback: str) -> str:
    return f"An earlier answer was not accepted: {feedback}"


def _load(payload: Mapping[str, Any]) -> tuple[Crew | Flow[Any], dict[str, Any]]:
    try:
        if payload.get("definition") is not None:
            return _load_definition(payload["definition"])
        if payload.get("entrypoint") is not None:
            return _load_entrypoint(payload["entrypoint"]), {}
        return _load_project(payload["project"])
    except (ImportError, AttributeError, SyntaxError, FileNotFoundError) as error:
        raise invalid("ENTRYPOINT_NOT_LOADED", f"{type(error).__name__}: {error}") from error
    except ValidationError as error:
        raise invalid("INVALID_CREW", str(error)) from error


def _load_definition(definition: Mapping[str, Any]) -> tuple[Crew, dict[str, Any]]:
    crew, inputs = load_crew_from_definition(
        {"memory": False, "cache": False, **definition}, source="payload.definition"
    )
    return crew, dict(inputs)


def _load_entrypoint(entrypoint: str) -> Crew | Flow[Any]:
    module, _, attribute = entrypoint.partition(":")
    return _instantiate(getattr(importlib.import_module(module), attribute), entrypoint)


def _load_project(folder: str) -> tuple[Crew | Flow[Any], dict[str, Any]]:
    """A folder with crew.jsonc or crew.json, or with a package under src/ that has a crew or flow.

    The worker moves into the folder, as CrewAI's own command does.
    """
    os.chdir(folder)
    root = Path.cwd()
    definition = find_crew_json_file(root)
    if definition is not None:
        crew, inputs = load_crew(definition)
        return crew, dict(inputs)
    sys.path.insert(0, str(root / "src"))
    for module, is_wanted in (("crew", _is_crew_class), ("main", _is_flow_class)):
        for file in sorted(root.glob(f"src/*/{module}.py")):
            loaded = importlib.import_module(f"{file.parent.name}.{module}")
            for name, value in vars(loaded).items():
                if is_wanted(value) and value.__module__ == loaded.__name__:
                    return _instantiate(value, f"{folder}: {name}"), {}
    raise FileNotFoundError(
        f"{folder} has neither crew.jsonc nor crew.json, nor src/PACKAGE/crew.py with a @CrewBase "
        "class, nor src/PACKAGE/main.py with a Flow"
    )


def _instantiate(found: Any, where: str) -> Crew | Flow[Any]:
    """The crew or flow that an object is, makes or has been decorated to make."""
    if isinstance(found, (Crew, Flow)):
        return found
    if _is_flow_class(found):
        flow: Flow[Any] = found()
        return flow
    if _is_crew_class(found):
        return _instantiate(found().crew(), where)
    if _is_crew_class(type(found)):
        return _instantiate(found.crew(), where)
    if inspect.isroutine(found):
        if _needs_arguments(found):
            raise invalid("ENTRYPOINT_NOT_LOADED", f"{where}: a factory takes no arguments")
        return _instantiate(found(), where)
    raise invalid(
        "ENTRYPOINT_NOT_LOADED",
        f"{where}: {type(found).__name__} is no crew, flow, @CrewBase class or factory of these",
    )


def _needs_arguments(factory: Any) -> bool:
    return any(
        parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        for parameter in inspect.signature(factory).parameters.values()
    )


def _is_crew_class(value: Any) -> bool:
    return inspect.isclass(value) and getattr(value, "is_crew_class", False) is True


def _is_flow_class(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, Flow) and value is not Flow


def _check_crew(crew: Crew, inputs: Mapping[str, Any]) -> None:
    for task in crew.tasks:
        if task.human_input:
            raise invalid(
                "HUMAN_INPUT_UNAVAILABLE",
                f"task {task.name or task.description!r} asks for human input; "
                "put an approval task into the plan",
            )
    if crew.before_kickoff_callbacks:
        return  # They may well provide what is missing.
    # Only these are replaced; other braces, such as JSON's, are left alone by CrewAI.
    placeholders = {name for name in crew.fetch_inputs() if _PLACEHOLDER.match(name)}
    missing = sorted(placeholders - set(inputs))
    if missing:
        raise invalid("INPUT_MISSING", f"payload.inputs: {', '.join(missing)} missing")


def _add_feedback(crew: Crew, inputs: dict[str, Any], feedback: str) -> None:
    if not feedback or not crew.tasks:
        return
    last = crew.tasks[-1]
    if inputs:
        # As an input of its own, lest braces in the feedback be taken for inputs.
        inputs[_FEEDBACK_INPUT] = feedback
        feedback = f"{{{_FEEDBACK_INPUT}}}"
    last.description = f"{last.description}\n\n{_feedback_note(feedback)}"
