"""The orchestrator as an adapter sees it: registration, heartbeats, results, progress."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import grpc
import grpc.aio

from baton_adapter import messages
from baton_adapter._generated.baton.v1 import plan_pb2, registry_pb2, registry_pb2_grpc
from baton_adapter.host import RunHost
from baton_adapter.runs import Run, RunRef, RunState, RunTable, Verdict
from baton_adapter.status import details_of

_log = logging.getLogger("baton.session")
_CALL_TIMEOUT_S = 10.0
_BACKOFF_FIRST_S = 0.1
_BACKOFF_MAX_S = 5.0


class Backoff:
    """Delays that double from 0.1 s to 5 s, each drawn between half of it and the whole."""

    def __init__(self) -> None:
        self._next_s = _BACKOFF_FIRST_S

    def reset(self) -> None:
        self._next_s = _BACKOFF_FIRST_S

    def next_s(self) -> float:
        delay_s, self._next_s = self._next_s, min(_BACKOFF_MAX_S, self._next_s * 2)
        return delay_s * random.uniform(0.5, 1.0)


class Session:
    """Registers, and stays registered."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        host: RunHost,
        introduce: Callable[[], registry_pb2.RegisterAdapterRequest],
        results: ResultDelivery,
        advise: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._registry = registry_pb2_grpc.AdapterRegistryStub(channel)
        self._host = host
        self._introduce = introduce
        self._results = results
        self._advise = advise
        self._session_id = ""
        self._lease_s = _CALL_TIMEOUT_S
        self._interval_s = 1.0
        self._complained = ""

    @property
    def registered(self) -> bool:
        return bool(self._session_id)

    async def run(self) -> None:
        """Registers and sends heartbeats until it is cancelled."""
        backoff = Backoff()
        while True:
            if not self._session_id and not await self._register():
                await asyncio.sleep(backoff.next_s())
                continue
            backoff.reset()
            await asyncio.sleep(self._interval_s)
            await self._heartbeat()

    async def send_progress(self, items: Sequence[registry_pb2.RunProgress]) -> None:
        """Best effort: what cannot be sent now is dropped."""
        if not self._session_id:
            return
        try:
            await self._registry.ReportTaskProgress(
                registry_pb2.ReportTaskProgressRequest(session_id=self._session_id, items=items),
                timeout=_CALL_TIMEOUT_S,
            )
        except grpc.aio.AioRpcError as error:
            _log.debug("progress dropped", extra={"status": error.code().name})

    async def deregister(self, *, hand_back: bool) -> None:
        """Asks for no new work; with `hand_back` gives unfinished runs back. Never fails."""
        if not self._session_id:
            return
        request = registry_pb2.DeregisterAdapterRequest(
            session_id=self._session_id, hand_back=hand_back
        )
        try:
            await self._registry.DeregisterAdapter(request, timeout=2.0)
        except grpc.aio.AioRpcError as error:
            _log.warning("not deregistered", extra=_status(error))
        if hand_back:
            self._session_id = ""

    async def _register(self) -> bool:
        if self._host.draining:
            return False
        request = self._introduce()
        try:
            reply = await self._registry.RegisterAdapter(request, timeout=_CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            self._complain("not registered yet", error)
            return False
        self._complained = ""
        self._session_id = reply.session_id
        self._lease_s = max(0.1, reply.lease_ms / 1000)
        self._interval_s = max(0.05, (reply.heartbeat_interval_ms or reply.lease_ms / 3) / 1000)
        _log.info(
            "registered", extra={"session": reply.session_id, "heartbeat_s": self._interval_s}
        )
        await self._host.obey(messages.read_refs(reply.cancel), messages.read_refs(reply.forget))
        self._results.hurry()
        return True

    async def _heartbeat(self) -> None:
        await self._host.save()
        request = registry_pb2.HeartbeatRequest(
            session_id=self._session_id,
            runs=self._host.run_list(),
            in_flight=self._host.in_flight,
            last_error=self._host.last_error,
        )
        try:
            reply = await self._registry.Heartbeat(request, timeout=self._lease_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                _log.warning("the session is gone", extra=_status(error))
                self._session_id = ""
            else:
                self._complain("no heartbeat", error)
            return
        self._complained = ""
        if reply.lease_ms > 0:
            self._lease_s = reply.lease_ms / 1000
        await self._host.obey(messages.read_refs(reply.cancel), messages.read_refs(reply.forget))

    def _complain(self, what: str, error: grpc.aio.AioRpcError) -> None:
        """Once for each kind of trouble, not once for each try."""
        advice = self._advise(error.details() or "")
        kind = f"{what} {error.code().name} {advice}"
        if kind != self._complained:
            self._complained = kind
            _log.warning(what, extra=_status(error) | ({"advice": advice} if advice else {}))


@dataclass
class _Delivery:
    task: asyncio.Task[None]
    hurry: asyncio.Event


class ResultDelivery:
    """Repeats every result until it is acknowledged (callback mode)."""

    def __init__(self, channel: grpc.aio.Channel, table: RunTable) -> None:
        self._registry = registry_pb2_grpc.AdapterRegistryStub(channel)
        self._table = table
        self._deliveries: dict[RunRef, _Delivery] = {}

    def deliver(self, ref: RunRef) -> None:
        """Begins to report the result of `ref`, where one is due and nobody does."""
        if ref not in self._deliveries and self._due(ref) is not None:
            hurry = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._repeat(ref, hurry))
            self._deliveries[ref] = _Delivery(task, hurry)

    def hurry(self) -> None:
        """The orchestrator is back: no delivery waits for the end of its delay."""
        for delivery in self._deliveries.values():
            delivery.hurry.set()

    async def finish_all(self) -> None:
        """Returns when nothing is being delivered."""
        while self._deliveries:
            await asyncio.wait([one.task for one in self._deliveries.values()])

    def _due(self, ref: RunRef) -> Run | None:
        run = self._table.find(ref)
        return (
            run if run is not None and run.state is RunState.FINISHED and not run.parked else None
        )

    async def _repeat(self, ref: RunRef, hurry: asyncio.Event) -> None:
        backoff = Backoff()
        try:
            while (run := self._due(ref)) is not None:
                token = run.token
                answer = await self._report(run)
                if isinstance(answer, Verdict):
                    now = asyncio.get_running_loop().time()
                    # Durable with what is written next: after a crash before that, the result is
                    # reported again, or the run is lost, and either is settled over there already.
                    self._table.reported(ref, token, answer, now)
                    continue
                hurry.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(hurry.wait(), max(answer, backoff.next_s()))
        finally:
            del self._deliveries[ref]

    async def _report(self, run: Run) -> Verdict | float:
        """What the orchestrator says, or after how many seconds to ask again at the earliest."""
        result = plan_pb2.TaskResult.FromString(run.result)
        request = registry_pb2.ReportTaskResultRequest(
            idempotency_key=run.ref.key, attempt=run.ref.attempt, token=run.token, result=result
        )
        try:
            reply = await self._registry.ReportTaskResult(request, timeout=_CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return _judge(error)
        if (reply.attempt, reply.token) != (request.attempt, request.token):
            _log.error("an answer to another question", extra={"token": reply.token})
            return 0.0
        return Verdict.SETTLED


def _judge(error: grpc.aio.AioRpcError) -> Verdict | float:
    """P8: which refusals end the repeating, and which let the result go."""
    details = details_of(error)
    match error.code():
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return 0.0
        case grpc.StatusCode.RESOURCE_EXHAUSTED if details.retry_after_s is not None:
            return details.retry_after_s
        case grpc.StatusCode.FAILED_PRECONDITION if details.reason == "ALREADY_TERMINAL":
            return Verdict.TERMINAL
    _log.warning("a result is kept, not taken", extra=_status(error))
    return Verdict.REFUSED


def _status(error: grpc.aio.AioRpcError) -> dict[str, object]:
    return {
        "status": error.code().name,
        "reason": details_of(error).reason,
        "error": error.details(),
    }
