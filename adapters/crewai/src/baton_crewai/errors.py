"""What an exception of CrewAI, of a model's client or of a user's code means to the orchestrator.

Classes are told by name, along their bases: this file imports no framework and knows the clients
of every provider that follow the names of OpenAI's.
"""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from baton_adapter.runtime import ErrorClass, Rejection

MESSAGE_CHARACTERS_MAX = 2000
_DIAGNOSTICS_CHARACTERS_MAX = 16_000
_CONTEXT_LENGTH = re.compile(
    r"context[ _]?(length|window|size)|maximum context|prompt is too long", re.IGNORECASE
)


class WorkerCancelled(BaseException):
    """The front asked this run to end; no `except Exception` on the way may hold it up."""


@dataclass(frozen=True)
class Classified:
    """An error in the contract's words; `code` is stable and in capitals."""

    error_class: ErrorClass
    code: str
    retry_after_s: float = 0.0


_TRANSIENT_UNKNOWN = Classified(ErrorClass.TRANSIENT, "UNKNOWN")

# First match along the chain of causes wins, and within one exception the first row does.
_BY_NAME = (
    (("HookAborted",), Classified(ErrorClass.PERMANENT, "HOOK_ABORTED")),
    (
        ("LLMContextLengthExceededError", "ContextOverflowError"),
        Classified(ErrorClass.PERMANENT, "CONTEXT_LENGTH_EXCEEDED"),
    ),
    (
        # A ValidationError while a crew is built never gets here: crews.py refuses it.
        ("ConverterError", "OutputParserError", "OutputParserException", "ValidationError"),
        Classified(ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED"),
    ),
    (
        ("ToolUsageLimitExceededError",),
        Classified(ErrorClass.PERMANENT, "TOOL_USAGE_LIMIT_EXCEEDED"),
    ),
    (("LLMCallBlockedError",), Classified(ErrorClass.PERMANENT, "MODEL_CALL_BLOCKED")),
    (
        ("HumanFeedbackPending", "EOFError"),
        Classified(ErrorClass.PERMANENT, "HUMAN_INPUT_UNAVAILABLE"),
    ),
    (("JSONProjectError",), Classified(ErrorClass.PERMANENT, "INVALID_CREW")),
    (("ImportError",), Classified(ErrorClass.PERMANENT, "IMPORT_FAILED")),
    (("MemoryError",), Classified(ErrorClass.TRANSIENT, "OUT_OF_MEMORY")),
    # A timeout of OpenAI's client is a kind of its connection error: it is asked for first.
    (
        ("APITimeoutError", "TimeoutError", "TimeoutException"),
        Classified(ErrorClass.TIMEOUT, "TIMEOUT"),
    ),
    (
        ("APIConnectionError", "ConnectionError", "MCPConnectionError", "TransportError"),
        Classified(ErrorClass.TRANSIENT, "CONNECTION_FAILED"),
    ),
)
_BY_STATUS = {
    401: Classified(ErrorClass.PERMANENT, "MODEL_AUTHENTICATION_FAILED"),
    403: Classified(ErrorClass.PERMANENT, "MODEL_PERMISSION_DENIED"),
    404: Classified(ErrorClass.PERMANENT, "MODEL_NOT_FOUND"),
    408: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
    409: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
    425: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
}
# How the JSON parser of OpenAI's client ends each of its messages.
_NOT_JSON = re.compile(r" at line \d+ column \d+$")
_BY_MESSAGE = (
    ("Task failed guardrail validation", Classified(ErrorClass.INVALID_OUTPUT, "GUARDRAIL_FAILED")),
    ("Invalid response from LLM call", Classified(ErrorClass.INVALID_OUTPUT, "EMPTY_RESPONSE")),
    (
        "Missing required template variable",
        Classified(ErrorClass.PERMANENT, "INPUT_MISSING"),
    ),
    ("not found in inputs dictionary", Classified(ErrorClass.PERMANENT, "INPUT_MISSING")),
)


def classify(error: BaseException) -> Classified:
    """The first cause that the map knows; TRANSIENT with code UNKNOWN where it knows none."""
    for cause in causes(error):
        found = _classify_one(cause)
        if found is not None:
            return found
    return _TRANSIENT_UNKNOWN


def describe(error: BaseException) -> str:
    """One sentence for people."""
    if isinstance(error, Rejection):
        return error.message[:MESSAGE_CHARACTERS_MAX]
    text = str(error).strip() or "no message"
    name = type(error).__name__
    return f"{name}: {text}"[:MESSAGE_CHARACTERS_MAX]


def diagnostics(error: BaseException) -> str:
    """The end of the traceback, the part that names the failing line."""
    return "".join(traceback.format_exception(error))[-_DIAGNOSTICS_CHARACTERS_MAX:]


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it came from, each once: CrewAI's chains may run in a circle."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting.extend(c for c in (current.__cause__, current.__context__) if c is not None)


def _classify_one(error: BaseException) -> Classified | None:
    if isinstance(error, Rejection):
        return Classified(error.error_class, error.code)
    status = _status(error)
    if status is not None:
        return _classify_status(error, status)
    names = {base.__name__ for base in type(error).__mro__}
    for wanted, found in _BY_NAME:
        if not names.isdisjoint(wanted):
            return found
    message = str(error)
    if isinstance(error, ValueError) and _NOT_JSON.search(message):
        return Classified(ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED")
    return next((found for part, found in _BY_MESSAGE if part in message), None)


def _classify_status(error: BaseException, status: int) -> Classified:
    if status == 429:
        if _provider_code(error) == "insufficient_quota":
            return Classified(ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA")
        return Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED", _retry_after_s(error))
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:
        return Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE", _retry_after_s(error))
    if _provider_code(error) == "context_length_exceeded" or _CONTEXT_LENGTH.search(str(error)):
        return Classified(ErrorClass.PERMANENT, "CONTEXT_LENGTH_EXCEEDED")
    return Classified(ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST")


def _status(error: BaseException) -> int | None:
    """The HTTP status that a client's exception carries, of the error statuses only."""
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and 400 <= status <= 599:
            return status
    return None


def _provider_code(error: BaseException) -> str:
    code = getattr(error, "code", None)
    if code is None:
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else None
        code = inner.get("code") if isinstance(inner, dict) else None
    return str(code or "")


def _retry_after_s(error: BaseException) -> float:
    """Seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3); 0 without one."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    if not isinstance(value, str):
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0
