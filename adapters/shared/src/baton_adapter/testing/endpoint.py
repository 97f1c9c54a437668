"""A model's endpoint that refuses: a real HTTP server that answers with what the path asks for."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RETRY_AFTER_S = 7


class ModelErrors:
    """`url("429")` answers every call with 429 and Retry-After; `url("hang")` never answers."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._ended = threading.Event()
        self._called = threading.Condition()
        self._calls: Counter[str] = Counter()

    def url(self, kind: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{kind}"

    def calls(self, kind: str) -> int:
        """How often `url(kind)` was called."""
        with self._called:
            return self._calls[kind]

    def wait_for_calls(self, kind: str, count: int) -> None:
        """Returns once `url(kind)` was called `count` times in all."""
        with self._called:
            if not self._called.wait_for(lambda: self._calls[kind] >= count, timeout=30):
                raise TimeoutError(f"{kind} was not called")

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        kind = handler.path.split("/")[1]
        with self._called:
            self._calls[kind] += 1
            self._called.notify_all()
        handler.rfile.read(int(handler.headers.get("content-length", 0)))
        if kind == "hang":
            self._ended.wait()
            return
        code = "insufficient_quota" if kind == "quota" else None
        body = json.dumps({"error": {"message": f"refused: {kind}", "code": code}}).encode()
        handler.send_response(429 if kind == "quota" else int(kind))
        if kind == "429":
            handler.send_header("retry-after", str(RETRY_AFTER_S))
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def stop(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def model_errors() -> Iterator[ModelErrors]:
    """The endpoint, on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            errors.answer(self)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    errors = ModelErrors(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield errors
    finally:
        errors.stop()
        thread.join()


@contextlib.contextmanager
def refusing_url() -> Iterator[str]:
    """A URL whose port is taken and where nobody listens: connections are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
