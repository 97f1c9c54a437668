"""The plans that are run under kills, and what must become of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from baton_adapter._generated.baton.v1 import plan_pb2

CALLBACK, POLL = "callback", "poll"

# Run once for each element of a list; its instances are called fan[0], fan[1] ...
MAPPED = "fan"
_LIST = ("a", "b", "c")


@dataclass(frozen=True)
class Expected:
    """How a task must end: its status, its last attempt, and its output where it succeeded."""

    status: str
    attempt: int
    output: Any = None


def _task(
    name: str,
    adapter: str,
    depends_on: tuple[str, ...] = (),
    script: dict[str, str] | None = None,
    reads: tuple[str, ...] = (),
) -> plan_pb2.Task:
    """A task that gives back its payload, which reads what `reads` gave."""
    payload = {"n": name, **{other: f"${{{{ tasks.{other}.output.json.n }}}}" for other in reads}}
    return plan_pb2.Task(
        id=name,
        type="mock",
        adapter=adapter,
        payload_json=json.dumps(payload).encode(),
        depends_on=depends_on,
        metadata={"mock.echo": "true", "mock.delay": "20ms", **(script or {})},
        retry=plan_pb2.RetryPolicy(max_attempts=3, initial_delay_ms=50, jitter=0),
    )


def instance(task: str, index: int) -> str:
    """What the instance of a mapped task is called here."""
    return f"{task}[{index}]"


def _echo(name: str, **reads: str | None) -> dict[str, Any]:
    return {"text": "", "json": {"n": name, **reads}, "schema": None}


def reference() -> plan_pb2.Plan:
    """12 tasks: results by callback and by poll, failures, a run that must be cancelled, an output
    that does not fit, a condition, an approval and a map."""
    fails = {"mock.fail": "TRANSIENT", "mock.fail_attempts": "1"}
    limited = {**fails, "mock.fail": "RATE_LIMITED", "mock.retry_after": "80ms"}
    stuck = _task("stuck", CALLBACK, ("start",), {"mock.hang": "true"})
    stuck.on_failure = plan_pb2.ON_FAILURE_CONTINUE
    stuck.retry.max_attempts = 2
    stuck.timeouts.start_to_close_ms = 250
    misfit = _task("misfit", CALLBACK, ("chain",))
    misfit.metadata["mock.outputs"] = '[{"n": "1"}, {"n": 2}]'
    misfit.output_schema_json = b'{"type": "object", "properties": {"n": {"type": "integer"}}}'
    asked = _task("asked", "", ("flaky",))
    asked.type = "approval"
    asked.payload_json = b'{"prompt": "Go on after ${{ tasks.flaky.output.json.n }}?"}'
    asked.metadata.clear()
    fan = _task(MAPPED, CALLBACK, ("slow",), fails)
    fan.payload_json = b'{"n": "${{ item }}"}'
    fan.map.over = "${{ inputs.list }}"
    fan.map.max_parallel = 2
    join = _task(
        "join",
        POLL,
        (MAPPED, "asked", "misfit", "limited", "stuck", "declined"),
        reads=("limited", "stuck", "declined"),
    )
    join.payload_json = join.payload_json.replace(
        b"{", b'{"last": "${{ tasks.fan.output[2].json.n }}", ', 1
    )
    declined = _task("declined", POLL, ("stuck",))
    declined.when = "tasks.stuck.status == 'succeeded'"
    return plan_pb2.Plan(
        name="reference",
        inputs_json=json.dumps({"list": _LIST}).encode(),
        tasks=[
            _task("start", CALLBACK),
            _task("chain", POLL, ("start",), reads=("start",)),
            _task("flaky", CALLBACK, ("start",), fails),
            _task("limited", POLL, ("start",), limited),
            _task("slow", POLL, ("chain",), {"mock.delay": "120ms"}, ("chain",)),
            stuck,
            misfit,
            asked,
            declined,
            fan,
            join,
            _task("end", CALLBACK, ("join",), reads=("join",)),
        ],
    )


REFERENCE_ENDS = {
    "start": Expected("SUCCEEDED", 1, _echo("start")),
    "chain": Expected("SUCCEEDED", 1, _echo("chain", start="start")),
    "flaky": Expected("SUCCEEDED", 2, _echo("flaky")),
    "limited": Expected("SUCCEEDED", 2, _echo("limited")),
    "slow": Expected("SUCCEEDED", 1, _echo("slow", chain="chain")),
    "stuck": Expected("FAILED", 2),
    "misfit": Expected("SUCCEEDED", 2, {"n": 2}),
    "asked": Expected("SUCCEEDED", 1, {"n": "yes"}),
    "declined": Expected("SKIPPED", 0),
    MAPPED: Expected("SUCCEEDED", 0, [_echo(item) for item in _LIST]),
    **{
        instance(MAPPED, index): Expected("SUCCEEDED", 2, _echo(item))
        for index, item in enumerate(_LIST)
    },
    "join": Expected(
        "SUCCEEDED", 1, _echo("join", last="c", limited="limited", stuck=None, declined=None)
    ),
    "end": Expected("SUCCEEDED", 1, _echo("end", join="join")),
}


def dropped() -> plan_pb2.Plan:
    """A plan that its caller cancels while two of its tasks run."""
    hangs = {"mock.hang": "true"}
    return plan_pb2.Plan(
        name="dropped",
        tasks=[
            _task("one", CALLBACK, (), hangs),
            _task("two", POLL, (), hangs),
            _task("never", CALLBACK, ("one", "two")),
        ],
    )


DROPPED_TASKS = ("one", "two", "never")
