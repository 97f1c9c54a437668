"""Between the messages of `baton.v1` and the values of this package."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, cast

import grpc

from baton_adapter._generated.baton.v1 import adapter_pb2, orchestrator_pb2, plan_pb2, registry_pb2
from baton_adapter.runs import Run, RunRef, RunState
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Outcome,
    Question,
    Success,
    TaskRequest,
    Turn,
    Usage,
)
from baton_adapter.status import Refusal

PROTOCOL_VERSION = 1
OUTPUT_LIMIT_BYTES = 1 << 20
PROMPT_LIMIT_BYTES = 64 << 10
_DIAGNOSTICS_LIMIT = 60_000
_MESSAGE_LIMIT = 4_000
_CONTENT_LIMIT = 16_000


def clean(text: str) -> str:
    """`text` as protobuf takes it: valid UTF-8, and without NUL, which C strings end at."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def read_request(message: adapter_pb2.DispatchTaskRequest, *, resumes: bool = False) -> TaskRequest:
    """The task of a hand-out; `Refusal` where the message is not one."""
    if not message.idempotency_key or message.attempt < 1:
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "BAD_REQUEST",
            "idempotency_key and attempt (from 1) are needed",
        )
    payload = _read_object("payload_json", message.payload_json)
    schema = _read_object("output_schema_json", message.output_schema_json)
    return TaskRequest(
        plan_id=message.plan_id,
        task_id=message.task_id,
        type=message.type,
        payload=payload,
        idempotency_key=message.idempotency_key,
        attempt=message.attempt,
        delivery=message.delivery,
        namespace=message.namespace or "default",
        index=message.index,
        timeout_s=message.timeout_ms / 1000 if message.timeout_ms > 0 else None,
        feedback=message.feedback,
        traceparent=message.traceparent,
        metadata=dict(message.metadata),
        output_schema=schema if message.output_schema_json else None,
        dialog=tuple(
            Turn(_read_value("dialog", turn.prompt_json), _read_value("dialog", turn.value_json))
            for turn in message.dialog
        ),
        resumes=resumes,
    )


def _read_object(field: str, text: bytes) -> dict[str, Any]:
    """The JSON object in a field; empty where the field is."""
    value = _read_value(field, text or b"{}")
    if not isinstance(value, dict):
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT, "BAD_PAYLOAD", f"{field}: not a JSON object"
        )
    return value


def _read_value(field: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT, "BAD_PAYLOAD", f"{field}: {error}"
        ) from error


def make_result(task_id: str, outcome: Outcome | Failure) -> plan_pb2.TaskResult:
    """The result to report. An output that is too large or no JSON makes it a failure."""
    failure: Failure
    if isinstance(outcome, Question):
        prompt = _encode(outcome.prompt, "question", "PROMPT", PROMPT_LIMIT_BYTES)
        if isinstance(prompt, bytes):
            return plan_pb2.TaskResult(
                task_id=task_id,
                outcome=plan_pb2.OUTCOME_WAITING_INPUT,
                prompt_json=prompt,
                usage=make_usage(outcome.usage),
            )
        failure = prompt
    elif isinstance(outcome, Success):
        outcome_or_bytes = _encode(outcome.output, "output", "OUTPUT", OUTPUT_LIMIT_BYTES)
        if isinstance(outcome_or_bytes, bytes):
            return plan_pb2.TaskResult(
                task_id=task_id,
                outcome=plan_pb2.OUTCOME_SUCCEEDED,
                output_json=outcome_or_bytes,
                usage=make_usage(outcome.usage),
            )
        failure = outcome_or_bytes
    else:
        failure = outcome
    cancelled = failure.error_class is ErrorClass.CANCELLED
    return plan_pb2.TaskResult(
        task_id=task_id,
        outcome=plan_pb2.OUTCOME_CANCELLED if cancelled else plan_pb2.OUTCOME_FAILED,
        error=plan_pb2.TaskError(
            error_class=_error_class(failure.error_class),
            code=clean(failure.code),
            message=clean(failure.message[:_MESSAGE_LIMIT]),
            diagnostics=clean(failure.diagnostics)
            .encode()[:_DIAGNOSTICS_LIMIT]
            .decode(errors="ignore"),
            retry_after_ms=max(0, round(failure.retry_after_s * 1000)),
        ),
        usage=make_usage(outcome.usage),
    )


def make_usage(usage: Usage) -> plan_pb2.Usage:
    return plan_pb2.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        model=clean(usage.model),
        calls=usage.calls,
    )


def make_list(runs: Iterable[Run], epoch: str, answered: int) -> registry_pb2.RunList:
    """P3: what this adapter holds at this moment."""
    return registry_pb2.RunList(
        epoch=epoch,
        answered=answered,
        runs=[
            registry_pb2.RunReport(
                idempotency_key=run.ref.key,
                attempt=run.ref.attempt,
                token=run.token,
                state=registry_pb2.RUN_STATE_RUNNING
                if run.state is RunState.RUNNING
                else registry_pb2.RUN_STATE_FINISHED,
            )
            for run in runs
        ],
    )


def read_refs(refs: Iterable[registry_pb2.RunRef]) -> list[RunRef]:
    return [RunRef(ref.idempotency_key, ref.attempt) for ref in refs]


def chunk_progress(offset: int, text: str) -> orchestrator_pb2.TaskProgress:
    chunk = orchestrator_pb2.OutputChunk(offset=offset, text=text)
    return orchestrator_pb2.TaskProgress(time_ms=_now_ms(), chunk=chunk)


def message_progress(agent: str, role: str, content: str) -> orchestrator_pb2.TaskProgress:
    message = orchestrator_pb2.AgentMessage(
        agent=clean(agent), role=clean(role), content=clean(content[:_CONTENT_LIMIT])
    )
    return orchestrator_pb2.TaskProgress(time_ms=_now_ms(), message=message)


def log_progress(severity: str, text: str) -> orchestrator_pb2.TaskProgress:
    log = orchestrator_pb2.LogLine(severity=clean(severity), text=clean(text[:_CONTENT_LIMIT]))
    return orchestrator_pb2.TaskProgress(time_ms=_now_ms(), log=log)


def usage_progress(usage: Usage) -> orchestrator_pb2.TaskProgress:
    return orchestrator_pb2.TaskProgress(time_ms=_now_ms(), usage=make_usage(usage))


def _encode(value: Any, what: str, code: str, limit: int) -> bytes | Failure:
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        return Failure(
            ErrorClass.INVALID_OUTPUT, f"{code}_NOT_JSON", f"The {what} is not JSON: {error}"
        )
    if len(encoded) > limit:
        return Failure(
            ErrorClass.PERMANENT,
            f"{code}_TOO_LARGE",
            f"The {what} has {len(encoded)} bytes; at most {limit} are taken.",
        )
    return encoded


def _error_class(error_class: ErrorClass) -> plan_pb2.ErrorClass:
    # The stubs make a class of the enumeration; its values are integers.
    return cast("plan_pb2.ErrorClass", error_class.value)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
