"""A model's HTTP endpoint that answers as its path says, and remembers what it was asked.

Real sockets and real bytes: what the clients make of them is the clients' own doing.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HELLO = "Hello from the endpoint."


class Endpoint:
    """Serves POST /BEHAVIOUR/v1/chat/completions on loopback."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.requests: dict[str, dict[str, Any]] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.reached = threading.Semaphore(0)
        self.left = threading.Semaphore(0)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, behaviour: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{behaviour}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            behaviour = self.path.split("/")[1]
            body = self.rfile.read(int(self.headers["content-length"]))
            endpoint.hits[behaviour] += 1
            endpoint.requests[behaviour] = json.loads(body)
            endpoint.headers[behaviour] = {k.lower(): v for k, v in self.headers.items()}
            _BEHAVIOURS[behaviour.partition("_")[0]](self, endpoint, behaviour)

        def log_message(self, *_: Any) -> None:
            pass

        def refuse(self, status: int, error: dict[str, Any], **headers: str) -> None:
            body = json.dumps({"error": error}).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def begin(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()

        def chunk(self, text: str | None, **more: Any) -> None:
            choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
            data = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            line = json.dumps({**data, "choices": [choice], **more})
            self.wfile.write(f"data: {line}\n\n".encode())
            self.wfile.flush()

        def say(self, text: str) -> None:
            self.begin()
            for word in text.split(" "):
                self.chunk(f"{word} " if word != text.split(" ")[-1] else word)
            usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
            self.chunk(None, choices=[], usage=usage)
            self.wfile.write(b"data: [DONE]\n\n")

    return Handler


def _status(handler: Any, _endpoint: Endpoint, behaviour: str) -> None:
    code = behaviour.split("_")[1]
    headers = {"retry_after": "7"} if code == "429" else {}
    detail = {"message": f"status {code}", "type": "t", "code": None}
    if behaviour.endswith("quota"):
        detail["code"] = "insufficient_quota"
    if behaviour.endswith("context"):
        detail["code"] = "context_length_exceeded"
    handler.refuse(int(code), detail, **headers)


def _hang(handler: Any, endpoint: Endpoint, _behaviour: str) -> None:
    """Says nothing until the client leaves."""
    endpoint.reached.release()
    with contextlib.suppress(OSError):
        handler.connection.recv(1)
    endpoint.left.release()


def _endless(handler: Any, endpoint: Endpoint, _behaviour: str) -> None:
    """Speaks until the client leaves."""
    handler.begin()
    handler.chunk("word ")
    endpoint.reached.release()
    gone = threading.Event()
    handler.connection.settimeout(30)

    def watch() -> None:
        with contextlib.suppress(OSError):
            handler.connection.recv(1)
        gone.set()

    threading.Thread(target=watch, daemon=True).start()
    while not gone.wait(0.02):
        try:
            handler.chunk("word ")
        except OSError:
            break
    endpoint.left.release()


_BEHAVIOURS: dict[str, Callable[[Any, Endpoint, str], None]] = {
    "status": _status,
    "hang": _hang,
    "endless": _endless,
    "scripted": lambda handler, _endpoint, _behaviour: handler.say(HELLO),
    "json": lambda handler, _endpoint, _behaviour: handler.say('```json\n{"city": "Rome"}\n```'),
    "city": lambda handler, _endpoint, _behaviour: handler.say('{"city": "Rome"}'),
    "town": lambda handler, _endpoint, _behaviour: handler.say('{"town": "Rome"}'),
    "empty": lambda handler, _endpoint, _behaviour: handler.say(""),
}
