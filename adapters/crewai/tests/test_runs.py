"""Crews that run to their end, with a real model and with one that says what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from baton_adapter import ErrorClass, Failure, Success
from conftest import Recorder, Sidecar, make_request
from endpoint import HELLO, Endpoint

from baton_crewai.runtime import CrewAIRuntime

DEFINITION = {
    "name": "two",
    "agents": {
        "writer": {"role": "Writer", "goal": "Write", "backstory": "You write briefly."},
        "editor": {
            "role": "Editor",
            "goal": "Edit",
            "backstory": "You edit.",
            "llm": {"model": "scripted", "temperature": 0.75},
        },
    },
    "tasks": [
        {
            "name": "draft",
            "description": "Write one sentence about {topic}.",
            "expected_output": "A sentence.",
            "agent": "writer",
        },
        {
            "name": "edit",
            "description": "Edit the sentence.",
            "expected_output": "A better sentence.",
            "agent": "editor",
            "context": ["draft"],
        },
    ],
}


def done(outcome: Success | Failure) -> Success:
    assert isinstance(outcome, Success), outcome
    return outcome


def test_a_prompt_by_a_real_model(real: Sidecar) -> None:
    said = Recorder()
    payload = {"system": "You are helpful.", "prompt": "Name the capital of France."}
    outcome = done(real.run("prompt", payload, said))
    assert set(outcome.output) == {"text", "json"}
    assert outcome.output["text"]
    assert outcome.output["json"] is None
    assert outcome.usage.calls == 1
    assert outcome.usage.input_tokens > 10
    assert 0 < outcome.usage.output_tokens <= 24
    assert outcome.usage.model == "smollm2"
    assert said.starts == 1
    assert "".join(said.chunks).strip() == outcome.output["text"].strip()
    assert said.messages == [("Assistant", "assistant", outcome.output["text"])]
    assert said.usages[-1] == outcome.usage


def test_an_agent_by_a_real_model(real: Sidecar) -> None:
    said = Recorder()
    outcome = done(
        real.run(
            "agent",
            {
                "role": "Geographer",
                "goal": "Answer questions",
                "backstory": "You know maps.",
                "instructions": "Name the capital of Italy.",
                "expected_output": "One sentence.",
            },
            said,
        )
    )
    assert set(outcome.output) == {"text", "json"}
    assert outcome.output["text"]
    assert said.messages[0][0] == "Geographer"


def test_a_crew_by_definition_by_a_real_model(real: Sidecar) -> None:
    payload = {"definition": DEFINITION, "inputs": {"topic": "tea"}}
    outcome = done(real.run("crew", payload))
    assert [task["name"] for task in outcome.output["tasks"]] == ["draft", "edit"]
    assert [task["agent"] for task in outcome.output["tasks"]] == ["Writer", "Editor"]
    assert outcome.output["tasks"][0]["text"]
    assert outcome.output["text"] == outcome.output["tasks"][1]["text"] == HELLO
    assert outcome.usage.calls == 2


@pytest.mark.parametrize("attribute", ["factory", "crew"])
def test_a_crew_by_entrypoint_by_a_real_model(real: Sidecar, attribute: str) -> None:
    payload = {"entrypoint": f"fixtures.crews:{attribute}", "inputs": {"country": "France"}}
    outcome = done(real.run("crew", payload))
    assert outcome.output["text"]
    assert outcome.output["tasks"][0]["name"] == "capital"


def test_what_an_alias_stands_for_reaches_the_model(sidecar: Sidecar, endpoint: Endpoint) -> None:
    payload = {"system": "Speak like a pirate.", "prompt": "Hello {name}", "model": "scripted"}
    outcome = done(sidecar.run("prompt", payload))
    assert outcome.output == {"text": HELLO, "json": None}
    request = endpoint.requests["scripted"]
    assert request["model"] == "m"
    assert request["temperature"] == 0.25
    assert request["max_tokens"] == 33
    assert endpoint.headers["scripted"]["authorization"] == "Bearer a-key"
    asked = json.dumps(request["messages"])
    assert "Speak like a pirate." in asked
    assert "Hello {name}" in asked


def test_a_definition_may_set_the_temperature_of_an_alias(
    sidecar: Sidecar, endpoint: Endpoint
) -> None:
    done(sidecar.run("crew", {"definition": DEFINITION, "inputs": {"topic": "tea"}}))
    assert endpoint.requests["scripted"]["temperature"] == 0.75
    assert endpoint.requests["scripted"]["max_tokens"] == 33


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("prompt", {"prompt": "Say hello."}),
        ("agent", {"role": "r", "goal": "g", "instructions": "Say {hello}."}),
        ("crew", {"definition": DEFINITION, "inputs": {"topic": "tea"}}),
        ("crew", {"entrypoint": "fixtures.crews:with_scripted_model"}),
    ],
)
def test_feedback_reaches_the_model(
    sidecar: Sidecar, endpoint: Endpoint, kind: str, payload: dict[str, Any]
) -> None:
    done(sidecar.run(kind, payload, feedback="the field {city} is missing"))
    messages = json.dumps(endpoint.requests["scripted"]["messages"])
    assert "the field {city} is missing" in messages


def test_json_output(sidecar: Sidecar) -> None:
    outcome = done(sidecar.run("prompt", {"prompt": "A city?", "model": "json"}))
    assert outcome.output["json"] == {"city": "Rome"}
    outcome = done(sidecar.run("crew", {"entrypoint": "fixtures.crews:with_json_output"}))
    assert outcome.output["json"] == {"city": "Rome"}


def test_projects(sidecar: Sidecar, endpoint: Endpoint) -> None:
    outcome = done(sidecar.run("crew", {"project": "fixtures/json_project"}))
    assert outcome.output["tasks"] == [{"name": "greet", "agent": "Greeter", "text": HELLO}]
    assert "Greet everybody." in json.dumps(endpoint.requests["scripted"]["messages"])

    payload = {"project": "fixtures/json_project", "inputs": {"who": "Ann"}}
    done(sidecar.run("crew", payload))
    assert "Greet Ann." in json.dumps(endpoint.requests["scripted"]["messages"])

    payload = {"project": "fixtures/class_project", "inputs": {"country": "Spain"}}
    outcome = done(sidecar.run("crew", payload))
    assert outcome.output["tasks"][0]["agent"].strip() == "Geographer"
    assert "capital of Spain" in json.dumps(endpoint.requests["scripted"]["messages"])

    outcome = done(sidecar.run("crew", {"project": "fixtures/flow_project"}))
    assert outcome.output == {"text": HELLO, "json": None, "tasks": []}


def test_a_flow(sidecar: Sidecar, endpoint: Endpoint) -> None:
    before = endpoint.hits["scripted"]
    payload = {"entrypoint": "fixtures.crews:Capitals", "inputs": {"who": "Ann"}}
    outcome = done(sidecar.run("crew", payload))
    assert outcome.output["json"] == {"greeting": HELLO, "direct": HELLO, "who": "Ann"}
    assert outcome.output["tasks"] == []
    assert endpoint.hits["scripted"] == before + 2
    assert outcome.usage.calls == 2
    assert outcome.usage.output_tokens == 10


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"entrypoint": "fixtures.crews:factory"}, "INPUT_MISSING"),
        ({"definition": DEFINITION}, "INPUT_MISSING"),
        ({"entrypoint": "fixtures.crews:nothing"}, "ENTRYPOINT_NOT_LOADED"),
        ({"entrypoint": "fixtures.nowhere:crew"}, "ENTRYPOINT_NOT_LOADED"),
        ({"entrypoint": "fixtures.crews:needy"}, "ENTRYPOINT_NOT_LOADED"),
        ({"entrypoint": "fixtures.crews:time"}, "ENTRYPOINT_NOT_LOADED"),
        ({"entrypoint": "fixtures.crews:with_human_input"}, "HUMAN_INPUT_UNAVAILABLE"),
        ({"project": "fixtures/nowhere"}, "ENTRYPOINT_NOT_LOADED"),
        ({"project": "fixtures/class_project/src"}, "ENTRYPOINT_NOT_LOADED"),
        (
            {"definition": {**DEFINITION, "process": "sideways"}, "inputs": {"topic": "tea"}},
            "INVALID_CREW",
        ),
    ],
)
def test_what_only_the_worker_can_see_is_permanent(
    sidecar: Sidecar, payload: dict[str, Any], code: str
) -> None:
    outcome = sidecar.run("crew", payload)
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, outcome.code) == (ErrorClass.PERMANENT, code)


def test_runs_side_by_side_do_not_mix(sidecar: Sidecar) -> None:
    async def all_of_them() -> list[Success | Failure]:
        payloads = [{"prompt": "p", "model": name} for name in ("scripted", "json") * 3]
        return await asyncio.gather(
            *(sidecar.runtime.run(make_request("prompt", p), Recorder()) for p in payloads)
        )

    texts = [done(outcome).output["json"] for outcome in sidecar.runner.run(all_of_them())]
    assert texts == [None, {"city": "Rome"}] * 3


def test_a_worker_knows_its_attempt_and_has_its_plans_folder(sidecar: Sidecar) -> None:
    folders = set()
    for plan, namespace in (("p1", "default"), ("p2", "default"), ("p1", "other"), ("..", "..")):
        outcome = sidecar.run(
            "crew",
            {"entrypoint": "fixtures.crews:environment"},
            plan_id=plan,
            namespace=namespace,
            attempt=2,
        )
        assert isinstance(outcome, Failure)
        told = json.loads(outcome.message.removeprefix("RuntimeError: "))
        # The fork came from a process of one thread.
        assert told["threads"] == 1
        assert told["BATON_ATTEMPT"] == "2"
        assert told["BATON_IDEMPOTENCY_KEY"] == "plan-1/task-1/0"
        folders.add(Path(told["CREWAI_STORAGE_DIR"]))
    assert len(folders) == 4
    for folder in folders:
        assert folder.is_dir()
        assert folder.parent == sidecar.config.data / "crewai/storage/plans"


def test_no_connection_but_to_the_model(
    sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "hosts"
    with fresh(sidecar, monkeypatch, AUDIT_NOTE=str(note)) as other:
        done(other.run("crew", {"entrypoint": "fixtures.crews:audited"}))
    assert set(note.read_text().split()) == {"127.0.0.1"}


@contextlib.contextmanager
def fresh(
    sidecar: Sidecar, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> Iterator[Sidecar]:
    """A second sidecar, whose workers see these variables."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = replace(sidecar.config, data=sidecar.config.data / "fresh")
    runtime = CrewAIRuntime(config, grace_s=1.0)
    sidecar.runner.run(runtime.start())
    try:
        yield Sidecar(runtime, config, sidecar.runner)
    finally:
        sidecar.runner.run(runtime.close())
