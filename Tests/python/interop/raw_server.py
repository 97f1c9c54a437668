"""A server of the interop tests on bare frames, which holds callers to the flags of their messages.

usage: python -m interop.raw_server [--port N]

Prints a READY line, and ends with its standard input. It serves the methods that the compression
cases use, and refuses what the protocol asks of a client's headers and frames if it is missing.
"""

import argparse
import socketserver
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h2.events

from interop._generated import messages_pb2
from interop.arguments import announce
from interop.cases import payload
from interop.frames import Connection, Deframer, Headers, Message, fields, framed

_INVALID_ARGUMENT, _UNIMPLEMENTED, _INTERNAL = 3, 12, 13


@dataclass
class Refusal(Exception):
    """The status that a call ends with."""

    code: int
    message: str


@dataclass
class Request:
    """A call as it has come so far."""

    headers: Headers
    messages: list[Message] = field(default_factory=list)
    deframer: Deframer = field(default_factory=Deframer)

    def check_headers(self) -> None:
        """What the protocol asks of every client (doc/PROTOCOL-HTTP2.md, "Requests")."""
        wanted = {":method": "POST", "te": "trailers", "content-type": "application/grpc"}
        for name, value in wanted.items():
            if self.headers.get(name) != value:
                raise Refusal(_INTERNAL, f"{name} is {self.headers.get(name)!r}")

    def check_messages(self) -> None:
        if not self.deframer.is_empty:
            raise Refusal(_INTERNAL, "the call ends within a message")
        if any(message.compressed for message in self.messages):
            encoding = self.headers.get("grpc-encoding")
            if encoding != "gzip":
                raise Refusal(_INTERNAL, f"a message is compressed by {encoding!r}")

    def accepts_gzip(self) -> bool:
        return "gzip" in self.headers.get("grpc-accept-encoding", "").replace(" ", "").split(",")


Expecting = messages_pb2.SimpleRequest | messages_pb2.StreamingInputCallRequest


def _check_flag(request: Expecting, message: Message) -> None:
    if not request.HasField("expect_compressed"):
        return
    if request.expect_compressed.value != message.compressed:
        found = "compressed" if message.compressed else "not compressed"
        raise Refusal(_INVALID_ARGUMENT, f"the message is {found}")


def _response(request: Request, data: bytes, wanted: messages_pb2.BoolValue) -> bytes:
    """A framed response, compressed if that is wanted."""
    if wanted.value and not request.accepts_gzip():
        raise Refusal(_INTERNAL, "the caller wants gzip and does not accept it")
    return framed(data, compressed=wanted.value)


def _unary_call(request: Request) -> Iterator[bytes]:
    message = request.messages[0]
    wanted = messages_pb2.SimpleRequest.FromString(message.data)
    _check_flag(wanted, message)
    response = messages_pb2.SimpleResponse(payload=payload(wanted.response_size))
    yield _response(request, response.SerializeToString(), wanted.response_compressed)


def _streaming_input_call(request: Request) -> Iterator[bytes]:
    size = 0
    for message in request.messages:
        part = messages_pb2.StreamingInputCallRequest.FromString(message.data)
        _check_flag(part, message)
        size += len(part.payload.body)
    response = messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)
    yield framed(response.SerializeToString(), compressed=False)


def _streaming_output_call(request: Request) -> Iterator[bytes]:
    wanted = messages_pb2.StreamingOutputCallRequest.FromString(request.messages[0].data)
    for parameters in wanted.response_parameters:
        response = messages_pb2.StreamingOutputCallResponse(payload=payload(parameters.size))
        yield _response(request, response.SerializeToString(), parameters.compressed)


_METHODS: dict[str, Callable[[Request], Iterator[bytes]]] = {
    "/grpc.testing.TestService/UnaryCall": _unary_call,
    "/grpc.testing.TestService/StreamingInputCall": _streaming_input_call,
    "/grpc.testing.TestService/StreamingOutputCall": _streaming_output_call,
}


def _answer(request: Request) -> tuple[bytes, int, str]:
    """The framed responses, the status code and its message."""
    try:
        request.check_headers()
        request.check_messages()
        method = _METHODS.get(request.headers[":path"])
        if method is None:
            raise Refusal(_UNIMPLEMENTED, "there is no such method here")
        return b"".join(method(request)), 0, ""
    except Refusal as refusal:
        return b"", refusal.code, refusal.message


def _reply(connection: Connection, stream: int, request: Request) -> None:
    body, code, message = _answer(request)
    headers = [
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "identity,gzip"),
    ]
    trailers = [("grpc-status", str(code)), ("grpc-message", urllib.parse.quote(message))]
    connection.http2.send_headers(stream, headers)
    connection.send(stream, body, trailers=trailers)


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        connection = Connection(self.request, client=False)
        requests: dict[int, Request] = {}
        for event in connection.events():
            match event:
                case h2.events.RequestReceived(stream_id=stream, headers=headers):
                    requests[stream] = Request(fields(headers))
                case h2.events.DataReceived(stream_id=stream, data=data):
                    request = requests[stream]
                    request.messages += request.deframer.feed(data)
                case h2.events.StreamEnded(stream_id=stream):
                    _reply(connection, stream, requests.pop(stream))
                case h2.events.StreamReset(stream_id=stream):
                    requests.pop(stream, None)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with Server(("127.0.0.1", options.port), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        announce(server.server_address[1])
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main()
