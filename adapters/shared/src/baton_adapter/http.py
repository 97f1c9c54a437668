"""/healthz, /readyz and /metrics."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from baton_adapter.runtime import Failure, Outcome


class Metrics:
    """The figures of one adapter process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._in_flight = Gauge(
            "baton_adapter_in_flight", "Tasks that run now.", registry=self.registry
        )
        self._registered = Gauge(
            "baton_adapter_registered",
            "1 while the orchestrator knows this adapter.",
            registry=self.registry,
        )
        self._attempts = Counter(
            "baton_adapter_attempts",
            "Attempts that ended, by task type and error class (empty: succeeded).",
            ["type", "error_class"],
            registry=self.registry,
        )

    def watch(self, in_flight: Callable[[], float], registered: Callable[[], bool]) -> None:
        self._in_flight.set_function(in_flight)
        self._registered.set_function(lambda: float(registered()))

    def attempt_ended(self, task_type: str, outcome: Outcome | Failure) -> None:
        error_class = outcome.error_class.name if isinstance(outcome, Failure) else ""
        self._attempts.labels(task_type, error_class).inc()


class HTTPEndpoint:
    """A small ASGI application and the server around it."""

    def __init__(self, address: str, metrics: Metrics, ready: Callable[[], bool]) -> None:
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        self._metrics = metrics
        self._ready = ready
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, int(port)), family=family)
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="warning",
        )
        self._server = _Server(config)

    @property
    def address(self) -> str:
        name = self._socket.getsockname()
        return f"[{name[0]}]:{name[1]}" if ":" in name[0] else f"{name[0]}:{name[1]}"

    async def run(self) -> None:
        """Serves until `stop`."""
        await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        self._server.should_exit = True

    async def _app(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:  # noqa: ARG002
        status, kind, body = self._answer(scope.get("path", ""))
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, str, bytes]:
        if path == "/healthz":
            return 200, "text/plain", b"ok\n"
        if path == "/readyz":
            ready = self._ready()
            return (200, "text/plain", b"ready\n") if ready else (503, "text/plain", b"not ready\n")
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._metrics.registry)
        return 404, "text/plain", b"not found\n"


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
