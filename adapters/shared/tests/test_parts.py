"""The smaller parts, each by itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc
import pytest
from baton_adapter import messages
from baton_adapter._generated.baton.v1 import plan_pb2, registry_pb2
from baton_adapter.failures import Classified, causes, classify_status
from baton_adapter.portable import Allowed, check_portable, parse_json, text_output
from baton_adapter.progress import ProgressHub
from baton_adapter.runs import RunRef
from baton_adapter.runtime import ErrorClass, Failure, Rejection, Success, Usage
from baton_adapter.status import Refusal
from google.rpc import error_details_pb2, status_pb2

REF = RunRef("key", 1)


class TestMessages:
    def test_the_largest_output(self) -> None:
        fitting = "x" * (messages.OUTPUT_LIMIT_BYTES - 2)
        result = messages.make_result("t", Success(fitting))
        assert result.outcome == plan_pb2.OUTCOME_SUCCEEDED
        assert len(result.output_json) == messages.OUTPUT_LIMIT_BYTES
        larger = messages.make_result("t", Success(fitting + "x", Usage(1, 2, 3)))
        assert larger.error.code == "OUTPUT_TOO_LARGE"
        assert larger.error.error_class == plan_pb2.ERROR_CLASS_PERMANENT
        assert larger.usage.calls == 3

    @pytest.mark.parametrize(
        "output", [{"a": object()}, float("nan"), {"a": "\ud800"}, b"bytes", {(1, 2): 3}]
    )
    def test_outputs_that_are_no_json(self, output: Any) -> None:
        result = messages.make_result("t", Success(output))
        assert result.error.code == "OUTPUT_NOT_JSON"
        assert result.error.error_class == plan_pb2.ERROR_CLASS_INVALID_OUTPUT

    def test_an_output_without_end(self) -> None:
        circle: list[Any] = []
        circle.append(circle)
        assert messages.make_result("t", Success(circle)).error.code == "OUTPUT_NOT_JSON"

    def test_texts_are_what_protobuf_takes(self) -> None:
        failure = Failure(ErrorClass.PERMANENT, "C", "a\0b\ud800", "ü" * 100_000)
        error = messages.make_result("t", failure).error
        assert error.message == "a\ufffdb?"
        assert len(error.diagnostics.encode()) <= 64 * 1024

    def test_every_error_class_is_the_protos(self) -> None:
        assert {f"ERROR_CLASS_{one.name}": one.value for one in ErrorClass} == {
            name: value for name, value in plan_pb2.ErrorClass.items() if value != 0
        }


class TestRefusal:
    def test_details(self) -> None:
        refusal = Refusal(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "BUSY",
            "later",
            retry_after_s=1.5,
            metadata={"a": "b"},
        )
        status = status_pb2.Status.FromString(refusal.details())
        assert (status.code, status.message) == (8, "later")
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        assert status.details[0].Unpack(info)
        assert (info.reason, info.domain, dict(info.metadata)) == ("BUSY", "baton", {"a": "b"})
        assert status.details[1].Unpack(retry)
        assert retry.retry_delay.ToMilliseconds() == 1500


class TestProgress:
    def test_what_is_too_much_is_dropped_and_offsets_tell(self) -> None:
        sent: list[registry_pb2.RunProgress] = []

        async def main() -> None:
            all_sent = asyncio.Event()

            async def send(items: Any) -> None:
                sent.extend(items)
                if any(item.progress.chunk.text == "end" for item in items):
                    all_sent.set()

            hub = ProgressHub(send, lambda _: 3)
            progress = hub.open(REF, lambda: None)
            progress.chunk("ä")
            for number in range(200):
                progress.log("info", str(number))
            progress.chunk("end")
            sender = asyncio.create_task(hub.run())
            await asyncio.wait_for(all_sent.wait(), 10)
            sender.cancel()

        asyncio.run(main())
        assert sent[-1].progress.chunk.offset == 2
        assert len(sent) == 100
        assert {item.token for item in sent} == {3}

    def test_large_chunks_are_split_between_characters(self) -> None:
        batches: list[list[registry_pb2.RunProgress]] = []
        text = "aü" * 700_000

        async def main() -> None:
            all_sent = asyncio.Event()

            async def send(items: Any) -> None:
                batches.append(list(items))
                if sum(len(item.progress.chunk.text) for one in batches for item in one) == len(
                    text
                ):
                    all_sent.set()

            hub = ProgressHub(send, lambda _: 1)
            hub.open(REF, lambda: None).chunk(text)
            sender = asyncio.create_task(hub.run())
            await asyncio.wait_for(all_sent.wait(), 10)
            sender.cancel()

        asyncio.run(main())
        chunks = [item.progress.chunk for batch in batches for item in batch]
        assert "".join(chunk.text for chunk in chunks) == text
        assert [chunk.offset for chunk in chunks][:2] == [0, len(chunks[0].text.encode())]
        sizes = [sum(item.ByteSize() for item in batch) for batch in batches]
        assert len(batches) > 1
        assert max(sizes) <= 1 << 20


class TestPortable:
    allowed = Allowed(["default", "other"], ["examples.*"])
    agent = {"role": "r", "goal": "g", "instructions": "i"}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("task_type", "payload"),
        [
            ("prompt", {"prompt": "p"}),
            ("prompt", {"prompt": "p", "system": "s", "model": "other"}),
            ("agent", agent),
            ("agent", {**agent, "backstory": "b", "expected_output": "e", "tools": []}),
        ],
    )
    def test_payloads_that_run(self, task_type: str, payload: dict[str, Any]) -> None:
        check_portable(task_type, payload, self.allowed)

    @pytest.mark.parametrize(
        ("task_type", "payload", "code"),
        [
            ("prompt", {}, "INVALID_PAYLOAD"),
            ("prompt", {"prompt": " "}, "INVALID_PAYLOAD"),
            ("prompt", {"prompt": 1}, "INVALID_PAYLOAD"),
            ("prompt", {"prompt": "p", "colour": 1}, "INVALID_PAYLOAD"),
            ("prompt", {"prompt": "p", "model": "none"}, "MODEL_UNKNOWN"),
            ("prompt", {"prompt": "p", "tools": []}, "INVALID_PAYLOAD"),
            ("agent", {"role": "r", "goal": "g"}, "INVALID_PAYLOAD"),
            ("agent", {**agent, "tools": "web"}, "INVALID_PAYLOAD"),
            ("agent", {**agent, "tools": ["web"]}, "TOOL_UNKNOWN"),
        ],
    )
    def test_payloads_that_do_not(self, task_type: str, payload: dict[str, Any], code: str) -> None:
        with pytest.raises(Rejection) as caught:
            check_portable(task_type, payload, self.allowed)
        assert caught.value.code == code
        unsupported = caught.value.error_class is ErrorClass.UNSUPPORTED
        assert unsupported == code.endswith("UNKNOWN")

    @pytest.mark.parametrize(
        ("entrypoint", "code"),
        [
            ("examples.graphs:first", None),
            ("examples:first", "ENTRYPOINT_NOT_ALLOWED"),
            ("os:system", "ENTRYPOINT_NOT_ALLOWED"),
            ("examples.graphs", "INVALID_PAYLOAD"),
            ("examples.a:b.c", "INVALID_PAYLOAD"),
            ("examples.a:b\n", "INVALID_PAYLOAD"),
            (7, "INVALID_PAYLOAD"),
        ],
    )
    def test_entry_points(self, entrypoint: Any, code: str | None) -> None:
        if code is None:
            self.allowed.check_entrypoint(entrypoint, "payload.entrypoint")
            return
        with pytest.raises(Rejection) as caught:
            self.allowed.check_entrypoint(entrypoint, "payload.entrypoint")
        assert caught.value.code == code

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"a": 1}', {"a": 1}),
            (" [1, 2]\n", [1, 2]),
            ('```json\n{"a": 1}\n```', {"a": 1}),
            ("```\n[]\n```\n", []),
            ("7", None),
            ('"text"', None),
            ("{a: 1}", None),
            ('{"a": NaN}', None),
            ('Here: {"a": 1}', None),
            ("[" * 100_000, None),
            ("", None),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_json_in_a_text(self, text: str, value: Any) -> None:
        assert parse_json(text) == value
        assert json.loads(json.dumps(text_output(text))) == {"text": text, "json": value}


class _Response:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


class _ClientError(Exception):
    def __init__(self, status: int, headers: dict[str, str] | None = None, code: str = "") -> None:
        super().__init__(f"status {status}")
        self.status_code = status
        self.response = _Response(headers or {})
        self.body = {"error": {"code": code}}


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "classified"),
        [
            (
                _ClientError(429, {"retry-after": "2.5"}),
                Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED", 2.5),
            ),
            (
                _ClientError(429, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}),
                Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED"),
            ),
            (
                _ClientError(429, {"retry-after": "soon"}),
                Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED"),
            ),
            (
                _ClientError(429, code="insufficient_quota"),
                Classified(ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA"),
            ),
            (
                _ClientError(503, {"retry-after": "9"}),
                Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE", 9),
            ),
            (_ClientError(418), Classified(ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST")),
            (_ClientError(200), None),
            (ValueError("x"), None),
        ],
    )
    def test_by_status(self, error: Exception, classified: Classified | None) -> None:
        assert classify_status(error) == classified

    def test_causes_may_run_in_a_circle(self) -> None:
        first, second = ValueError("1"), ValueError("2")
        first.__cause__, second.__cause__ = second, first
        assert list(causes(first)) == [first, second]
