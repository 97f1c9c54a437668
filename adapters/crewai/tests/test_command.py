"""The command `baton-crewai`, configured by a file, against a registry and a real model."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc, plan_pb2
from baton_adapter.testing.processes import Program
from baton_adapter.testing.registry import Registry
from endpoint import HELLO, Endpoint

CONFIG = """
orchestrator: {orchestrator}
instance: crewai-7
results: {results}
models:
  default: {{model: openai/smollm2, base_url: "{real}", temperature: 0, max_tokens: 16}}
  scripted: {{model: openai/m, base_url: "{scripted}"}}
  endless: {{model: openai/m, base_url: "{endless}"}}
  hang: {{model: openai/m, base_url: "{hang}"}}
entrypoints: ["fixtures.*"]
"""
Start = Callable[..., tuple[Program, adapter_pb2_grpc.ExecutionAdapterStub]]


@pytest.fixture
def start(
    tmp_path: Path, endpoint: Endpoint, registry: Registry, model_url: str
) -> Iterator[Start]:
    started: list[Program] = []
    channels: list[grpc.Channel] = []

    def begin(results: str, *flags: str) -> tuple[Program, adapter_pb2_grpc.ExecutionAdapterStub]:
        urls = {name: endpoint.url(name) for name in ("scripted", "endless", "hang")}
        text = CONFIG.format(orchestrator=registry.address, results=results, real=model_url, **urls)
        (tmp_path / "crewai.yaml").write_text(text)
        command = str(Path(sys.executable).with_name("baton-crewai"))
        given = ["--config", str(tmp_path / "crewai.yaml"), "--data", str(tmp_path / "data")]
        started.append(Program([command, *given, *flags], folder=Path(__file__).parent))
        channels.append(grpc.insecure_channel(started[-1].ready["grpc"]))
        registry.wait_for_heartbeats(1)
        return started[-1], adapter_pb2_grpc.ExecutionAdapterStub(channels[-1])

    yield begin
    for channel in channels:
        channel.close()
    for program in started:
        if program.running:
            program.kill()


def task(key: str, kind: str, payload: dict[str, Any], timeout_ms: int = 120_000) -> Any:
    return adapter_pb2.DispatchTaskRequest(
        namespace="default",
        plan_id="plan-1",
        task_id=key,
        type=kind,
        payload_json=json.dumps(payload).encode(),
        attempt=1,
        delivery=1,
        token=1,
        idempotency_key=key,
        timeout_ms=timeout_ms,
    )


def result_of(stub: Any, registry: Registry, results: str, key: str) -> plan_pb2.TaskResult:
    if results == "callback":
        found = registry.wait_for(
            lambda: [item for item in registry.results if item.idempotency_key == key]
        )
        return found[0].result
    request = adapter_pb2.GetTaskResultRequest(
        idempotency_key=key, attempt=1, token=1, wait_ms=30_000
    )
    answer = stub.GetTaskResult(request)
    assert isinstance(answer.result, plan_pb2.TaskResult)
    return answer.result


@pytest.mark.parametrize("results", ["callback", "poll"])
def test_tasks_of_every_type(start: Start, registry: Registry, results: str) -> None:
    program, stub = start(results)
    registered = registry.registrations[0]
    assert (registered.framework, registered.instance) == ("crewai", "crewai-7")
    assert list(registered.task_types) == ["prompt", "agent", "crew"]
    stub.DispatchTask(task("prompt", "prompt", {"prompt": "Name a colour."}))
    agent = {"role": "Poet", "goal": "Write", "instructions": "Write a line on tea."}
    stub.DispatchTask(task("agent", "agent", agent))
    crew = {"entrypoint": "fixtures.crews:with_scripted_model"}
    stub.DispatchTask(task("crew", "crew", crew))
    for key in ("prompt", "agent"):
        result = result_of(stub, registry, results, key)
        assert result.outcome == plan_pb2.OUTCOME_SUCCEEDED, result
        assert set(json.loads(result.output_json)) == {"text", "json"}
        assert 0 < result.usage.output_tokens <= 16
        assert result.usage.model == "smollm2"
    result = result_of(stub, registry, results, "crew")
    tasks = [{"name": "capital", "agent": "Geographer", "text": HELLO}]
    assert json.loads(result.output_json) == {"text": HELLO, "json": None, "tasks": tasks}
    assert program.terminate() == 0
    assert "Traceback" not in program.stderr


def test_what_can_never_run_is_refused(start: Start) -> None:
    _, stub = start("callback")
    for kind, payload, status in (
        ("crew", {"entrypoint": "os:abort"}, grpc.StatusCode.INVALID_ARGUMENT),
        ("prompt", {"prompt": "p", "model": "x"}, grpc.StatusCode.UNIMPLEMENTED),
        ("graph", {"entrypoint": "fixtures.x:y"}, grpc.StatusCode.UNIMPLEMENTED),
    ):
        with pytest.raises(grpc.RpcError) as refused:
            stub.DispatchTask(task(kind, kind, payload))
        assert refused.value.code() == status


def test_a_deadline_and_a_cancel_end_the_run(
    start: Start, registry: Registry, endpoint: Endpoint
) -> None:
    _, stub = start("callback")
    stub.DispatchTask(task("late", "prompt", {"prompt": "p", "model": "endless"}, 2000))
    result = result_of(stub, registry, "callback", "late")
    assert result.error.error_class == plan_pb2.ERROR_CLASS_TIMEOUT
    assert endpoint.left.acquire(timeout=30)
    assert endpoint.reached.acquire(timeout=30)

    stub.DispatchTask(task("unwanted", "prompt", {"prompt": "p", "model": "endless"}))
    assert endpoint.reached.acquire(timeout=30)
    stub.CancelTask(adapter_pb2.CancelTaskRequest(idempotency_key="unwanted", attempt=1))
    result = result_of(stub, registry, "callback", "unwanted")
    assert result.outcome == plan_pb2.OUTCOME_CANCELLED
    assert endpoint.left.acquire(timeout=30)


def test_an_interrupt_hands_back_what_runs(
    start: Start, registry: Registry, endpoint: Endpoint
) -> None:
    program, stub = start("callback")
    stub.DispatchTask(task("silent", "prompt", {"prompt": "p", "model": "hang"}))
    assert endpoint.reached.acquire(timeout=30)
    program.signal(signal.SIGINT)
    assert program.wait() == 0
    assert endpoint.left.acquire(timeout=30)
    assert registry.deregistrations[-1].hand_back
    assert not registry.results
    assert "left behind" not in program.stderr
