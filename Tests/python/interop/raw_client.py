"""A client on bare frames: which messages a server compresses, and what it takes as compressed.

usage: python -m interop.raw_client --server_port N --test_case NAME[,NAME...]

Prints one line for each case; exit code 0 if all passed.
"""

import argparse
import gzip
import socket
import sys
from collections.abc import Callable

from interop._generated import messages_pb2
from interop.arguments import expect, expect_equal, run_cases
from interop.cases import RESPONSE_BYTES, boolean, large_request, payload, stream_request
from interop.frames import Answer, Connection, call, framed

_SERVICE = "/grpc.testing.TestService"
_GZIP = {"grpc-encoding": "gzip"}
_ACCEPTS_GZIP = {"grpc-accept-encoding": "identity,gzip"}
_OK, _INVALID_ARGUMENT, _UNIMPLEMENTED, _INTERNAL = 0, 3, 12, 13


def _unary(
    connection: Connection,
    request: messages_pb2.SimpleRequest,
    headers: dict[str, str],
    *,
    compressed: bool = False,
) -> Answer:
    body = framed(request.SerializeToString(), compressed=compressed)
    return call(connection, f"{_SERVICE}/UnaryCall", body, headers)


def _input(connection: Connection, *requests: tuple[bool, bool]) -> Answer:
    """StreamingInputCall with two-byte payloads, each (compressed, expected to be)."""
    body = b"".join(
        framed(
            messages_pb2.StreamingInputCallRequest(
                payload=payload(2), expect_compressed=boolean(expected)
            ).SerializeToString(),
            compressed=compressed,
        )
        for compressed, expected in requests
    )
    return call(connection, f"{_SERVICE}/StreamingInputCall", body, _GZIP)


def _expect_large(answer: Answer, *, compressed: bool) -> None:
    expect_equal(answer.status, _OK, "the status")
    expect_equal(len(answer.messages), 1, "the number of responses")
    message = answer.messages[0]
    expect_equal(message.compressed, compressed, "the compressed flag of the response")
    response = messages_pb2.SimpleResponse.FromString(message.data)
    expect(response.payload.body == bytes(RESPONSE_BYTES), "the response is not as large, or zeros")
    if compressed:
        expect_equal(answer.headers.get("grpc-encoding"), "gzip", "grpc-encoding")


class Cases:
    """The compression cases by the flags of their messages, and what must be refused."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect

    def all(self) -> dict[str, Callable[[], None]]:
        names = [name for name in vars(type(self)) if not name.startswith("_") and name != "all"]
        return {name: getattr(self, name) for name in names}

    def client_compressed_unary(self) -> None:
        connection = self._connect()
        request = large_request()
        for expected in (True, False):
            request.expect_compressed.value = expected
            for compressed in (True, False):
                answer = _unary(connection, request, _GZIP, compressed=compressed)
                if compressed == expected:
                    _expect_large(answer, compressed=False)
                else:
                    expect_equal(answer.status, _INVALID_ARGUMENT, "the status")

    def client_compressed_streaming(self) -> None:
        connection = self._connect()
        answer = _input(connection, (True, True), (False, False), (True, True))
        expect_equal(answer.status, _OK, "the status")
        response = messages_pb2.StreamingInputCallResponse.FromString(answer.messages[0].data)
        expect_equal(response.aggregated_payload_size, 6, "the sum")
        for wrong in ((False, True), (True, False)):
            expect_equal(_input(connection, wrong).status, _INVALID_ARGUMENT, "the status")
            late = _input(connection, (True, True), wrong)
            expect_equal(late.status, _INVALID_ARGUMENT, "the status")

    def server_compressed_unary(self) -> None:
        connection = self._connect()
        request = large_request()
        for compressed in (True, False):
            request.response_compressed.value = compressed
            _expect_large(_unary(connection, request, _ACCEPTS_GZIP), compressed=compressed)
        # What the caller does not accept it is not sent.
        request.response_compressed.value = True
        _expect_large(_unary(connection, request, {}), compressed=False)

    def server_compressed_streaming(self) -> None:
        connection = self._connect()
        request = stream_request(0, 31_415, 92_653, 31_415)
        flags = [False, True, False]
        for parameters, compressed in zip(request.response_parameters, flags, strict=True):
            parameters.compressed.value = compressed
        body = framed(request.SerializeToString(), compressed=False)
        answer = call(connection, f"{_SERVICE}/StreamingOutputCall", body, _ACCEPTS_GZIP)
        expect_equal(answer.status, _OK, "the status")
        expect_equal([message.compressed for message in answer.messages], flags, "the flags")
        sizes = [
            len(messages_pb2.StreamingOutputCallResponse.FromString(message.data).payload.body)
            for message in answer.messages
        ]
        expect_equal(sizes, [31_415, 92_653, 31_415], "the sizes of the responses")

    def compressed_without_encoding(self) -> None:
        """The flag is set and no header says by what."""
        connection = self._connect()
        for headers in ({}, {"grpc-encoding": "identity"}):
            answer = _unary(connection, large_request(), headers, compressed=True)
            expect_equal(answer.status, _INTERNAL, "the status")

    def unknown_encoding(self) -> None:
        """The refusal says what is accepted (doc/compression.md)."""
        headers = {"grpc-encoding": "no-such"}
        answer = _unary(self._connect(), large_request(), headers, compressed=True)
        expect_equal(answer.status, _UNIMPLEMENTED, "the status")
        accepted = (answer.headers | answer.trailers).get("grpc-accept-encoding", "")
        expect("gzip" in accepted.split(","), f"grpc-accept-encoding is {accepted!r}")

    def damaged_compression(self) -> None:
        """Bytes that no gzip made, and an archive cut short."""
        connection = self._connect()
        whole = gzip.compress(large_request().SerializeToString())
        for damaged in (b"no gzip at all", whole[:-9]):
            body = b"\1" + len(damaged).to_bytes(4, "big") + damaged
            answer = call(connection, f"{_SERVICE}/UnaryCall", body, _GZIP)
            expect(answer.status in (_INVALID_ARGUMENT, _INTERNAL), f"status {answer.status}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--server_host", default="127.0.0.1")
    parser.add_argument("--server_port", type=int, required=True)
    parser.add_argument("--test_case", required=True)
    options = parser.parse_args()
    links: list[socket.socket] = []

    def connect() -> Connection:
        address = options.server_host, options.server_port
        links.append(socket.create_connection(address, timeout=20))
        return Connection(links[-1], client=True)

    try:
        return run_cases(options.test_case.split(","), Cases(connect).all())
    finally:
        for link in links:
            link.close()


if __name__ == "__main__":
    sys.exit(main())
