"""The cases of the interop tests for a grpcio channel, each named as on the command line."""

import os
import threading
from collections.abc import Callable, Iterator

import grpc

from interop._generated import empty_pb2, messages_pb2, test_pb2_grpc
from interop.arguments import Failed, expect, expect_equal

_TIMEOUT = 20
REQUEST_BYTES, RESPONSE_BYTES = 271_828, 314_159
_STREAM_REQUESTS = (27_182, 8, 1_828, 45_904)
_STREAM_RESPONSES = (31_415, 9, 2_653, 58_979)
_STATUS_MESSAGE = "test status message"
SPECIAL_MESSAGE = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
_METADATA: tuple[tuple[str, str | bytes], ...] = (
    ("x-grpc-test-echo-initial", "test_initial_metadata_value"),
    ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab"),
)


def payload(size: int) -> messages_pb2.Payload:
    """A payload of zeros."""
    return messages_pb2.Payload(body=bytes(size))


def boolean(value: bool) -> messages_pb2.BoolValue:
    return messages_pb2.BoolValue(value=value)


def large_request() -> messages_pb2.SimpleRequest:
    return messages_pb2.SimpleRequest(response_size=RESPONSE_BYTES, payload=payload(REQUEST_BYTES))


def stream_request(size: int, *responses: int) -> messages_pb2.StreamingOutputCallRequest:
    """A request with a payload that asks for responses of those sizes."""
    return messages_pb2.StreamingOutputCallRequest(
        payload=payload(size),
        response_parameters=[messages_pb2.ResponseParameters(size=each) for each in responses],
    )


def expect_large(response: messages_pb2.SimpleResponse) -> None:
    expect(response.payload.body == bytes(RESPONSE_BYTES), "the response is not as large, or zeros")


def expect_status(
    call: Callable[[], object], code: grpc.StatusCode, message: str | None = None
) -> None:
    """Fails the case unless the call fails with that status."""
    try:
        call()
    except grpc.RpcError as error:
        expect_equal(error.code(), code, "the status code")
        if message is not None:
            expect_equal(error.details(), message, "the status message")
    else:
        raise Failed(f"the call succeeded instead of failing with {code.name}")


class Requests:
    """The requests of one call, sent one by one."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting: list[messages_pb2.StreamingOutputCallRequest] = []
        self._ended = False

    def send(self, request: messages_pb2.StreamingOutputCallRequest) -> None:
        with self._condition:
            self._waiting.append(request)
            self._condition.notify()

    def end(self) -> None:
        """Half-closes."""
        with self._condition:
            self._ended = True
            self._condition.notify()

    def __iter__(self) -> Iterator[messages_pb2.StreamingOutputCallRequest]:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._ended)
                if not self._waiting:
                    return
                request = self._waiting.pop(0)
            yield request


class Cases:
    """Calls on one channel; a case that does not go as it must raises."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = test_pb2_grpc.TestServiceStub(channel)
        self.unimplemented = test_pb2_grpc.UnimplementedServiceStub(channel)

    def all(self) -> dict[str, Callable[[], None]]:
        """The cases by name."""
        return {
            name: case
            for name in vars(type(self))
            if not name.startswith("_") and name != "all" and callable(case := getattr(self, name))
        }

    def empty_unary(self) -> None:
        response = self.stub.EmptyCall(empty_pb2.Empty(), timeout=_TIMEOUT)
        expect_equal(response.ByteSize(), 0, "the size of the response")

    def large_unary(self) -> None:
        expect_large(self.stub.UnaryCall(large_request(), timeout=_TIMEOUT))

    def client_compressed_unary(self) -> None:
        request = large_request()
        request.expect_compressed.value = True
        expect_status(
            lambda: self.stub.UnaryCall(request, timeout=_TIMEOUT),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        self.client_compressed_unary_unseen()

    def client_compressed_unary_unseen(self) -> None:
        """The same for a server that does not see what is compressed."""
        request = large_request()
        request.expect_compressed.value = True
        expect_large(
            self.stub.UnaryCall(request, timeout=_TIMEOUT, compression=grpc.Compression.Gzip)
        )
        request.expect_compressed.value = False
        expect_large(self.stub.UnaryCall(request, timeout=_TIMEOUT))

    def server_compressed_unary(self) -> None:
        for compressed in (True, False):
            request = large_request()
            request.response_compressed.value = compressed
            expect_large(self.stub.UnaryCall(request, timeout=_TIMEOUT))

    def client_streaming(self) -> None:
        requests = (
            messages_pb2.StreamingInputCallRequest(payload=payload(size))
            for size in _STREAM_REQUESTS
        )
        response = self.stub.StreamingInputCall(requests, timeout=_TIMEOUT)
        expect_equal(response.aggregated_payload_size, 74_922, "the sum")

    def client_compressed_streaming(self) -> None:
        probe = messages_pb2.StreamingInputCallRequest(
            expect_compressed=boolean(True), payload=payload(27_182)
        )
        expect_status(
            lambda: self.stub.StreamingInputCall(iter((probe,)), timeout=_TIMEOUT),
            grpc.StatusCode.INVALID_ARGUMENT,
        )
        self.client_compressed_streaming_unseen()

    def client_compressed_streaming_unseen(self) -> None:
        """The same for a server that does not see what is compressed."""
        # grpcio compresses all messages of a call that become smaller by it. Random bytes do not,
        # so that message goes out without the flag; zeros, as the description has it, would not.
        requests = [
            messages_pb2.StreamingInputCallRequest(
                expect_compressed=boolean(True), payload=payload(27_182)
            ),
            messages_pb2.StreamingInputCallRequest(
                expect_compressed=boolean(False),
                payload=messages_pb2.Payload(body=os.urandom(45_904)),
            ),
        ]
        response = self.stub.StreamingInputCall(
            iter(requests), timeout=_TIMEOUT, compression=grpc.Compression.Gzip
        )
        expect_equal(response.aggregated_payload_size, 73_086, "the sum")

    def server_streaming(self) -> None:
        request = stream_request(0, *_STREAM_RESPONSES)
        responses = self.stub.StreamingOutputCall(request, timeout=_TIMEOUT)
        sizes = tuple(len(response.payload.body) for response in responses)
        expect_equal(sizes, _STREAM_RESPONSES, "the sizes of the responses")

    def server_compressed_streaming(self) -> None:
        request = stream_request(0, 31_415, 92_653)
        for parameters, compressed in zip(request.response_parameters, (True, False), strict=True):
            parameters.compressed.value = compressed
        responses = self.stub.StreamingOutputCall(request, timeout=_TIMEOUT)
        sizes = tuple(len(response.payload.body) for response in responses)
        expect_equal(sizes, (31_415, 92_653), "the sizes of the responses")

    def ping_pong(self) -> None:
        requests = Requests()
        responses = self.stub.FullDuplexCall(iter(requests), timeout=_TIMEOUT)
        for request_bytes, response_bytes in zip(_STREAM_REQUESTS, _STREAM_RESPONSES, strict=True):
            requests.send(stream_request(request_bytes, response_bytes))
            response = next(responses)
            expect_equal(len(response.payload.body), response_bytes, "the size of a response")
        requests.end()
        expect_equal(list(responses), [], "what follows")

    def empty_stream(self) -> None:
        responses = self.stub.FullDuplexCall(iter(()), timeout=_TIMEOUT)
        expect_equal(list(responses), [], "the responses")

    def custom_metadata(self) -> None:
        _, unary = self.stub.UnaryCall.with_call(
            large_request(), metadata=_METADATA, timeout=_TIMEOUT
        )
        stream = self.stub.FullDuplexCall(
            iter((stream_request(REQUEST_BYTES, RESPONSE_BYTES),)),
            metadata=_METADATA,
            timeout=_TIMEOUT,
        )
        expect_equal(len(list(stream)), 1, "the number of responses")
        for call in (unary, stream):
            expect(_METADATA[0] in call.initial_metadata(), "the initial metadata is not echoed")
            expect(_METADATA[1] in call.trailing_metadata(), "the trailing metadata is not echoed")

    def status_code_and_message(self) -> None:
        status = messages_pb2.EchoStatus(code=2, message=_STATUS_MESSAGE)
        unary = messages_pb2.SimpleRequest(response_status=status)
        expect_status(
            lambda: self.stub.UnaryCall(unary, timeout=_TIMEOUT),
            grpc.StatusCode.UNKNOWN,
            _STATUS_MESSAGE,
        )
        stream = messages_pb2.StreamingOutputCallRequest(response_status=status)
        expect_status(
            lambda: list(self.stub.FullDuplexCall(iter((stream,)), timeout=_TIMEOUT)),
            grpc.StatusCode.UNKNOWN,
            _STATUS_MESSAGE,
        )

    def special_status_message(self) -> None:
        status = messages_pb2.EchoStatus(code=2, message=SPECIAL_MESSAGE)
        request = messages_pb2.SimpleRequest(response_status=status)
        expect_status(
            lambda: self.stub.UnaryCall(request, timeout=_TIMEOUT),
            grpc.StatusCode.UNKNOWN,
            SPECIAL_MESSAGE,
        )

    def unimplemented_method(self) -> None:
        expect_status(
            lambda: self.stub.UnimplementedCall(empty_pb2.Empty(), timeout=_TIMEOUT),
            grpc.StatusCode.UNIMPLEMENTED,
        )

    def unimplemented_service(self) -> None:
        expect_status(
            lambda: self.unimplemented.UnimplementedCall(empty_pb2.Empty(), timeout=_TIMEOUT),
            grpc.StatusCode.UNIMPLEMENTED,
        )

    def cancel_after_begin(self) -> None:
        requests = Requests()
        call = self.stub.StreamingInputCall.future(iter(requests), timeout=_TIMEOUT)
        call.cancel()
        requests.end()
        expect_equal(call.code(), grpc.StatusCode.CANCELLED, "the status code")

    def cancel_after_first_response(self) -> None:
        requests = Requests()
        call = self.stub.FullDuplexCall(iter(requests), timeout=_TIMEOUT)
        requests.send(stream_request(27_182, 31_415))
        expect_equal(len(next(call).payload.body), 31_415, "the size of the response")
        call.cancel()
        requests.end()
        expect_status(lambda: next(call), grpc.StatusCode.CANCELLED)

    def timeout_on_sleeping_server(self) -> None:
        requests = Requests()
        requests.send(stream_request(27_182))
        call = self.stub.FullDuplexCall(iter(requests), timeout=0.001)
        expect_status(lambda: next(call), grpc.StatusCode.DEADLINE_EXCEEDED)
        requests.end()
