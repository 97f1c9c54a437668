"""The orchestrator's side of registration and results: a real gRPC server that tests steer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn, TypeVar

import grpc

from baton_adapter._generated.baton.v1 import registry_pb2, registry_pb2_grpc
from baton_adapter.status import DETAILS_KEY, Refusal

WAIT_S = 30.0
_T = TypeVar("_T")
_UNKNOWN_SESSION = Refusal(grpc.StatusCode.NOT_FOUND, "UNKNOWN_SESSION", "there is no such session")
Answer = Callable[
    [registry_pb2.ReportTaskResultRequest], registry_pb2.ReportTaskResultResponse | Refusal
]


def accept(request: registry_pb2.ReportTaskResultRequest) -> registry_pb2.ReportTaskResultResponse:
    """OK, as the orchestrator answers the first result of a token."""
    return registry_pb2.ReportTaskResultResponse(attempt=request.attempt, token=request.token)


def refuse(code: grpc.StatusCode, reason: str, retry_after_s: float = 0.0) -> Answer:
    """The same refusal for every result."""
    return lambda _: Refusal(code, reason, reason.lower(), retry_after_s=retry_after_s)


class Registry(registry_pb2_grpc.AdapterRegistryServicer):
    """AdapterRegistry on a loopback port that stays the same over `stop` and `start`."""

    def __init__(
        self,
        *,
        lease_ms: int = 3000,
        heartbeat_ms: int = 50,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self._credentials = credentials
        self._lease_ms = lease_ms
        self._heartbeat_ms = heartbeat_ms
        self._changed = threading.Condition()
        self._server: grpc.Server | None = None
        self._port = 0
        self._sessions = 0
        # What was received, in order.
        self.registrations: list[registry_pb2.RegisterAdapterRequest] = []
        self.heartbeats: list[registry_pb2.HeartbeatRequest] = []
        self.results: list[registry_pb2.ReportTaskResultRequest] = []
        self.progress: list[registry_pb2.RunProgress] = []
        self.deregistrations: list[registry_pb2.DeregisterAdapterRequest] = []
        # What is answered.
        self.cancel: list[registry_pb2.RunRef] = []
        self.forget: list[registry_pb2.RunRef] = []
        self.answer: Answer = accept
        self.known_sessions: set[str] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        options = [("grpc.so_reuseport", 0)]
        self._server = grpc.server(futures.ThreadPoolExecutor(8), options=options)
        registry_pb2_grpc.add_AdapterRegistryServicer_to_server(self, self._server)
        address = f"127.0.0.1:{self._port}"
        if self._credentials is None:
            self._port = self._server.add_insecure_port(address)
        else:
            self._port = self._server.add_secure_port(address, self._credentials)
        self._server.start()

    def stop(self) -> None:
        """Gone, with every session, as after a crash of the orchestrator."""
        if self._server is not None:
            self._server.stop(grace=None).wait()
            self._server = None
        with self._changed:
            self.known_sessions.clear()

    def wait_for(self, look: Callable[[], _T]) -> _T:
        """The first true value of `look`, asked again with every call that comes in."""
        deadline = time.monotonic() + WAIT_S
        with self._changed:
            value = look()
            while not value:
                # Heartbeats wake it again and again: one deadline for all of it.
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError("the adapter did not do what was waited for")
                value = look()
            return value

    def wait_for_heartbeats(self, count: int) -> None:
        """Until `count` more heartbeats have come in."""
        wanted = len(self.heartbeats) + count
        self.wait_for(lambda: len(self.heartbeats) >= wanted)

    def RegisterAdapter(
        self, request: registry_pb2.RegisterAdapterRequest, context: grpc.ServicerContext
    ) -> registry_pb2.RegisterAdapterResponse:
        with self._changed:
            self._sessions += 1
            session_id = f"session-{self._sessions}"
            self.known_sessions.add(session_id)
            self._note(self.registrations, request)
            return registry_pb2.RegisterAdapterResponse(
                session_id=session_id,
                lease_ms=self._lease_ms,
                heartbeat_interval_ms=self._heartbeat_ms,
                cancel=self.cancel,
                forget=self.forget,
            )

    def Heartbeat(
        self, request: registry_pb2.HeartbeatRequest, context: grpc.ServicerContext
    ) -> registry_pb2.HeartbeatResponse:
        with self._changed:
            if request.session_id not in self.known_sessions:
                _abort(context, _UNKNOWN_SESSION)
            self._note(self.heartbeats, request)
            return registry_pb2.HeartbeatResponse(
                lease_ms=self._lease_ms, cancel=self.cancel, forget=self.forget
            )

    def ReportTaskResult(
        self, request: registry_pb2.ReportTaskResultRequest, context: grpc.ServicerContext
    ) -> registry_pb2.ReportTaskResultResponse:
        with self._changed:
            self._note(self.results, request)
            answer = self.answer(request)
        if isinstance(answer, Refusal):
            _abort(context, answer)
        return answer

    def ReportTaskProgress(
        self, request: registry_pb2.ReportTaskProgressRequest, context: grpc.ServicerContext
    ) -> registry_pb2.ReportTaskProgressResponse:
        with self._changed:
            for item in request.items:
                self._note(self.progress, item)
        return registry_pb2.ReportTaskProgressResponse()

    def DeregisterAdapter(
        self, request: registry_pb2.DeregisterAdapterRequest, context: grpc.ServicerContext
    ) -> registry_pb2.DeregisterAdapterResponse:
        with self._changed:
            self._note(self.deregistrations, request)
        return registry_pb2.DeregisterAdapterResponse()

    def _note(self, received: list[Any], message: Any) -> None:
        received.append(message)
        self._changed.notify_all()


def _abort(context: grpc.ServicerContext, refusal: Refusal) -> NoReturn:
    context.set_trailing_metadata(((DETAILS_KEY, refusal.details()),))
    context.abort(refusal.code, refusal.message)
    raise AssertionError("abort always raises")
