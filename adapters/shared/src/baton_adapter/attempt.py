"""One attempt while it runs in this process: its deadline, its end from outside, its outcome."""

from __future__ import annotations

import asyncio
import enum
import logging
import traceback

from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Outcome,
    Progress,
    Runtime,
    Success,
    TaskRequest,
    Usage,
)

_log = logging.getLogger("baton.attempt")
# A run that has not ended this long after its cancellation is cancelled again, and complained of.
_PATIENCE_S = 15.0


class Stop(enum.Enum):
    """Why a run is ended from outside."""

    CANCELLED = enum.auto()
    DEADLINE = enum.auto()
    # Without a result: the orchestrator hands the attempt out again.
    HANDED_BACK = enum.auto()


class Attempt:
    """An accepted attempt. The deadline counts from here, the work begins with `execute`."""

    def __init__(self, request: TaskRequest) -> None:
        self.request = request
        # Set by the owner once the result is durable.
        self.ended = asyncio.Event()
        # It was cancelled long ago and runs still.
        self.stuck = False
        self._loop = asyncio.get_running_loop()
        self._stopped: Stop | None = None
        self._work: asyncio.Task[Outcome | Failure] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        if request.timeout_s is not None:
            self._timers.append(self._loop.call_later(request.timeout_s, self.stop, Stop.DEADLINE))

    @property
    def log_fields(self) -> dict[str, object]:
        request = self.request
        return {
            "plan": request.plan_id,
            "task": request.task_id,
            "type": request.type,
            "attempt": request.attempt,
            "delivery": request.delivery,
        }

    def stop(self, reason: Stop) -> None:
        """Cancels the work; the first reason counts."""
        if self._stopped is None:
            self._stopped = reason
            self._cancel_work()

    async def execute(self, runtime: Runtime, progress: Progress) -> Outcome | Failure | None:
        """Runs to the end; None where the attempt was handed back."""
        outcome: Outcome | Failure | None = None
        if self._stopped is None:
            self._work = self._loop.create_task(runtime.run(self.request, progress))
            await asyncio.wait({self._work})
            outcome = _outcome_of(self._work)
        for timer in self._timers:
            timer.cancel()
        # A success that came before the end from outside took effect stands; nobody would answer a
        # question.
        if self._stopped is None or isinstance(outcome, Success):
            return outcome
        usage = outcome.usage if outcome is not None else Usage()
        return self._stopped_outcome(self._stopped, usage)

    def _stopped_outcome(self, reason: Stop, usage: Usage) -> Failure | None:
        match reason:
            case Stop.HANDED_BACK:
                return None
            case Stop.CANCELLED:
                sentence = "The run was cancelled."
                return Failure(ErrorClass.CANCELLED, "CANCELLED", sentence, usage=usage)
            case Stop.DEADLINE:
                sentence = f"The attempt did not end within {self.request.timeout_s:g} s."
                return Failure(ErrorClass.TIMEOUT, "START_TO_CLOSE", sentence, usage=usage)

    def _cancel_work(self) -> None:
        if self._work is None or self._work.done():
            return
        self._work.cancel()
        self._timers.append(self._loop.call_later(_PATIENCE_S, self._insist))

    def _insist(self) -> None:
        self.stuck = True
        _log.error("a run does not end although it was cancelled", extra=self.log_fields)
        self._cancel_work()


def _outcome_of(work: asyncio.Task[Outcome | Failure]) -> Outcome | Failure:
    if work.cancelled():
        return Failure(
            ErrorClass.TRANSIENT, "UNKNOWN", "The run was cancelled from within its framework."
        )
    error = work.exception()
    if error is None:
        return work.result()
    return Failure(
        ErrorClass.TRANSIENT,
        "UNKNOWN",
        f"{type(error).__name__}: {error}",
        diagnostics="".join(traceback.format_exception(error)),
    )
