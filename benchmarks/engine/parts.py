"""What is measured of Baton alone: restart, memory, scale, latency, watchers."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compare import middle, number, spread
from processes import Baton, baton

Report = tuple[list[str], dict[str, float]]


@dataclass(frozen=True)
class Extent:
    """How much is measured: rounds, and at most so many tasks or plans."""

    rounds: int
    most: int | None

    def capped(self, count: int) -> int:
        return min(count, self.most) if self.most else count

    @property
    def turns(self) -> range:
        return range(1, self.rounds + 1)


Part = Callable[[Extent], Report]

RESTART_PLANS = 1_000
STORED_PLANS = 10_000
SMALL_PLAN = 100
LARGE_PLAN = 10_000
HUGE_PLAN = 100_000
RUNNING_PLANS = 1_000
WATCHERS = 1_000
# Longer than any part takes.
FOR_EVER = "mock.delay=10m"


def tell(text: str) -> None:
    print(text, flush=True)


def restart(extent: Extent) -> Report:
    """From READY until the adapter has been given every unfinished run again."""
    plans = extent.capped(RESTART_PLANS)
    seconds = []
    for turn in extent.turns:
        with baton(with_ledger=True) as running:
            running.load("flat", 1, plans, "--submit-only", "--metadata", FOR_EVER)
            wait_for_runs(running, plans, since_ms=0)
            running.restart()
            since_ms = running.server.ready_at * 1_000
            last = wait_for_runs(running, plans, since_ms=int(since_ms))
            seconds.append(max(0.0, last - since_ms) / 1_000)
        tell(f"round {turn} of {extent.rounds}: restart with {plans:,} plans: {seconds[-1]:.3f} s")
    line = f"W4, restart with {plans:,} unfinished plans, from READY until all run: "
    return [f"{line}{spread(seconds)} s"], {"w4_s": middle(seconds)}


def wait_for_runs(running: Baton, plans: int, since_ms: int) -> float:
    """When the adapter was handed the last of so many plans, in milliseconds of the epoch."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        received: dict[str, float] = {}
        for line in running.ledger.read_text().splitlines():
            event = json.loads(line)
            if event["event"] == "received" and event["time_ms"] >= since_ms:
                received.setdefault(event["plan_id"], event["time_ms"])
        if len(received) >= plans:
            return max(received.values())
        time.sleep(0.1)
    raise RuntimeError(f"{len(received)} of {plans} plans were handed out within a minute")


def memory(extent: Extent) -> Report:
    """Resident size when idle, and with plans stored that all wait for an adapter."""
    plans = extent.capped(STORED_PLANS)
    with baton() as running:
        idle = running.server.resident_mb()
        running.load("diamond", 5, plans)
        ended = running.server.resident_mb()
    tell(f"memory: idle {idle:.1f} MB, after {plans:,} plans have run {ended:.1f} MB")
    with baton(None) as running:
        running.load("diamond", 5, plans, "--submit-only")
        waiting = running.server.resident_mb()
    tell(f"memory: with {plans:,} unfinished plans {waiting:.1f} MB")
    line = (
        f"W5, memory: idle {idle:.1f} MB; with {plans:,} unfinished plans of 5 tasks"
        f" {waiting:.1f} MB; after as many have run {ended:.1f} MB"
    )
    return [line], {"rss_idle_mb": idle, "rss_10k_mb": waiting, "rss_10k_ended_mb": ended}


def scale(extent: Extent) -> Report:
    """CPU per task of one large plan beside that of as many tasks in small plans."""
    large, small = extent.capped(LARGE_PLAN), extent.capped(SMALL_PLAN)
    ratios = []
    for turn in extent.turns:
        each = []
        for tasks, plans in ((small, large // small), (large, 1)):
            with baton() as running:
                running.load("fan", 20, 1)
                outcome = running.load("fan", tasks, plans)
            each.append(outcome.server_cpu / outcome.tasks * 1e6)
        ratios.append(each[1] / each[0])
        tell(
            f"round {turn} of {extent.rounds}: CPU per task {each[0]:.0f} us in plans of {small:,},"
            f" {each[1]:.0f} us in one of {large:,}"
        )
    line = f"CPU per task of a plan of {large:,} tasks beside one of {small:,}: {spread(ratios)} x"
    return [line], {"cost_large_vs_small": middle(ratios)}


def room_for(tasks: int) -> dict[str, Any]:
    """Settings under which a fan of so many tasks is taken."""
    return {"limits": {"tasks": tasks + 2, "dependencies": 2 * tasks}}


def huge(extent: Extent) -> Report:
    """A plan beyond the default limits completes with the limits raised."""
    tasks = extent.capped(HUGE_PLAN)
    with baton(settings=room_for(tasks)) as running:
        outcome = running.load("fan", tasks, 1)
        resident = running.server.resident_mb()
    rate = outcome.tasks / outcome.seconds
    line = (
        f"A plan of {tasks:,} tasks: {outcome.seconds:.1f} s, {number(rate)} tasks/s,"
        f" {resident:.0f} MB"
    )
    tell(line)
    return [line], {"huge_tasks_s": rate}


def latency(extent: Extent) -> Report:
    """From the end of the task before until the adapter has the next, while many plans run."""
    plans = extent.capped(RUNNING_PLANS)
    settings = {"limits": {"in_flight": 10_000}}
    with baton(with_ledger=True, settings=settings) as running:
        # Spread over a task's time: as many tasks end in every moment.
        running.load("chain", 5, plans, "--metadata", "mock.delay=2s", "--spread", "2000")
        finished: dict[tuple[str, int], float] = {}
        waits = []
        for line in running.ledger.read_text().splitlines():
            event = json.loads(line)
            place = (event["plan_id"], int(event["task_id"].removeprefix("t")))
            if event["event"] == "finished":
                finished[place] = event["time_ms"]
            elif event["event"] == "received" and place[1] > 0:
                waits.append(event["time_ms"] - finished[place[0], place[1] - 1])
    # Both ends are whole milliseconds, rounded down: the mean of the middle half has no bias.
    waits.sort()
    half = waits[len(waits) // 4 : len(waits) - len(waits) // 4]
    median = statistics.mean(half)
    late = waits[int(len(waits) * 0.99)]
    line = (
        f"From a task's end at the adapter to the next hand-out there, {plans:,} plans running:"
        f" median {median:.2f} ms, p99 {late:.0f} ms"
    )
    tell(line)
    return [line], {"ready_to_dispatched_p50_ms": median}


def watchers(extent: Extent) -> Report:
    """The rate of a fan that nobody watches beside one with streams that nobody reads.

    Filling what the streams may hold happens once; in so long a fan it counts for little.
    """
    tasks, count = extent.capped(HUGE_PLAN), extent.capped(WATCHERS)
    ratios = []
    for turn in extent.turns:
        seconds = []
        for watching in (0, count):
            with baton(settings=room_for(tasks)) as running:
                running.load("fan", 20, 1)
                flags = ("--first-delay", "3s", "--watchers", str(watching))
                seconds.append(running.load("fan", tasks, 1, *flags).seconds)
        ratios.append(seconds[0] / seconds[1])
        tell(f"round {turn} of {extent.rounds}: {count:,} watchers: {ratios[-1]:.3f} of the rate")
    line = f"Rate with {count:,} watchers that never read, beside none: {spread(ratios)} x"
    return [line], {"watched_vs_unwatched": middle(ratios)}


PARTS: dict[str, Part] = {
    "w4": restart,
    "w5": memory,
    "scale": scale,
    "huge": huge,
    "latency": latency,
    "watchers": watchers,
}
