"""What must hold once the plans have ended, whenever the server was killed."""

from __future__ import annotations

import copy
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from baton_adapter._generated.baton.v1 import plan_pb2

from .caller import Caller
from .plan import DROPPED_TASKS, MAPPED, REFERENCE_ENDS, Expected, instance
from .stage import Stage

# Heartbeats repeat what must be cancelled, several times in a lease.
_CANCEL_SECONDS = 10.0
_SETTLES = ("task_succeeded", "task_failed", "task_retry_scheduled")
_ENDS = ("task_succeeded", "task_failed", "task_cancelled", "task_skipped")
_HAND_OUTS = ("task_dispatched", "task_redelivered")

Run = tuple[str, str, int]


@dataclass
class Findings:
    """What is wrong."""

    # Results that an adapter had and that no commit shows.
    lost: int = 0
    # Attempts that were settled, or run, more than once.
    applied_twice: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def all(self) -> list[str]:
        counts = {"lost": self.lost, "applied twice": self.applied_twice}
        return [f"{number} {what}" for what, number in counts.items() if number] + self.problems

    def require(self, holds: bool, problem: str) -> None:
        if not holds:
            self.problems.append(problem)


@dataclass
class Evidence:
    """What a run left behind."""

    # The reference plan and the one that was cancelled.
    states: tuple[plan_pb2.PlanState, plan_pb2.PlanState]
    histories: tuple[list[plan_pb2.PlanEvent], list[plan_pb2.PlanEvent]]
    watched: tuple[list[plan_pb2.PlanEvent], list[plan_pb2.PlanEvent]]
    ledger: list[dict[str, Any]]


def gather(stage: Stage, caller: Caller) -> Evidence:
    """Read anew from the server and the adapters."""
    ids = (caller.reference_id, caller.dropped_id)
    states = (caller.state(ids[0]), caller.state(ids[1]))
    histories = (caller.events(ids[0]), caller.events(ids[1]))
    watched = (caller.watched[ids[0]], caller.watched[ids[1]])
    return Evidence(states, histories, watched, _settled_ledger(stage))


def _settled_ledger(stage: Stage) -> list[dict[str, Any]]:
    """The ledger once every run that began has ended, or should have."""
    end = time.monotonic() + _CANCEL_SECONDS
    while True:
        lines = stage.ledger()
        begun, over = (set(_runs(lines, event)) for event in ("started", "finished"))
        if begun == over or time.monotonic() > end:
            return lines
        time.sleep(0.05)


def judge(evidence: Evidence) -> Findings:
    findings = Findings()
    for events, watched, last in zip(
        evidence.histories, evidence.watched, ("plan_completed", "plan_cancelled"), strict=True
    ):
        _check_history(events, watched, last, findings)
    _check_reference(evidence.states[0], findings)
    _check_dropped(evidence.states[1], findings)
    _check_ledger(evidence, findings)
    return findings


def _check_history(
    events: list[plan_pb2.PlanEvent],
    watched: list[plan_pb2.PlanEvent],
    last: str,
    findings: Findings,
) -> None:
    numbers = [event.seq for event in events]
    findings.require(numbers == list(range(1, len(events) + 1)), "seq has a gap")
    findings.require(bool(events) and events[-1].kind == last, f"it does not end with {last}")
    # Nothing that was streamed is taken back.
    findings.require(events == watched, "a watcher saw other events than are stored")
    settled = Counter((_task(one), one.attempt) for one in events if one.kind in _SETTLES)
    findings.applied_twice += sum(number - 1 for number in settled.values())
    ended: set[str] = set()
    for event in events:
        task = _task(event)
        if event.kind in _HAND_OUTS:
            findings.require(task not in ended, f"{task} ran after its end")
        if event.kind in _ENDS:
            findings.require(task not in ended, f"{task} ended twice")
            ended.add(task)


def _task(about: plan_pb2.PlanEvent | plan_pb2.TaskState) -> str:
    name = about.task_id if isinstance(about, plan_pb2.PlanEvent) else about.id
    return instance(name, about.index) if about.HasField("index") else name


def _check_reference(state: plan_pb2.PlanState, findings: Findings) -> None:
    found = {}
    for task in state.tasks:
        status = plan_pb2.TaskStatus.Name(task.status).removeprefix("TASK_STATUS_")
        output = json.loads(task.output_json) if task.output_json else None
        found[_task(task)] = Expected(status, task.attempt, output)
    for name, expected in REFERENCE_ENDS.items():
        findings.require(found.get(name) == expected, f"{name} is {found.get(name)}")
    findings.require(state.status == plan_pb2.PLAN_STATUS_COMPLETED, "it is not COMPLETED")


def _check_dropped(state: plan_pb2.PlanState, findings: Findings) -> None:
    cancelled = {task.id for task in state.tasks if task.status == plan_pb2.TASK_STATUS_CANCELLED}
    findings.require(cancelled == set(DROPPED_TASKS), f"only {sorted(cancelled)} are CANCELLED")
    findings.require(state.status == plan_pb2.PLAN_STATUS_CANCELLED, "it is not CANCELLED")


def _runs(lines: list[dict[str, Any]], event: str) -> Counter[Run]:
    return Counter(_run(line) for line in lines if line["event"] == event)


def _run(line: dict[str, Any]) -> Run:
    # The key is plan/task/index.
    plan_id, task, index = line["key"].split("/")
    return (plan_id, instance(task, index) if task == MAPPED else task, line["attempt"])


def _check_ledger(evidence: Evidence, findings: Findings) -> None:
    begun, over = (_runs(evidence.ledger, event) for event in ("started", "finished"))
    findings.require(set(begun) == set(over), f"runs go on: {sorted(set(begun) - set(over))}")
    # The adapters were not killed: each attempt ran exactly once.
    findings.applied_twice += sum(number - 1 for number in begun.values())
    plan_id = evidence.states[0].plan_id
    settled = {
        (plan_id, _task(event), event.attempt): event
        for event in evidence.histories[0]
        if event.kind in _SETTLES
    }
    findings.lost += sum(run[0] == plan_id and run not in settled for run in begun)
    # An approval and a map itself never reach an adapter, and a timeout may come before the run
    # begins; everything else that was settled had run.
    for run, event in settled.items():
        is_own = run[1] in ("asked", MAPPED) or event.code == "START_TO_CLOSE"
        findings.require(is_own or run in begun, f"{run[1]} {run[2]} was settled and never ran")


# --- Whether the checks find what is wrong -----------------------------------------------------


def _drop(evidence: Evidence, kind: str) -> None:
    events = evidence.histories[0]
    del events[next(index for index, one in enumerate(events) if one.kind == kind)]


def _drop_success(evidence: Evidence) -> None:
    """A result that nobody committed, everywhere."""
    for events in (evidence.histories[0], evidence.watched[0]):
        index = next(i for i, one in enumerate(events) if one.kind == "task_succeeded")
        del events[index]
        for event in events[index:]:
            event.seq -= 1


def _repeat(evidence: Evidence, kind: str) -> None:
    for events in (evidence.histories[0], evidence.watched[0]):
        index = next(i for i, one in enumerate(events) if one.kind == kind)
        events.insert(index, copy.deepcopy(events[index]))
        for number, event in enumerate(events, start=1):
            event.seq = number


def _run_again(evidence: Evidence) -> None:
    evidence.ledger.append(next(one for one in evidence.ledger if one["event"] == "started"))


def _go_on(evidence: Evidence) -> None:
    evidence.ledger.remove(next(one for one in evidence.ledger if one["event"] == "finished"))


def _change_output(evidence: Evidence) -> None:
    evidence.states[0].tasks[0].output_json = b"{}"


def _change_attempt(evidence: Evidence) -> None:
    evidence.states[0].tasks[0].attempt += 1


def _revive(evidence: Evidence) -> None:
    evidence.states[1].tasks[0].status = plan_pb2.TASK_STATUS_RUNNING


MUTANTS: dict[str, Callable[[Evidence], None]] = {
    "an event is missing": lambda evidence: _drop(evidence, "task_running"),
    "a result is lost": _drop_success,
    "a result is applied twice": lambda evidence: _repeat(evidence, "task_succeeded"),
    "a failure counts twice": lambda evidence: _repeat(evidence, "task_retry_scheduled"),
    "an attempt runs twice": _run_again,
    "a cancelled run goes on": _go_on,
    "an output is another one": _change_output,
    "an attempt is counted that was none": _change_attempt,
    "a cancelled task runs": _revive,
}


def missed(evidence: Evidence) -> list[str]:
    """Mutants of what a good run left behind that no check finds."""
    missing = []
    for name, mutate in MUTANTS.items():
        other = copy.deepcopy(evidence)
        mutate(other)
        if not judge(other).all:
            missing.append(name)
    return missing
