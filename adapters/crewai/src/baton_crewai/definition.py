"""What an inline crew definition may hold.

A definition comes with a plan, so it gets what a plan may say and no more: models by alias, Python
by an allow-listed module, nothing that names an endpoint, a key, a program, a file or a repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baton_adapter.portable import DEFAULT_MODEL, invalid, unsupported

from baton_crewai.allowed import Allowed, check_known

_CREW = (
    "name", "agents", "tasks", "process", "inputs", "manager_agent", "manager_llm",
    "function_calling_llm", "planning", "planning_llm", "max_rpm", "cache", "verbose",
    "before_kickoff_callbacks", "after_kickoff_callbacks", "step_callback", "task_callback",
)  # fmt: skip
_AGENT = (
    "name", "role", "goal", "backstory", "type", "llm", "function_calling_llm", "settings",
    "tools", "planning", "planning_config", "allow_delegation", "max_iter", "max_rpm",
    "max_execution_time", "respect_context_window", "use_system_prompt", "system_template",
    "prompt_template", "response_template", "inject_date", "date_format", "guardrail",
    "guardrail_max_retries", "step_callback", "cache", "verbose",
)  # fmt: skip
_TASK = (
    "name", "description", "expected_output", "agent", "context", "type", "tools", "condition",
    "async_execution", "markdown", "human_input", "output_json", "output_pydantic",
    "response_model", "guardrail", "guardrails", "guardrail_max_retries", "callback",
)  # fmt: skip
_MODEL_FIELDS = ("llm", "function_calling_llm", "manager_llm", "planning_llm")
_GENERATION = ("model", "temperature", "top_p", "max_tokens", "seed", "stop")
# Checked by functions of their own, or data of the crew.
_NOT_REFERENCES = ("agents", "tasks", "settings", "inputs")


def check(value: Any, allowed: Allowed) -> None:
    """Raises `Rejection` for a definition that may not or cannot run here."""
    where = "payload.definition"
    body = _mapping(value, where)
    _check_fields(body, _CREW, where, allowed)
    for name, agent in _agents(body.get("agents"), f"{where}.agents"):
        _check_agent(agent, f"{where}.agents.{name}", allowed)
    tasks = body.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise invalid("INVALID_PAYLOAD", f"{where}.tasks: not a list of tasks")
    for index, task in enumerate(tasks):
        _check_task(task, f"{where}.tasks[{index}]", allowed)


def _check_agent(value: Any, where: str, allowed: Allowed) -> None:
    agent = _mapping(value, where)
    _check_fields(agent, _AGENT, where, allowed)
    settings = _mapping(agent.get("settings") or {}, f"{where}.settings")
    _check_fields(settings, _AGENT, f"{where}.settings", allowed)
    if agent.get("llm") is None and settings.get("llm") is None:
        allowed.check_model(DEFAULT_MODEL, f"{where}.llm")


def _check_task(value: Any, where: str, allowed: Allowed) -> None:
    task = _mapping(value, where)
    _check_fields(task, _TASK, where, allowed)
    if task.get("human_input"):
        raise invalid(
            "HUMAN_INPUT_UNAVAILABLE",
            f"{where}.human_input: nobody sits at an adapter; put an approval task into the plan",
        )


def _agents(value: Any, where: str) -> list[tuple[str, Any]]:
    """Agents as CrewAI takes them: a mapping, a list with names, a list of one-key mappings."""
    if isinstance(value, Mapping) and value:
        return list(value.items())
    if not isinstance(value, list) or not value:
        raise invalid("INVALID_PAYLOAD", f"{where}: neither a mapping nor a list of agents")
    agents: list[tuple[str, Any]] = []
    for index, item in enumerate(value):
        agent = _mapping(item, f"{where}[{index}]")
        if "name" not in agent and len(agent) != 1:
            raise invalid("INVALID_PAYLOAD", f"{where}[{index}].name: missing")
        agents.append((agent["name"], agent) if "name" in agent else next(iter(agent.items())))
    return agents


def _check_fields(
    body: Mapping[str, Any], known: tuple[str, ...], where: str, allowed: Allowed
) -> None:
    check_known(body, known, where)
    for name, value in body.items():
        at = f"{where}.{name}"
        if value is None:
            continue
        if name in _MODEL_FIELDS:
            _check_model(value, at, allowed)
        elif name == "tools":
            _check_tools(value, at, allowed)
        elif name not in _NOT_REFERENCES:
            _check_references(value, at, allowed)
            if name == "planning_config" and isinstance(value, Mapping) and value.get("llm"):
                _check_model(value["llm"], f"{at}.llm", allowed)


def _check_model(value: Any, where: str, allowed: Allowed) -> None:
    if isinstance(value, str):
        allowed.check_model(value, where)
        return
    body = _mapping(value, where)
    check_known(body, _GENERATION, where)
    alias = body.get("model")
    if not isinstance(alias, str):
        raise invalid("INVALID_PAYLOAD", f"{where}.model: not a model alias")
    allowed.check_model(alias, f"{where}.model")


def _check_tools(value: Any, where: str, allowed: Allowed) -> None:
    """A tool is `module:Class` of an allow-listed module.

    CrewAI would take a mapping too, and import whatever class its `tool_type` names.
    """
    if not isinstance(value, list) or not all(isinstance(tool, str) for tool in value):
        raise invalid("INVALID_PAYLOAD", f"{where}: not a list of module:Class")
    for index, tool in enumerate(value):
        module, colon, _ = tool.partition(":")
        # CrewAI's own prefixes, for files of a project and for its hosted platform.
        if not colon or module in ("custom", "platform"):
            raise unsupported("TOOL_UNKNOWN", f"{where}[{index}]: there is no tool {tool!r} here")
        allowed.check_module(module, f"{where}[{index}]")


def _check_references(value: Any, where: str, allowed: Allowed) -> None:
    """Every `{"python": "module.attribute"}`, however deep, names an allow-listed module."""
    waiting = [(value, where)]
    while waiting:
        current, at = waiting.pop()
        if isinstance(current, Mapping):
            if "python" in current:
                path = current["python"]
                if not isinstance(path, str) or "." not in path:
                    raise invalid("INVALID_PAYLOAD", f"{at}.python: not module.attribute")
                allowed.check_module(path.strip().rpartition(".")[0], at)
            waiting.extend((item, f"{at}.{name}") for name, item in current.items())
        elif isinstance(current, list):
            waiting.extend((item, f"{at}[{index}]") for index, item in enumerate(current))


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise invalid("INVALID_PAYLOAD", f"{where}: not a mapping")
    return value
