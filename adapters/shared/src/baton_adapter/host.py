"""Runs attempts: between the rules (`runs`), the durable table (`store`) and the framework."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import grpc

from baton_adapter import messages
from baton_adapter._generated.baton.v1 import plan_pb2, registry_pb2
from baton_adapter.attempt import Attempt, Stop
from baton_adapter.progress import ProgressHub
from baton_adapter.runs import Answers, Cancel, HandOut, RunRef, RunState, RunTable
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Outcome,
    Question,
    Rejection,
    Runtime,
    TaskRequest,
)
from baton_adapter.status import Refusal
from baton_adapter.store import RunStore

_log = logging.getLogger("baton.host")
_RETRY_AFTER_S = 1.0

_REFUSALS = {
    HandOut.LOST: (
        grpc.StatusCode.NOT_FOUND,
        "RUN_LOST",
        "The run was lost with its process; a higher token starts it again.",
    ),
    HandOut.SUPERSEDED: (
        grpc.StatusCode.FAILED_PRECONDITION,
        "LATER_ATTEMPT",
        "A later attempt of this task is known here.",
    ),
    HandOut.CANCELLED: (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RUN_CANCELLED",
        "This attempt was cancelled.",
    ),
    HandOut.ENDED: (
        grpc.StatusCode.FAILED_PRECONDITION,
        "RUN_ENDED",
        "This attempt has ended and its result was acknowledged.",
    ),
}


@dataclass(frozen=True)
class Polled:
    """The answer to a poll; `result` None: pending."""

    result: bytes | None
    started: bool


class Observer(Protocol):
    """What is told of every run's end."""

    def attempt_ended(self, task_type: str, outcome: Outcome | Failure) -> None: ...


class RunHost:
    """The one owner of the table of runs. Every method is called on the event loop."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        table: RunTable,
        store: RunStore,
        progress: ProgressHub,
        observer: Observer,
        on_result: Callable[[RunRef], None],
        on_fatal: Callable[[Exception], None],
    ) -> None:
        self._runtime = runtime
        self._table = table
        self._store = store
        self._progress = progress
        self._observer = observer
        self._on_result = on_result
        self._on_fatal = on_fatal
        self._loop = asyncio.get_running_loop()
        self._live: dict[RunRef, Attempt] = {}
        self._supervisors: set[asyncio.Task[None]] = set()
        self._answered = 0
        self._draining = False
        self._last_failure = ""

    @property
    def in_flight(self) -> int:
        return self._table.running

    @property
    def draining(self) -> bool:
        return self._draining

    @property
    def epoch(self) -> str:
        return self._store.epoch

    @property
    def last_error(self) -> str:
        """For people; empty where no run is stuck and the last one to end ended well."""
        if any(attempt.stuck for attempt in self._live.values()):
            return "a run does not end although it was cancelled"
        return self._last_failure

    def unacknowledged(self) -> list[RunRef]:
        """Runs whose result waits to be delivered."""
        return [run.ref for run in self._table.listed() if run.state is RunState.FINISHED]

    def run_list(self) -> registry_pb2.RunList:
        """P3, P4: what is held now, ordered against the answers given so far."""
        return messages.make_list(self._table.listed(), self._store.epoch, self._answered)

    async def dispatch(self, request: TaskRequest, token: int) -> tuple[str, int]:
        """Takes a hand-out: the run's handle and the number of this answer, or `Refusal`."""
        ref = RunRef(request.idempotency_key, request.attempt)
        answers = Answers(len(request.dialog), request.resumes)
        if self._table.would_start(ref, token, answers):
            if self._draining:
                raise self._no_room("DRAINING", "This adapter is shutting down.")
            self._validate(request)
        verdict, killed = self._table.hand_out(ref, token, answers)
        durable = self.written()
        older = self._stop_all(killed, Stop.CANCELLED)
        if verdict is HandOut.START:
            self._start(ref, request, durable, older)
        await asyncio.shield(durable)
        if verdict is HandOut.NO_ROOM:
            raise self._no_room("CONCURRENCY", f"{self._table.running} tasks are running.")
        if verdict in _REFUSALS:
            code, reason, message = _REFUSALS[verdict]
            raise Refusal(code, reason, message)
        self._on_result(ref)
        run = self._table.find(ref)
        self._answered += 1
        return (run.handle if run is not None else ""), self._answered

    async def poll(self, ref: RunRef, token: int, wait_s: float) -> Polled | None:
        """The result, waited for at most `wait_s`; None: unknown, lost or settled."""
        run = self._table.ask(ref, token)
        live = self._live.get(ref)
        if run is not None and live is not None and wait_s > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(live.ended.wait(), wait_s)
            run = self._table.ask(ref, token)
        # Taken now: what is true of the run may change while the table is written.
        polled = None
        if run is not None:
            polled = Polled(run.result if run.state is RunState.FINISHED else None, run.started)
        await asyncio.shield(self.written())
        self._on_result(ref)
        return polled

    async def cancel(self, ref: RunRef) -> Cancel:
        """Ends a run, or remembers that it must not begin (P10)."""
        answer, killed = self._table.cancel(ref, self._loop.time())
        durable = self.written()
        self._stop_all(killed, Stop.CANCELLED)
        await asyncio.shield(durable)
        return answer

    def hand_back(self, ref: RunRef) -> Cancel:
        """Ends a run without a result: a hand-out with a higher token starts it again."""
        run = self._table.find(ref)
        if run is None or run.state not in (RunState.RUNNING, RunState.FINISHED):
            return Cancel.NOT_FOUND
        self._stop_all([ref], Stop.HANDED_BACK)
        return Cancel.ACCEPTED if run.state is RunState.RUNNING else Cancel.ALREADY_FINISHED

    async def obey(self, cancel: Iterable[RunRef], forget: Iterable[RunRef]) -> None:
        """What a reply to RegisterAdapter or Heartbeat asks for."""
        now = self._loop.time()
        for ref in forget:
            self._table.forget(ref, now)
        for ref in cancel:
            _, killed = self._table.cancel(ref, now)
            self._stop_all(killed, Stop.CANCELLED)
        await asyncio.shield(self.written())

    async def save(self) -> None:
        """Makes every change so far durable; lets old tombstones go."""
        self._table.expire(self._loop.time())
        await asyncio.shield(self.written())

    def drain(self) -> None:
        """Starts no further run."""
        self._draining = True

    async def finish_all(self) -> None:
        """Returns when no run is left."""
        while self._live:
            await next(iter(self._live.values())).ended.wait()

    def hand_back_all(self) -> None:
        """Ends every run without a result: a hand-out with a higher token starts it again."""
        self._stop_all(list(self._live), Stop.HANDED_BACK)

    def _validate(self, request: TaskRequest) -> None:
        served = ", ".join(self._runtime.task_types)
        try:
            if request.type not in self._runtime.task_types:
                raise Rejection(
                    ErrorClass.UNSUPPORTED,
                    "TASK_TYPE_UNSUPPORTED",
                    f"type {request.type!r} is not served here; {served} are",
                )
            self._runtime.validate(request)
        except Rejection as rejection:
            unsupported = rejection.error_class is ErrorClass.UNSUPPORTED
            code = (
                grpc.StatusCode.UNIMPLEMENTED if unsupported else grpc.StatusCode.INVALID_ARGUMENT
            )
            raise Refusal(code, rejection.code, messages.clean(rejection.message)) from rejection

    def _no_room(self, reason: str, message: str) -> Refusal:
        return Refusal(
            grpc.StatusCode.RESOURCE_EXHAUSTED, reason, message, retry_after_s=_RETRY_AFTER_S
        )

    def _start(
        self,
        ref: RunRef,
        request: TaskRequest,
        durable: asyncio.Future[None],
        older: list[Attempt],
    ) -> None:
        self._live[ref] = Attempt(request)
        supervisor = self._loop.create_task(self._supervise(ref, durable, older))
        self._supervisors.add(supervisor)
        supervisor.add_done_callback(self._supervisors.discard)
        supervisor.add_done_callback(self._check)

    async def _supervise(
        self, ref: RunRef, durable: asyncio.Future[None], older: list[Attempt]
    ) -> None:
        """One run from its durable row to its durable result."""
        attempt = self._live[ref]
        await asyncio.shield(durable)
        # Two attempts of one task never run side by side.
        for other in older:
            await other.ended.wait()
        progress = self._progress.open(ref, lambda: self._table.begin(ref))
        outcome = await attempt.execute(self._runtime, progress)
        self._progress.close(progress)
        asks = False
        if outcome is None:
            self._table.lose(ref, self._loop.time())
        else:
            self._observer.attempt_ended(attempt.request.type, outcome)
            self._note_end(attempt, outcome)
            result = messages.make_result(attempt.request.task_id, outcome)
            asks = result.outcome == plan_pb2.OUTCOME_WAITING_INPUT
            question = len(attempt.request.dialog) + 1 if asks else 0
            self._table.finish(ref, result.SerializeToString(), question)
        written = self.written()
        # Reported while it is written: a crash in between loses what a crash before it would have
        # lost, a result that nobody was promised. Polls and lists wait until it is durable, and so
        # does a question: its answer is to find the run.
        if not asks:
            self._on_result(ref)
        await asyncio.shield(written)
        del self._live[ref]
        attempt.ended.set()
        if asks:
            self._on_result(ref)

    def _stop_all(self, refs: Iterable[RunRef], reason: Stop) -> list[Attempt]:
        attempts = [self._live[ref] for ref in refs if ref in self._live]
        for attempt in attempts:
            attempt.stop(reason)
        return attempts

    def written(self) -> asyncio.Future[None]:
        """Done once every change so far is durable."""
        written = self._store.write(self._table.take_changes())
        written.add_done_callback(self._check)
        return written

    def _check(self, done: asyncio.Future[None]) -> None:
        """What fails here leaves memory and disk apart: only a new start brings them together."""
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Exception):
            self._on_fatal(error)

    def _note_end(self, attempt: Attempt, outcome: Outcome | Failure) -> None:
        if not isinstance(outcome, Failure):
            self._last_failure = ""
            asks = isinstance(outcome, Question)
            what = "attempt asks for input" if asks else "attempt succeeded"
            _log.info(what, extra=attempt.log_fields)
            return
        if outcome.error_class is not ErrorClass.CANCELLED:
            self._last_failure = messages.clean(f"{outcome.code}: {outcome.message}"[:500])
        _log.warning(
            "attempt failed",
            extra=attempt.log_fields
            | {"class": outcome.error_class.name, "code": outcome.code, "error": outcome.message},
        )
