"""The hand-out over real gRPC, against an adapter's process and an orchestrator's registry."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, plan_pb2, registry_pb2
from baton_adapter.status import details_of
from baton_adapter.testing.registry import Registry, accept, refuse
from conftest import StartAdapter
from gate import Gate


def payload(gate: Gate, **more: Any) -> dict[str, Any]:
    return {"gate": gate.port, **more}


def refusal(call: Any, *arguments: Any, **more: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **more)
    error: Any = caught.value
    return error.code().name, details_of(error).reason


def runs_of(message: registry_pb2.RunList) -> list[str]:
    return [
        f"{run.idempotency_key}#{run.attempt}:{run.token}:"
        + registry_pb2.RunState.Name(run.state).removeprefix("RUN_STATE_")
        for run in message.runs
    ]


def test_a_task_from_its_hand_out_to_its_acknowledged_result(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter()
    handle = adapter.dispatch("a", 1, 5, payload(gate), delivery=1)
    assert (handle.idempotency_key, handle.attempt, handle.token) == ("a", 1, 5)
    assert handle.handle
    assert handle.answered == 1
    run = gate.next()
    assert run.key == "a#1"
    again = adapter.dispatch("a", 1, 6, payload(gate), delivery=2)
    assert (again.handle, again.token, again.answered) == (handle.handle, 6, 2)
    assert gate.empty()

    run.tell(succeed={"text": "tea", "json": None})
    reported = registry.wait_for(lambda: registry.results)[0]
    assert (reported.idempotency_key, reported.attempt, reported.token) == ("a", 1, 6)
    assert reported.result.outcome == plan_pb2.OUTCOME_SUCCEEDED
    assert reported.result.task_id == "task-a"
    assert json.loads(reported.result.output_json) == {"text": "tea", "json": None}
    assert reported.result.usage == plan_pb2.Usage(
        input_tokens=10, output_tokens=20, calls=1, model="m"
    )
    registry.wait_for(lambda: registry.heartbeats and not registry.heartbeats[-1].runs.runs)
    assert refusal(adapter.dispatch, "a", 1, 7, payload(gate)) == (
        "FAILED_PRECONDITION",
        "RUN_ENDED",
    )
    assert refusal(adapter.poll, "a", 1, 7) == ("NOT_FOUND", "UNKNOWN_RUN")
    assert len(registry.results) == 1


def test_poll_mode_delivers_only_when_asked(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    adapter = start_adapter("poll")
    adapter.dispatch("a", 1, 5, payload(gate))
    run = gate.next()
    pending = adapter.poll("a", 1, 5, wait_s=0)
    assert (pending.pending, pending.started) == (True, True)
    assert (pending.attempt, pending.token) == (1, 5)
    waiting = adapter.stub.GetTaskResult.future(
        adapter_pb2.GetTaskResultRequest(idempotency_key="a", attempt=1, token=6, wait_ms=30_000),
        timeout=30,
    )
    run.tell(succeed={"text": "tea"})
    response = waiting.result()
    assert (response.attempt, response.token) == (1, 6)
    assert json.loads(response.result.output_json) == {"text": "tea"}
    # P8: reading deletes nothing; the heartbeat's forget does.
    assert adapter.poll("a", 1, 6).result == response.result
    registry.wait_for(
        lambda: (
            runs_of(registry.heartbeats[-1].runs) == ["a#1:6:FINISHED"]
            if registry.heartbeats
            else False
        )
    )
    registry.forget = [registry_pb2.RunRef(idempotency_key="a", attempt=1)]
    registry.wait_for(lambda: not registry.heartbeats[-1].runs.runs)
    assert refusal(adapter.poll, "a", 1, 6) == ("NOT_FOUND", "UNKNOWN_RUN")
    assert not registry.results


@pytest.mark.parametrize(
    ("order", "error_class", "code"),
    [
        ({"fail": ["RATE_LIMITED", "SLOW"]}, plan_pb2.ERROR_CLASS_RATE_LIMITED, "SLOW"),
        ({"fail": ["PERMANENT", "NO"]}, plan_pb2.ERROR_CLASS_PERMANENT, "NO"),
        ({"raise": "a \0 b"}, plan_pb2.ERROR_CLASS_TRANSIENT, "UNKNOWN"),
        ({"large": 1 << 20}, plan_pb2.ERROR_CLASS_PERMANENT, "OUTPUT_TOO_LARGE"),
        ({"not_json": True}, plan_pb2.ERROR_CLASS_INVALID_OUTPUT, "OUTPUT_NOT_JSON"),
    ],
    ids=["rate-limited", "permanent", "exception", "large", "not-json"],
)
def test_runs_that_fail(
    order: dict[str, Any],
    error_class: plan_pb2.ErrorClass,
    code: str,
    start_adapter: StartAdapter,
    gate: Gate,
) -> None:
    adapter = start_adapter("poll")
    adapter.dispatch("a", 1, 5, payload(gate))
    gate.next().tell(**order)
    result = adapter.result("a", 1, 5)
    assert result.outcome == plan_pb2.OUTCOME_FAILED
    assert (result.error.error_class, result.error.code) == (error_class, code)
    assert result.error.message
    assert "\0" not in result.error.message + result.error.diagnostics
    assert result.error.retry_after_ms == (1500 if "fail" in order else 0)


def test_refused_hand_outs(start_adapter: StartAdapter, gate: Gate) -> None:
    adapter = start_adapter("poll", max_concurrency=1)
    good = payload(gate)
    for arguments, more, refused in (
        (("a", 0, 1, good), {}, ("INVALID_ARGUMENT", "BAD_REQUEST")),
        (("", 1, 1, good), {}, ("INVALID_ARGUMENT", "BAD_REQUEST")),
        (("a", 1, 1, []), {}, ("INVALID_ARGUMENT", "BAD_PAYLOAD")),
        (
            ("a", 1, 1, good),
            {"output_schema_json": b"[1]"},
            ("INVALID_ARGUMENT", "BAD_PAYLOAD"),
        ),
        (("a", 1, 1, {}), {}, ("INVALID_ARGUMENT", "INVALID_PAYLOAD")),
        (("a", 1, 1, {**good, "tool": "x"}), {}, ("UNIMPLEMENTED", "TOOL_UNKNOWN")),
        (("a", 1, 1, good), {"type": "crew"}, ("UNIMPLEMENTED", "TASK_TYPE_UNSUPPORTED")),
    ):
        assert refusal(adapter.dispatch, *arguments, **more) == refused
    # Nothing of these was kept: the pair is free.
    adapter.dispatch("a", 1, 1, good)
    run = gate.next()
    with pytest.raises(grpc.RpcError) as caught:
        adapter.dispatch("b", 1, 1, good)
    error: Any = caught.value
    details = details_of(error)
    assert (error.code().name, details.reason) == ("RESOURCE_EXHAUSTED", "CONCURRENCY")
    assert details.retry_after_s == 1.0
    run.tell(succeed={"text": ""})
    run.wait_until_gone()
    assert adapter.poll("a", 1, 1).result.outcome == plan_pb2.OUTCOME_SUCCEEDED
    assert adapter.dispatch("b", 1, 1, good).handle


def test_the_deadline_ends_the_run(start_adapter: StartAdapter, gate: Gate) -> None:
    adapter = start_adapter("poll")
    adapter.dispatch("a", 1, 5, payload(gate), timeout_ms=300)
    run = gate.next()
    run.wait_until_gone()
    result = adapter.result("a", 1, 5)
    assert result.outcome == plan_pb2.OUTCOME_FAILED
    assert result.error.error_class == plan_pb2.ERROR_CLASS_TIMEOUT
    assert result.error.code == "START_TO_CLOSE"


def test_cancel_task(start_adapter: StartAdapter, gate: Gate) -> None:
    adapter = start_adapter("poll")
    adapter.dispatch("a", 1, 5, payload(gate))
    run = gate.next()
    assert adapter.cancel("a", 1) == "ACCEPTED"
    run.wait_until_gone()
    result = adapter.result("a", 1, 5)
    assert result.outcome == plan_pb2.OUTCOME_CANCELLED
    assert (result.error.error_class, result.error.code) == (
        plan_pb2.ERROR_CLASS_CANCELLED,
        "CANCELLED",
    )
    assert adapter.cancel("a", 1) == "ALREADY_FINISHED"
    refused = ("FAILED_PRECONDITION", "RUN_CANCELLED")
    assert refusal(adapter.dispatch, "a", 1, 6, payload(gate)) == refused
    # P10: an unknown pair is remembered.
    assert adapter.cancel("b", 1) == "NOT_FOUND"
    assert refusal(adapter.dispatch, "b", 1, 5, payload(gate)) == refused
    assert refusal(adapter.cancel, "", 1) == ("INVALID_ARGUMENT", "BAD_REQUEST")


def test_a_later_attempt_begins_when_the_earlier_one_has_ended(
    start_adapter: StartAdapter, gate: Gate
) -> None:
    adapter = start_adapter("poll")
    adapter.dispatch("a", 1, 5, payload(gate))
    first = gate.next()
    adapter.dispatch("a", 2, 6, payload(gate))
    first.wait_until_gone()
    second = gate.next()
    assert second.key == "a#2"
    assert refusal(adapter.dispatch, "a", 1, 7, payload(gate)) == (
        "FAILED_PRECONDITION",
        "LATER_ATTEMPT",
    )
    second.tell(succeed={"text": "2"})
    assert adapter.result("a", 2, 6).outcome == plan_pb2.OUTCOME_SUCCEEDED


def test_after_a_kill_runs_are_lost_and_results_are_kept(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    registry.answer = refuse(grpc.StatusCode.UNAVAILABLE, "AWAY")
    adapter = start_adapter()
    before = adapter.dispatch("a", 1, 5, payload(gate))
    adapter.dispatch("b", 1, 5, payload(gate))
    first, second = gate.next(), gate.next()
    {run.key: run for run in (first, second)}["b#1"].tell(succeed={"text": "kept"})
    registry.wait_for(lambda: registry.results)
    # A poll answers what is durable.
    assert json.loads(adapter.result("b", 1, 5).output_json) == {"text": "kept"}
    adapter.program.kill()

    registry.answer = accept
    adapter = start_adapter()
    registration = registry.wait_for(lambda: registry.registrations[1:])[0]
    assert registration.runs.epoch > before.epoch
    assert registration.runs.answered == 0
    assert runs_of(registration.runs) in (["b#1:5:FINISHED"], [])
    delivered = registry.wait_for(
        lambda: [one for one in registry.results if one.idempotency_key == "b"][1:]
    )
    assert json.loads(delivered[0].result.output_json) == {"text": "kept"}
    # P2: the same token would be answered with a handle of nothing.
    assert refusal(adapter.dispatch, "a", 1, 5, payload(gate)) == ("NOT_FOUND", "RUN_LOST")
    assert refusal(adapter.poll, "a", 1, 6) == ("NOT_FOUND", "UNKNOWN_RUN")
    assert adapter.dispatch("a", 1, 6, payload(gate)).handle == before.handle
    run = gate.next()
    assert run.key == "a#1"
    run.tell(succeed={"text": "again"})
    registry.wait_for(lambda: [one for one in registry.results if one.idempotency_key == "a"])
    # P9: tombstones survive too.
    registry.wait_for_heartbeats(2)
    adapter.program.kill()
    adapter = start_adapter()
    assert refusal(adapter.dispatch, "a", 1, 7, payload(gate)) == (
        "FAILED_PRECONDITION",
        "RUN_ENDED",
    )


def test_two_processes_do_not_share_a_data_folder(
    start_adapter: StartAdapter, registry: Registry
) -> None:
    start_adapter()
    with pytest.raises(RuntimeError, match="another adapter process"):
        start_adapter()
