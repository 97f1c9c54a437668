"""What every framework's error classification has in common.

Each adapter keeps the map of its own exceptions in a file of its own, `errors.py`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from baton_adapter.runtime import ErrorClass, Failure, Usage

_MESSAGE_CHARACTERS = 2000
_DIAGNOSTICS_CHARACTERS = 16_000


@dataclass(frozen=True)
class Classified:
    """An exception in the contract's words; `code` is stable and in capitals."""

    error_class: ErrorClass
    code: str
    retry_after_s: float = 0.0


UNKNOWN = Classified(ErrorClass.TRANSIENT, "UNKNOWN")
_BY_STATUS = {
    401: Classified(ErrorClass.PERMANENT, "MODEL_AUTHENTICATION_FAILED"),
    403: Classified(ErrorClass.PERMANENT, "MODEL_PERMISSION_DENIED"),
    404: Classified(ErrorClass.PERMANENT, "MODEL_NOT_FOUND"),
    408: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
    409: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
    425: Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
}


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it came from, each once: chains may run in a circle."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting.extend(c for c in (current.__cause__, current.__context__) if c is not None)


def classify_status(error: BaseException) -> Classified | None:
    """By the HTTP status that a model client's exception carries; None where it carries none."""
    status = _status(error)
    if status is None:
        return None
    if status == 429:
        if _provider_code(error) == "insufficient_quota":
            return Classified(ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA")
        return Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED", _retry_after_s(error))
    if status >= 500:
        return Classified(ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE", _retry_after_s(error))
    return _BY_STATUS.get(status, Classified(ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST"))


def failure_of(error: BaseException, classified: Classified, usage: Usage) -> Failure:
    """The failure to report: a sentence for people, and the traceback's end for the others."""
    text = str(error).strip() or "no message"
    return Failure(
        classified.error_class,
        classified.code,
        f"{type(error).__name__}: {text}"[:_MESSAGE_CHARACTERS],
        diagnostics="".join(traceback.format_exception(error))[-_DIAGNOSTICS_CHARACTERS:],
        retry_after_s=classified.retry_after_s,
        usage=usage,
    )


def _status(error: BaseException) -> int | None:
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
