"""Registration, heartbeats, result delivery, progress and the end, over real gRPC."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, registry_pb2
from baton_adapter.testing.registry import Answer, Registry, accept, refuse
from conftest import Adapter, StartAdapter
from gate import Gate
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)


def get(adapter: Adapter, path: str) -> tuple[int, str]:
    url = f"http://{adapter.program.ready['http']}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def ref(key: str, attempt: int) -> registry_pb2.RunRef:
    return registry_pb2.RunRef(idempotency_key=key, attempt=attempt)


def test_what_an_adapter_registers_with(start_adapter: StartAdapter, registry: Registry) -> None:
    adapter = start_adapter(instance="scripted-7", max_concurrency=3)
    request = registry.wait_for(lambda: registry.registrations)[0]
    assert request.adapter == "scripted"
    assert request.instance == "scripted-7"
    assert request.address == adapter.program.ready["grpc"]
    assert (request.framework, request.framework_version) == ("scripted", "7")
    assert list(request.task_types) == ["scripted"]
    assert list(request.capabilities) == ["cancel"]
    assert request.max_concurrency == 3
    assert request.protocol_version == 1
    assert request.result_mode == registry_pb2.RESULT_MODE_CALLBACK
    assert request.runs.epoch
    assert adapter.program.ready["adapter"] == "scripted"
    assert adapter.program.ready["instance"] == "scripted-7"


def test_an_adapter_waits_for_its_orchestrator_and_outlives_it(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    registry.stop()
    adapter = start_adapter()
    assert get(adapter, "/readyz")[0] == 503
    registry.start()
    registry.wait_for_heartbeats(1)
    assert get(adapter, "/readyz") == (200, "ready\n")

    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    registry.stop()
    run.tell(succeed={"text": "while you were away"})
    assert adapter.result("a", 1, 5).output_json
    registry.start()
    registration = registry.wait_for(lambda: registry.registrations[1:])[0]
    assert registration.runs.answered == 1
    result = registry.wait_for(lambda: registry.results)[0]
    assert json.loads(result.result.output_json) == {"text": "while you were away"}
    registry.wait_for_heartbeats(2)
    assert not registry.heartbeats[-1].runs.runs


def test_results_are_repeated_until_they_are_acknowledged(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    answers: Iterator[Answer] = iter(
        [
            refuse(grpc.StatusCode.UNAVAILABLE, "AWAY"),
            refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "SLOW"),
            refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "BUSY", retry_after_s=0.2),
            # P6: an answer to another token is none.
            lambda _: registry_pb2.ReportTaskResultResponse(attempt=1, token=4),
        ]
    )
    registry.answer = lambda request: next(answers, accept)(request)
    adapter = start_adapter()
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    gate.next().tell(succeed={"text": "tea"})
    registry.wait_for(lambda: len(registry.results) == 5)
    registry.wait_for_heartbeats(2)
    assert not registry.heartbeats[-1].runs.runs
    assert len({result.SerializeToString() for result in registry.results}) == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "STALE_LEASE"),
        (grpc.StatusCode.ABORTED, "CONFLICTING_RESULT"),
        (grpc.StatusCode.NOT_FOUND, "UNKNOWN_TASK"),
        (grpc.StatusCode.INVALID_ARGUMENT, "NEWER_TOKEN"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_LARGE"),
    ],
)
def test_a_refused_result_is_kept_for_a_higher_token(
    code: grpc.StatusCode,
    reason: str,
    start_adapter: StartAdapter,
    registry: Registry,
    gate: Gate,
) -> None:
    registry.answer = refuse(code, reason)
    adapter = start_adapter()
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    gate.next().tell(succeed={"text": "tea"})
    registry.wait_for(lambda: registry.results)
    registry.wait_for_heartbeats(3)
    assert len(registry.results) == 1
    assert registry.heartbeats[-1].runs.runs[0].state == registry_pb2.RUN_STATE_FINISHED
    assert adapter.result("a", 1, 5).output_json
    assert len(registry.results) == 1

    registry.answer = accept
    adapter.dispatch("a", 1, 6, {"gate": gate.port})
    result = registry.wait_for(lambda: registry.results[1:])[0]
    assert result.token == 6
    registry.wait_for_heartbeats(2)
    assert not registry.heartbeats[-1].runs.runs


def test_already_terminal_lets_the_result_go(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    registry.answer = refuse(grpc.StatusCode.FAILED_PRECONDITION, "ALREADY_TERMINAL")
    adapter = start_adapter()
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    gate.next().tell(succeed={"text": "tea"})
    registry.wait_for(lambda: registry.results)
    registry.wait_for_heartbeats(2)
    assert not registry.heartbeats[-1].runs.runs


def test_the_heartbeats_cancel_is_obeyed(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter()
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    registry.wait_for(lambda: registry.heartbeats and registry.heartbeats[-1].in_flight == 1)
    registry.cancel = [ref("a", 1), ref("unknown", 1)]
    run.wait_until_gone()
    result = registry.wait_for(lambda: registry.results)[0]
    assert result.result.error.code == "CANCELLED"
    registry.wait_for_heartbeats(2)
    with pytest.raises(grpc.RpcError) as caught:
        adapter.dispatch("unknown", 1, 5, {"gate": gate.port})
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_progress_is_gathered_and_sent(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter()
    registry.wait_for_heartbeats(1)
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    started = registry.wait_for(lambda: registry.progress)[0]
    assert (started.started, started.idempotency_key, started.token) == (True, "a", 5)
    run.tell(say=["té", "a", "!"])
    registry.wait_for(lambda: [item for item in registry.progress if item.progress.usage.calls])
    run.tell(say=["more"])
    registry.wait_for(
        lambda: len([item for item in registry.progress if item.progress.usage.calls]) == 2
    )
    said = [item.progress for item in registry.progress if item.HasField("progress")]
    chunks = [(one.chunk.offset, one.chunk.text) for one in said if one.HasField("chunk")]
    assert chunks == [(0, "téa!"), (5, "more")]
    assert [one.message.content for one in said if one.HasField("message")] == ["a message"] * 2
    assert [one.log.text for one in said if one.HasField("log")] == ["a line"] * 2
    assert said[-1].usage.input_tokens == 1
    run.tell(succeed={"text": "téa!more"})


def test_the_end_waits_for_what_runs(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter(shutdown_grace="20s")
    registry.wait_for_heartbeats(1)
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    adapter.program.signal(signal.SIGTERM)
    draining = registry.wait_for(lambda: registry.deregistrations)[0]
    assert not draining.hand_back
    with pytest.raises(grpc.RpcError) as caught:
        adapter.dispatch("b", 1, 5, {"gate": gate.port})
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    run.tell(succeed={"text": "in time"})
    assert adapter.program.wait() == 0
    assert json.loads(registry.results[0].result.output_json) == {"text": "in time"}
    assert registry.deregistrations[-1].hand_back


@pytest.mark.parametrize(
    "flags",
    [{"shutdown_in_flight": "hand_back"}, {"shutdown_grace": "200ms"}],
    ids=["at-once", "after-the-grace-period"],
)
def test_what_does_not_finish_is_handed_back_and_comes_again(
    flags: dict[str, str], start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter(**flags)
    registry.wait_for_heartbeats(1)
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    assert adapter.program.terminate() == 0
    run.wait_until_gone()
    assert registry.deregistrations[-1].hand_back
    assert not registry.results
    adapter = start_adapter()
    adapter.dispatch("a", 1, 6, {"gate": gate.port})
    gate.next().tell(succeed={"text": "again"})
    assert registry.wait_for(lambda: registry.results)[0].token == 6


def test_a_run_that_is_taken_back_ends_without_a_result_and_comes_again(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter()
    assert adapter.cancel("a", 1, hand_back=True) == "NOT_FOUND"
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    assert adapter.cancel("a", 1, hand_back=True) == "ACCEPTED"
    run.wait_until_gone()
    for call in (
        lambda: adapter.poll("a", 1, 5),
        lambda: adapter.dispatch("a", 1, 5, {"gate": gate.port}),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        error: Any = caught.value
        assert error.code() is grpc.StatusCode.NOT_FOUND
    adapter.dispatch("a", 1, 6, {"gate": gate.port})
    gate.next().tell(succeed={"text": "again"})
    assert registry.wait_for(lambda: registry.results)[0].token == 6


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]],
    ids=["interrupted", "terminated-twice"],
)
def test_a_person_who_waits_is_not_kept_waiting(
    signals: list[signal.Signals], start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter(shutdown_grace="10m")
    registry.wait_for_heartbeats(1)
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    for number in signals:
        adapter.program.signal(number)
        registry.wait_for(lambda: registry.deregistrations)
    assert adapter.program.wait() == 0
    run.wait_until_gone()
    assert registry.deregistrations[-1].hand_back


def test_health_reflection_and_information(start_adapter: StartAdapter) -> None:
    adapter = start_adapter(instance="scripted-1")
    # These two classes carry no types.
    stub: Any = health_pb2_grpc.HealthStub
    health = stub(adapter.channel)
    for service in ("", "baton.v1.ExecutionAdapter"):
        status = health.Check(health_pb2.HealthCheckRequest(service=service)).status
        assert status == health_pb2.HealthCheckResponse.SERVING
    database: Any = ProtoReflectionDescriptorDatabase
    assert "baton.v1.ExecutionAdapter" in database(adapter.channel).get_services()
    ask = adapter.channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    symbol = "baton.v1.ExecutionAdapter"
    requests = [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol),
        reflection_pb2.ServerReflectionRequest(file_by_filename="nothing.proto"),
    ]
    found, missing = ask(iter(requests), timeout=10)
    assert found.file_descriptor_response.file_descriptor_proto
    assert missing.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    health_check = adapter.stub.AdapterHealthCheck(adapter_pb2.AdapterHealthCheckRequest())
    assert health_check.healthy
    info = adapter.stub.GetAdapterInfo(adapter_pb2.GetAdapterInfoRequest())
    assert (info.adapter, info.instance) == ("scripted", "scripted-1")
    assert list(info.task_types) == ["scripted"]


def test_http_endpoints(start_adapter: StartAdapter, registry: Registry, gate: Gate) -> None:
    adapter = start_adapter("poll")
    assert get(adapter, "/healthz") == (200, "ok\n")
    assert get(adapter, "/nothing")[0] == 404
    adapter.dispatch("a", 1, 5, {"gate": gate.port})
    run = gate.next()
    assert "baton_adapter_in_flight 1.0" in get(adapter, "/metrics")[1]
    run.tell(fail=["PERMANENT", "NO"])
    adapter.result("a", 1, 5)
    line = 'baton_adapter_attempts_total{error_class="PERMANENT",type="scripted"} 1.0'
    assert line in get(adapter, "/metrics")[1]


def test_logs_are_one_object_a_line(start_adapter: StartAdapter, registry: Registry) -> None:
    adapter = start_adapter()
    registry.wait_for_heartbeats(1)
    assert adapter.program.terminate() == 0
    lines = [json.loads(line) for line in adapter.program.stderr.splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])
    assert [line["message"] for line in lines] == ["accepting calls", "registered", "stopping"]
