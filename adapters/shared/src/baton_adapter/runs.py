"""The rules of the hand-out on the adapter's side (P1-P10 of docs/contract.md), without any I/O.

    unknown --hand_out--> RUNNING --finish--> FINISHED --settled--> ENDED --expire--> unknown
                             | process died                           ^
                             v                                        |
                            LOST --hand_out, higher token--> RUNNING  |
                             \\-------------- cancel -----------------/

A result that is a question goes FINISHED --settled--> WAITING --resume, higher token--> RUNNING.

Every method takes an event and returns what is to be answered and done; the caller makes the rows
named by `take_changes` durable before it answers.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple


class RunState(enum.Enum):
    """Where a run stands; the values are stored."""

    # Its coroutine is alive in this process.
    RUNNING = "running"
    # Its result is stored and not yet acknowledged.
    FINISHED = "finished"
    # It was running in a process that has died.
    LOST = "lost"
    # Its question is taken over there; the run goes on with the answer.
    WAITING = "waiting"
    # A tombstone: settled, cancelled before it was known, or superseded.
    ENDED = "ended"


class RunRef(NamedTuple):
    """Names one attempt of one task."""

    key: str
    attempt: int


@dataclass
class Run:
    """One row of the table."""

    ref: RunRef
    token: int
    handle: str
    state: RunState
    # A serialized `baton.v1.TaskResult`; FINISHED only.
    result: bytes = b""
    # Number of the question that the run has asked, from 1; 0: its result is the attempt's end.
    question: int = 0
    # A cancel was asked for: a later hand-out of this attempt is refused.
    cancelled: bool = False
    # The run's code has begun.
    started: bool = False
    # Delivery of the result waits for a hand-out with a higher token.
    parked: bool = False
    # ENDED, WAITING and LOST: when the row may go, on the caller's clock in seconds.
    expires_at: float = 0.0


@dataclass(frozen=True)
class Answers:
    """What a hand-out knows of what the attempt has asked."""

    # Questions that are answered.
    count: int = 0
    # ResumeTask: the last one is for the run that is parked.
    resumes: bool = False


_NONE = Answers()


class HandOut(enum.Enum):
    """What is to be answered to DispatchTask or ResumeTask."""

    START = enum.auto()
    SAME = enum.auto()
    NO_ROOM = enum.auto()
    LOST = enum.auto()
    SUPERSEDED = enum.auto()
    CANCELLED = enum.auto()
    ENDED = enum.auto()


class Cancel(enum.Enum):
    """What is to be answered to CancelTask."""

    ACCEPTED = enum.auto()
    ALREADY_FINISHED = enum.auto()
    NOT_FOUND = enum.auto()


class Verdict(enum.Enum):
    """What the orchestrator said to a reported result."""

    # OK: delete it; a run that asks waits for its answer.
    SETTLED = enum.auto()
    # ALREADY_TERMINAL: delete it, nothing follows.
    TERMINAL = enum.auto()
    # STALE_LEASE or any other final refusal: keep it, deliver it under a higher token.
    REFUSED = enum.auto()


class RunTable:
    """Every run this adapter knows, keyed on (idempotency key, attempt)."""

    def __init__(
        self, *, epoch: str, max_running: int, tombstone_s: float, lost_s: float = 7 * 86400.0
    ) -> None:
        self._epoch = epoch
        self._max_running = max_running
        self._tombstone_s = tombstone_s
        # Longer than a tombstone: an orchestrator that was away for days still asks for it.
        self._lost_s = lost_s
        self._runs: dict[RunRef, Run] = {}
        self._attempts: dict[str, set[int]] = {}
        # Those of `_runs` that run or have finished, and those that expire, the first to go first.
        self._open: dict[RunRef, Run] = {}
        self._ended: deque[tuple[float, Run]] = deque()
        self._lost: deque[tuple[float, Run]] = deque()
        self._made = 0
        self._running = 0
        self._changed: dict[RunRef, Run | None] = {}

    def load(self, runs: Iterable[Run], now: float) -> None:
        """Takes over the rows of a predecessor; whatever was running then is lost.

        Rows that expire live for their full time again: no clock compares across two processes.
        """
        for run in runs:
            if run.state in (RunState.RUNNING, RunState.LOST):
                self._let_expire(run, RunState.LOST, now)
            elif run.state in (RunState.ENDED, RunState.WAITING):
                self._let_expire(run, run.state, now)
            else:
                self._open[run.ref] = run
            self._runs[run.ref] = run
            self._attempts.setdefault(run.ref.key, set()).add(run.ref.attempt)

    @property
    def running(self) -> int:
        return self._running

    def find(self, ref: RunRef) -> Run | None:
        return self._runs.get(ref)

    def listed(self) -> list[Run]:
        """P3: each unfinished or unacknowledged run. A lost one is told by its absence."""
        return list(self._open.values())

    def take_changes(self) -> dict[RunRef, Run | None]:
        """The rows changed since the last call; None for a row that is gone."""
        changed, self._changed = self._changed, {}
        return changed

    def would_start(self, ref: RunRef, token: int, answers: Answers = _NONE) -> bool:
        """Whether `hand_out` would start a run, room given: then the payload is worth checking."""
        return self._judge(ref, token, answers) is HandOut.START

    def hand_out(
        self, ref: RunRef, token: int, answers: Answers = _NONE
    ) -> tuple[HandOut, list[RunRef]]:
        """DispatchTask and ResumeTask: the answer, and the runs to be killed.

        SAME takes on a higher token (P2); one parked result is then due again (P8). LOST means
        that only a higher token starts it again. SUPERSEDED kills the run it names (P9), START
        those of lower attempts.
        """
        verdict = self._judge(ref, token, answers)
        run = self._runs.get(ref)
        if verdict is HandOut.SAME and run is not None:
            self._take_on(run, token)
        if verdict is HandOut.SUPERSEDED:
            return verdict, self._kill([ref])
        if verdict is not HandOut.START:
            return verdict, []
        if self._running >= self._max_running:
            return HandOut.NO_ROOM, []
        if run is None:
            self._made += 1
            handle = f"{self._epoch}-{self._made}"
            run = Run(ref=ref, token=token, handle=handle, state=RunState.RUNNING)
            self._put(run)
        else:
            run.token, run.state, run.started = token, RunState.RUNNING, False
            run.result, run.question, run.parked = b"", 0, False
            self._touch(run)
        self._open[ref] = run
        self._running += 1
        return verdict, self._kill(self._lower(ref))

    def ask(self, ref: RunRef, token: int) -> Run | None:
        """GetTaskResult: the run that is pending or finished, under the higher token (P7).

        None: unknown, lost or settled.
        """
        run = self._runs.get(ref)
        if run is None or run.state in (RunState.LOST, RunState.WAITING, RunState.ENDED):
            return None
        self._take_on(run, token)
        return run

    def cancel(self, ref: RunRef, now: float) -> tuple[Cancel, list[RunRef]]:
        """CancelTask, or a heartbeat's cancel: the answer, and the runs to be killed (P10)."""
        run = self._runs.get(ref)
        if run is None:
            run = Run(ref=ref, token=0, handle="", state=RunState.ENDED, cancelled=True)
            self._put(run)
            self._end(run, now)
            return Cancel.NOT_FOUND, self._kill(self._lower(ref))
        if run.state is RunState.RUNNING:
            run.cancelled = True
            self._touch(run)
            return Cancel.ACCEPTED, [ref]
        if run.state is RunState.FINISHED:
            return Cancel.ALREADY_FINISHED, []
        if run.state in (RunState.LOST, RunState.WAITING):
            run.cancelled = True
            self._end(run, now)
            return Cancel.NOT_FOUND, []
        return (Cancel.NOT_FOUND if run.cancelled else Cancel.ALREADY_FINISHED), []

    def begin(self, ref: RunRef) -> None:
        """The run's code has begun."""
        run = self._runs.get(ref)
        if run is not None:
            run.started = True

    def finish(self, ref: RunRef, result: bytes, question: int = 0) -> Run | None:
        """The run's coroutine has ended with `result`; None where it was not running.

        `question` says which question of the attempt the result is, from 1; 0: none.
        """
        run = self._runs.get(ref)
        if run is None or run.state is not RunState.RUNNING:
            return None
        run.state, run.result, run.parked = RunState.FINISHED, result, False
        run.question = question
        self._running -= 1
        self._touch(run)
        return run

    def lose(self, ref: RunRef, now: float) -> None:
        """The run was ended without a result, to be handed out again (drain)."""
        run = self._runs.get(ref)
        if run is not None and run.state is RunState.RUNNING:
            self._let_expire(run, RunState.LOST, now)
            self._running -= 1
            self._touch(run)

    def reported(self, ref: RunRef, token: int, verdict: Verdict, now: float) -> bool:
        """The answer to ReportTaskResult under `token`; counts for that token only (P6).

        True: nothing more is to be reported for now.
        """
        run = self._runs.get(ref)
        if run is None or run.state is not RunState.FINISHED:
            return True
        if run.token != token:
            return False
        if verdict is Verdict.SETTLED:
            self._settle(run, now)
        elif verdict is Verdict.TERMINAL:
            self._end(run, now)
        else:
            run.parked = True
        return True

    def forget(self, ref: RunRef, now: float) -> None:
        """A heartbeat's forget: the result is settled over there (P8)."""
        run = self._runs.get(ref)
        if run is not None and run.state is RunState.FINISHED:
            self._settle(run, now)

    def expire(self, now: float) -> None:
        """Lets the tombstones (P9) and the lost runs go whose time has passed."""
        expiring = (RunState.ENDED, RunState.WAITING, RunState.LOST)
        for waiting in (self._ended, self._lost):
            while waiting and waiting[0][0] <= now:
                expires_at, run = waiting.popleft()
                # A lost run may have been started again since, or cancelled.
                is_same = self._runs.get(run.ref) is run and run.expires_at == expires_at
                if is_same and run.state in expiring:
                    self._drop(run)

    def _judge(self, ref: RunRef, token: int, answers: Answers) -> HandOut:
        if ref.attempt < max(self._attempts.get(ref.key, ()), default=0):
            return HandOut.SUPERSEDED
        run = self._runs.get(ref)
        if run is None:
            return HandOut.LOST if answers.resumes else HandOut.START
        if run.cancelled:
            return HandOut.CANCELLED
        is_newer = token > run.token
        match run.state:
            case RunState.ENDED:
                return HandOut.ENDED
            case RunState.LOST:
                return HandOut.START if is_newer and not answers.resumes else HandOut.LOST
            case RunState.RUNNING:
                return HandOut.SAME
        # It has ended with a question or for good; does the hand-out know more than it did then?
        if is_newer and 0 < run.question <= answers.count:
            return HandOut.START
        if run.state is RunState.WAITING and (is_newer or not answers.resumes):
            return HandOut.LOST
        return HandOut.SAME

    def _take_on(self, run: Run, token: int) -> None:
        if token > run.token:
            run.token, run.parked = token, False
            self._touch(run)

    def _lower(self, ref: RunRef) -> list[RunRef]:
        attempts = self._attempts.get(ref.key, ())
        return [RunRef(ref.key, attempt) for attempt in sorted(attempts) if attempt < ref.attempt]

    def _kill(self, refs: list[RunRef]) -> list[RunRef]:
        """Those of `refs` that run, marked as cancelled."""
        killed = []
        for ref in refs:
            run = self._runs.get(ref)
            if run is not None and run.state is RunState.RUNNING:
                run.cancelled = True
                self._touch(run)
                killed.append(ref)
        return killed

    def _settle(self, run: Run, now: float) -> None:
        if run.question == 0:
            self._end(run, now)
            return
        run.result = b""
        self._let_expire(run, RunState.WAITING, now)
        self._touch(run)

    def _end(self, run: Run, now: float) -> None:
        run.result = b""
        self._let_expire(run, RunState.ENDED, now)
        self._touch(run)

    def _let_expire(self, run: Run, state: RunState, now: float) -> None:
        run.state = state
        # A question may wait for days, as long as a lost run.
        is_tombstone = state is RunState.ENDED
        run.expires_at = now + (self._tombstone_s if is_tombstone else self._lost_s)
        (self._ended if is_tombstone else self._lost).append((run.expires_at, run))
        self._open.pop(run.ref, None)

    def _drop(self, run: Run) -> None:
        del self._runs[run.ref]
        attempts = self._attempts[run.ref.key]
        attempts.discard(run.ref.attempt)
        if not attempts:
            del self._attempts[run.ref.key]
        self._changed[run.ref] = None

    def _put(self, run: Run) -> None:
        self._runs[run.ref] = run
        self._attempts.setdefault(run.ref.key, set()).add(run.ref.attempt)
        self._touch(run)

    def _touch(self, run: Run) -> None:
        self._changed[run.ref] = run
