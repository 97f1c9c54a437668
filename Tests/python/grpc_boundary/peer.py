"""Python's grpcio as the other side of the RPC boundary's tests.

    peer.py call ADDRESS   calls the tests' Probe service, prints one JSON object
    peer.py serve OPTION…  serves the same, prints {"port": N}, ends with its standard input

Messages are HealthCheckRequest, which carries one text.
"""

import collections
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Text = health_pb2.HealthCheckRequest
SERVICE = "baton.test.Probe"
LARGE = 3_000_000

# google.rpc.Status {code: 9, message: "too old", details: [Any of google.rpc.ErrorInfo
# {reason: "STALE_LEASE", domain: "baton", metadata: {"task_id": "t1"}}]}
ERROR_INFO = b"\n\x0bSTALE_LEASE\x12\x05baton\x1a\x0d\n\x07task_id\x12\x02t1"
ANY_NAME = b"type.googleapis.com/google.rpc.ErrorInfo"
ANY = b"\n" + bytes([len(ANY_NAME)]) + ANY_NAME + b"\x12" + bytes([len(ERROR_INFO)]) + ERROR_INFO
STATUS = b"\x08\x09\x12\x07too old\x1a" + bytes([len(ANY)]) + ANY


def unary(channel: grpc.Channel, name: str) -> Any:
    return channel.unary_unary(
        f"/{SERVICE}/{name}",
        request_serializer=Text.SerializeToString,
        response_deserializer=Text.FromString,
    )


def streaming(channel: grpc.Channel, name: str) -> Any:
    return channel.unary_stream(
        f"/{SERVICE}/{name}",
        request_serializer=Text.SerializeToString,
        response_deserializer=Text.FromString,
    )


def failure(call: Callable[[], Any]) -> dict[str, Any]:
    """What a call fails with."""
    try:
        call()
    except grpc.RpcError as error:
        trailing = {key: value for key, value in error.trailing_metadata() or ()}
        details = trailing.pop("grpc-status-details-bin", b"")
        return {
            "code": error.code().name,
            "message": error.details(),
            "details": details.hex(),
            "trailing": {key: str(value) for key, value in trailing.items()},
        }
    return {"code": "OK"}


def call_all(address: str) -> dict[str, Any]:
    results: dict[str, Any] = {}
    with grpc.insecure_channel(address) as channel:
        echo = unary(channel, "Echo")
        results["echo"] = echo(Text(service="grüße"), timeout=20).service
        large = "x" * LARGE
        results["large"] = echo(Text(service=large), timeout=20).service == large
        many = [echo.future(Text(service=str(index)), timeout=20) for index in range(1000)]
        results["many"] = all(one.result().service == str(i) for i, one in enumerate(many))
        results["count"] = [
            text.service for text in streaming(channel, "Count")(Text(service="1000"), timeout=20)
        ]
        results["fail"] = failure(lambda: unary(channel, "Fail")(Text(service="t1"), timeout=20))
        results["count_and_fail"] = failure(
            lambda: list(streaming(channel, "CountAndFail")(Text(service="3"), timeout=20))
        )
        results["crash"] = failure(lambda: unary(channel, "Crash")(Text(), timeout=20))
        results["unknown"] = failure(lambda: unary(channel, "Nothing")(Text(), timeout=20))
        results["deadline"] = failure(lambda: unary(channel, "Wait")(Text(), timeout=0.05))
        results["compressed"] = [
            unary(channel, method)(
                Text(service=large), timeout=20, compression=grpc.Compression.Gzip
            ).service
            == large
            for method in ("Echo", "EchoCompressed")
        ]
        results["metadata"] = metadata(channel)
        results["cancel"] = cancel(channel)
        results["slow"] = read_slowly(channel)
        results["health"] = health(channel)
    return results


def metadata(channel: grpc.Channel) -> dict[str, Any]:
    response, call = unary(channel, "Metadata").with_call(
        Text(),
        timeout=20,
        metadata=(("x-text", "a"), ("x-text", "b"), ("x-bytes-bin", b"\x00\x01\xff")),
    )
    trailing = {key: value for key, value in call.trailing_metadata()}
    return {
        "seen": response.service,
        "initial": {key: value for key, value in call.initial_metadata()},
        "trailing": trailing["x-trailing"],
        "binary": trailing["x-trailing-bin"].hex(),
    }


def cancel(channel: grpc.Channel) -> str:
    """Cancels a stream in the middle."""
    call = streaming(channel, "Flood")(Text())
    next(call)
    call.cancel()
    try:
        for _ in call:
            pass
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def read_slowly(channel: grpc.Channel) -> bool:
    """Reads a little of an endless stream, with calls beside it."""
    call = streaming(channel, "Flood")(Text())
    ok = True
    for _ in range(300):
        ok = ok and len(next(call).service) == 1000
        ok = ok and unary(channel, "Echo")(Text(service="beside"), timeout=20).service == "beside"
    call.cancel()
    return ok


def health(channel: grpc.Channel) -> dict[str, Any]:
    stub = health_pb2_grpc.HealthStub(channel)
    watch = stub.Watch(Text(service=""), timeout=20)
    first = next(watch).status
    watch.cancel()
    return {
        "check": stub.Check(Text(service=""), timeout=20).status,
        "watch": first,
        "unknown": failure(lambda: stub.Check(Text(service="nobody"), timeout=20))["code"],
    }


class Probe(grpc.GenericRpcHandler):
    """The Probe service, as far as our client is tested with it."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()
        self.attempts: collections.Counter[str] = collections.Counter()

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        name = details.method.rpartition("/")[2]
        kinds = {
            "Count": grpc.unary_stream_rpc_method_handler,
            "Flood": grpc.unary_stream_rpc_method_handler,
            "Join": grpc.stream_unary_rpc_method_handler,
            "FlakyJoin": grpc.stream_unary_rpc_method_handler,
            "First": grpc.stream_unary_rpc_method_handler,
            "Ignore": grpc.stream_unary_rpc_method_handler,
            "Talk": grpc.stream_stream_rpc_method_handler,
            "Refuse": grpc.stream_stream_rpc_method_handler,
        }
        if name in kinds:
            return kinds[name](getattr(self, name.lower()), Text.FromString, Text.SerializeToString)
        method = getattr(self, name.lower(), None)
        if method is None:
            return None
        return grpc.unary_unary_rpc_method_handler(method, Text.FromString, Text.SerializeToString)

    def echo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return request

    def metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        seen = [
            f"{key}={value!r}"
            for key, value in context.invocation_metadata()
            if key.startswith("x-")
        ]
        context.send_initial_metadata((("x-initial", "i"),))
        context.set_trailing_metadata((("x-trailing", "t"), ("x-bytes-bin", b"\x00\xff")))
        return Text(service=" ".join(seen))

    def fail(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata((("grpc-status-details-bin", STATUS),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "zu alt: 100 % ä")

    def flaky(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Fails for a number of times, saying when to come back: "key failures pushback"."""
        key, failures, pushback = request.service.split()
        self.attempts[key] += 1
        metadata = dict(context.invocation_metadata())
        if self.attempts[key] <= int(failures):
            if pushback != "none":
                context.set_trailing_metadata((("grpc-retry-pushback-ms", pushback),))
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        previous = metadata.get("grpc-previous-rpc-attempts", "0")
        return Text(service=f"{self.attempts[key]} {previous}")

    def attemptsof(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Text(service=str(self.attempts[request.service]))

    def whoami(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The server's process and the client's address."""
        return Text(service=f"{os.getpid()} {context.peer()}")

    def authorization(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Text(service=str(dict(context.invocation_metadata())["authorization"]))

    def echocompressed(self, request: Any, context: grpc.ServicerContext) -> Any:
        context.set_compression(grpc.Compression.Gzip)
        return request

    def remaining(self, request: Any, context: grpc.ServicerContext) -> Any:
        left = context.time_remaining()
        return Text(service="none" if left is None or left > 1e6 else str(round(left)))

    def wait(self, request: Any, context: grpc.ServicerContext) -> Any:
        over = threading.Event()
        if context.add_callback(over.set):
            over.wait()
        self.cancelled.set()
        return Text()

    def wascancelled(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Text(service=str(self.cancelled.wait(10)))

    def count(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        for index in range(int(request.service)):
            yield Text(service=str(index))

    def join(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        context.send_initial_metadata((("x-initial", "i"),))
        context.set_trailing_metadata((("x-trailing", "t"),))
        texts = [request.service for request in requests]
        return Text(service=f"{len(texts)} {sum(map(len, texts))} {''.join(texts)[-9:]}")

    def flakyjoin(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """Fails the first time, after all requests."""
        text = "".join(request.service for request in requests)
        self.attempts[text] += 1
        if self.attempts[text] == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        return Text(service=f"{self.attempts[text]} {text}")

    def first(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        return next(requests)

    def ignore(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        """Reads one request and no more until the call is over."""
        next(requests)
        return self.wait(Text(), context)

    def talk(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.send_initial_metadata((("x-initial", "i"),))
        yield from requests
        context.set_trailing_metadata((("x-trailing", "t"),))

    def refuse(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")
        yield from requests

    def flood(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        while context.is_active():
            yield Text(service="x" * 1000)


def serve(options: list[str]) -> None:
    """Serves with options of gRPC's core such as "grpc.max_connection_age_ms=100"."""
    named = [option.partition("=") for option in options]
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=8),
        options=[(name, int(value)) for name, _, value in named],
    )
    server.add_generic_rpc_handlers((Probe(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(json.dumps({"port": port}), flush=True)
    sys.stdin.read()
    server.stop(0).wait()


def main() -> None:
    if sys.argv[1] == "serve":
        serve(sys.argv[2:])
    else:
        print(json.dumps(call_all(sys.argv[2])))


if __name__ == "__main__":
    main()
