from __future__ import annotations

import datetime
import email.utils

import httpx
import openai
import pytest
from baton_adapter import ErrorClass, Rejection
from crewai.hooks.dispatch import HookAborted
from crewai.project.json_loader import JSONProjectValidationError
from crewai.utilities.converter import ConverterError

from baton_crewai import errors

REQUEST = httpx.Request("POST", "http://model/v1")


def refusal(status: int, code: str | None = None, **headers: str) -> openai.APIStatusError:
    kinds: dict[int, type[openai.APIStatusError]] = {
        429: openai.RateLimitError,
        404: openai.NotFoundError,
    }
    response = httpx.Response(status, headers=headers, request=REQUEST)
    kind = kinds.get(status, openai.APIStatusError)
    return kind("refused", response=response, body={"code": code, "message": "m"})


@pytest.mark.parametrize(
    ("error", "error_class", "code"),
    [
        (refusal(400), ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST"),
        (refusal(400, "context_length_exceeded"), ErrorClass.PERMANENT, "CONTEXT_LENGTH_EXCEEDED"),
        (refusal(401), ErrorClass.PERMANENT, "MODEL_AUTHENTICATION_FAILED"),
        (refusal(404), ErrorClass.PERMANENT, "MODEL_NOT_FOUND"),
        (refusal(408), ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
        (refusal(413), ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST"),
        (refusal(429), ErrorClass.RATE_LIMITED, "RATE_LIMITED"),
        (refusal(429, "insufficient_quota"), ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA"),
        (refusal(503), ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
        (openai.APITimeoutError(REQUEST), ErrorClass.TIMEOUT, "TIMEOUT"),
        (openai.APIConnectionError(request=REQUEST), ErrorClass.TRANSIENT, "CONNECTION_FAILED"),
        (TimeoutError("late"), ErrorClass.TIMEOUT, "TIMEOUT"),
        (ConnectionResetError(), ErrorClass.TRANSIENT, "CONNECTION_FAILED"),
        (ConverterError("no JSON"), ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED"),
        (
            Exception("Task failed guardrail validation after 3 retries. Last error: bad"),
            ErrorClass.INVALID_OUTPUT,
            "GUARDRAIL_FAILED",
        ),
        (
            ValueError("Missing required template variable 'x' in description"),
            ErrorClass.PERMANENT,
            "INPUT_MISSING",
        ),
        (JSONProjectValidationError(["wrong"]), ErrorClass.PERMANENT, "INVALID_CREW"),
        (HookAborted("no"), ErrorClass.PERMANENT, "HOOK_ABORTED"),
        (EOFError(), ErrorClass.PERMANENT, "HUMAN_INPUT_UNAVAILABLE"),
        (MemoryError(), ErrorClass.TRANSIENT, "OUT_OF_MEMORY"),
        (Rejection(ErrorClass.PERMANENT, "MINE", "m"), ErrorClass.PERMANENT, "MINE"),
        (RuntimeError("whatever"), ErrorClass.TRANSIENT, "UNKNOWN"),
    ],
)
def test_classes(error: Exception, error_class: ErrorClass, code: str) -> None:
    found = errors.classify(error)
    assert (found.error_class, found.code) == (error_class, code)


def test_the_first_known_cause_decides_even_in_a_circle() -> None:
    outer, middle = RuntimeError("outer"), ValueError("Model m not found")
    inner = refusal(404)
    outer.__cause__, middle.__cause__, inner.__context__ = middle, inner, outer
    assert errors.classify(outer).code == "MODEL_NOT_FOUND"
    lost = KeyError("a")
    lost.__context__ = lost
    assert errors.classify(lost).code == "UNKNOWN"


def test_retry_after_as_seconds_and_as_a_date() -> None:
    assert errors.classify(refusal(429, **{"retry-after": "2.5"})).retry_after_s == 2.5
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    date = email.utils.format_datetime(later, usegmt=True)
    assert 50 < errors.classify(refusal(503, **{"retry-after": date})).retry_after_s <= 60
    assert errors.classify(refusal(429, **{"retry-after": "soon"})).retry_after_s == 0
    assert errors.classify(refusal(429)).retry_after_s == 0
