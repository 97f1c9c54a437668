"""grpcio's server of the interop tests.

usage: python -m interop.server [--port N] [--use_tls true --tls_cert_file F --tls_key_file F]

Prints a READY line, and ends with its standard input. Whether a request came compressed it cannot
see, so it does not hold callers to `expect_compressed`; the server of raw_server.py does.
"""

import argparse
import sys
import threading
from collections.abc import Iterator
from concurrent import futures

import grpc

from interop._generated import empty_pb2, messages_pb2, test_pb2_grpc
from interop.arguments import add_tls, announce

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_ECHO_INITIAL = "x-grpc-test-echo-initial"
_ECHO_TRAILING = "x-grpc-test-echo-trailing-bin"


def _payload(size: int) -> messages_pb2.Payload:
    return messages_pb2.Payload(body=bytes(size))


def _echo_metadata(context: grpc.ServicerContext) -> None:
    for key, value in context.invocation_metadata():
        if key == _ECHO_INITIAL:
            context.send_initial_metadata(((key, value),))
        elif key == _ECHO_TRAILING:
            context.set_trailing_metadata(((key, value),))


def _echo_status(
    request: messages_pb2.SimpleRequest | messages_pb2.StreamingOutputCallRequest,
    context: grpc.ServicerContext,
) -> None:
    status = request.response_status
    if request.HasField("response_status") and status.code != 0:
        context.abort(_CODES[status.code], status.message)


class TestService(test_pb2_grpc.TestServiceServicer):
    """What every interop server does."""

    def __init__(self) -> None:
        # Never set: waiting for it is a pause.
        self._never = threading.Event()

    def EmptyCall(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def UnaryCall(
        self, request: messages_pb2.SimpleRequest, context: grpc.ServicerContext
    ) -> messages_pb2.SimpleResponse:
        _echo_metadata(context)
        _echo_status(request, context)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        return messages_pb2.SimpleResponse(payload=_payload(request.response_size))

    def StreamingInputCall(
        self,
        request_iterator: Iterator[messages_pb2.StreamingInputCallRequest],
        context: grpc.ServicerContext,
    ) -> messages_pb2.StreamingInputCallResponse:
        size = sum(len(request.payload.body) for request in request_iterator)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    def StreamingOutputCall(
        self,
        request: messages_pb2.StreamingOutputCallRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        if any(wanted.compressed.value for wanted in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        yield from self._responses(request, context)

    def FullDuplexCall(
        self,
        request_iterator: Iterator[messages_pb2.StreamingOutputCallRequest],
        context: grpc.ServicerContext,
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        _echo_metadata(context)
        for request in request_iterator:
            yield from self._responses(request, context)

    def _responses(
        self,
        request: messages_pb2.StreamingOutputCallRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        _echo_status(request, context)
        for wanted in request.response_parameters:
            self._never.wait(wanted.interval_us / 1e6)
            if not wanted.compressed.value:
                context.disable_next_message_compression()
            yield messages_pb2.StreamingOutputCallResponse(payload=_payload(wanted.size))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    add_tls(parser, "tls_cert_file", "tls_key_file")
    options = parser.parse_args()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
    address = f"127.0.0.1:{options.port}"
    if options.use_tls:
        pair = options.tls_key_file.read_bytes(), options.tls_cert_file.read_bytes()
        port = server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    announce(port)
    sys.stdin.read()
    server.stop(0).wait()


if __name__ == "__main__":
    main()
