from __future__ import annotations

from typing import Any

import pytest
from baton_adapter import ErrorClass, Rejection
from conftest import make_request

from baton_crewai import payload
from baton_crewai.allowed import Allowed

ALLOWED = Allowed(["default", "fast"], ["examples.*", "crews"])
AGENT = {"role": "r", "goal": "g", "backstory": "b"}
TASK = {"description": "d", "expected_output": "e", "agent": "a"}


def definition(agent: dict[str, Any] | None = None, **crew: Any) -> dict[str, Any]:
    return {"definition": {"agents": {"a": {**AGENT, **(agent or {})}}, "tasks": [TASK], **crew}}


def task_definition(**task: Any) -> dict[str, Any]:
    return {"definition": {"agents": {"a": AGENT}, "tasks": [{**TASK, **task}]}}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("prompt", {"prompt": "p"}),
        ("prompt", {"prompt": "p", "system": "s", "model": "fast"}),
        ("agent", {"role": "r", "goal": "g", "instructions": "i", "tools": []}),
        ("crew", definition()),
        ("crew", definition({"llm": "fast"}, name="n", process="sequential", inputs={"x": {}})),
        ("crew", definition({"llm": {"model": "fast", "temperature": 0.1}})),
        ("crew", definition({"tools": ["examples.tools:Search"]})),
        ("crew", {"definition": {"agents": [{"name": "a", **AGENT}], "tasks": [TASK]}}),
        ("crew", {"definition": {"agents": [{"a": AGENT}], "tasks": [TASK]}}),
        ("crew", task_definition(guardrail={"python": "examples.checks.check"})),
        ("crew", {"entrypoint": "examples.geo:crew", "inputs": {"country": "France"}}),
        ("crew", {"project": "examples/geo"}),
    ],
)
def test_accepts(kind: str, body: dict[str, Any]) -> None:
    payload.check(make_request(kind, body), ALLOWED)


@pytest.mark.parametrize(
    ("kind", "body", "code", "names"),
    [
        ("prompt", {}, "INVALID_PAYLOAD", "payload.prompt"),
        ("prompt", {"prompt": " "}, "INVALID_PAYLOAD", "payload.prompt"),
        ("prompt", {"prompt": 3}, "INVALID_PAYLOAD", "payload.prompt"),
        ("prompt", {"prompt": "p", "sytem": "s"}, "INVALID_PAYLOAD", "payload.sytem"),
        ("agent", {"role": "r", "goal": "g"}, "INVALID_PAYLOAD", "payload.instructions"),
        ("crew", {}, "INVALID_PAYLOAD", "exactly one"),
        ("crew", {"project": "examples/x", "entrypoint": "crews:x"}, "INVALID_PAYLOAD", "exactly"),
        ("crew", {"entrypoint": "crews:x", "inputs": [1]}, "INVALID_PAYLOAD", "payload.inputs"),
        ("crew", {"entrypoint": "crews.x"}, "INVALID_PAYLOAD", "payload.entrypoint"),
        ("crew", {"entrypoint": "crews:x.y"}, "INVALID_PAYLOAD", "payload.entrypoint"),
        ("crew", {"entrypoint": "os:abort"}, "ENTRYPOINT_NOT_ALLOWED", "os"),
        ("crew", {"entrypoint": "examples:x"}, "ENTRYPOINT_NOT_ALLOWED", "examples"),
        ("crew", {"project": "/etc"}, "ENTRYPOINT_NOT_ALLOWED", "payload.project"),
        ("crew", {"project": "examples/../etc"}, "ENTRYPOINT_NOT_ALLOWED", "payload.project"),
        ("crew", {"project": "other/x"}, "ENTRYPOINT_NOT_ALLOWED", "other.x"),
        ("crew", {"definition": []}, "INVALID_PAYLOAD", "payload.definition"),
        ("crew", definition(tasks=[]), "INVALID_PAYLOAD", "definition.tasks"),
        ("crew", definition(agents={}), "INVALID_PAYLOAD", "definition.agents"),
        ("crew", definition(memory=True), "INVALID_PAYLOAD", "definition.memory"),
        ("crew", definition({"mcps": [{"command": "sh"}]}), "INVALID_PAYLOAD", "agents.a.mcps"),
        ("crew", definition({"tools": [{"tool_type": "os.x"}]}), "INVALID_PAYLOAD", "a.tools"),
        ("crew", definition({"tools": ["os:system"]}), "ENTRYPOINT_NOT_ALLOWED", "a.tools[0]"),
        (
            "crew",
            definition({"llm": {"model": "fast", "base_url": "http://elsewhere"}}),
            "INVALID_PAYLOAD",
            "agents.a.llm.base_url",
        ),
        (
            "crew",
            definition({"settings": {"llm": {"model": "fast", "api_key": "k"}}}),
            "INVALID_PAYLOAD",
            "settings.llm.api_key",
        ),
        ("crew", task_definition(output_file="/etc/x"), "INVALID_PAYLOAD", "output_file"),
        ("crew", task_definition(human_input=True), "HUMAN_INPUT_UNAVAILABLE", "human_input"),
        (
            "crew",
            task_definition(guardrails=[{"python": "os.system"}]),
            "ENTRYPOINT_NOT_ALLOWED",
            "tasks[0].guardrails[0]",
        ),
        (
            "crew",
            definition({"type": {"python": "subprocess.Popen"}}),
            "ENTRYPOINT_NOT_ALLOWED",
            "agents.a.type",
        ),
    ],
)
def test_refuses_for_good(kind: str, body: dict[str, Any], code: str, names: str) -> None:
    with pytest.raises(Rejection) as refused:
        payload.check(make_request(kind, body), ALLOWED)
    assert refused.value.error_class is ErrorClass.PERMANENT
    assert refused.value.code == code
    assert names in refused.value.message


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("graph", {"entrypoint": "examples.g:g"}),
        ("prompt", {"prompt": "p", "model": "unknown"}),
        ("agent", {"role": "r", "goal": "g", "instructions": "i", "tools": ["search"]}),
        ("crew", {"remote": "research"}),
        ("crew", definition({"llm": "gpt-4o"})),
        ("crew", definition(manager_llm="gpt-4o")),
        ("crew", definition({"planning_config": {"llm": "gpt-4o"}})),
        ("crew", definition({"tools": ["SerperDevTool"]})),
        ("crew", definition({"tools": ["custom:mine"]})),
    ],
)
def test_says_what_is_not_here(kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Rejection) as refused:
        payload.check(make_request(kind, body), ALLOWED)
    assert refused.value.error_class is ErrorClass.UNSUPPORTED


def test_a_crew_without_a_model_needs_the_default_alias() -> None:
    with pytest.raises(Rejection, match="default"):
        payload.check(make_request("crew", definition()), Allowed(["fast"], []))
    payload.check(make_request("crew", definition({"llm": "fast"})), Allowed(["fast"], []))
