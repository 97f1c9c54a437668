"""What an exception of CrewAI, of a model's client or of a user's code means to the orchestrator.

Classes are told by name, along their bases: the clients of other providers, which CrewAI loads
where they are installed, follow the names of OpenAI's.
"""

from __future__ import annotations

import re

from baton_adapter.failures import UNKNOWN, Classified, causes, classify_status
from baton_adapter.runtime import ErrorClass, Rejection

_CONTEXT_LENGTH = re.compile(
    r"context[ _]?(length|window|size)|maximum context|prompt is too long", re.IGNORECASE
)
# How the JSON parser of OpenAI's client ends each of its messages.
_NOT_JSON = re.compile(r" at line \d+ column \d+$")

_PERMANENT, _TRANSIENT = ErrorClass.PERMANENT, ErrorClass.TRANSIENT
_TOO_LONG = Classified(_PERMANENT, "CONTEXT_LENGTH_EXCEEDED")
_NOT_PARSED = Classified(ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED")
_INPUT_MISSING = Classified(_PERMANENT, "INPUT_MISSING")

# Within one exception the first row wins.
_BY_NAME: tuple[tuple[Classified, tuple[str, ...]], ...] = (
    (Classified(_PERMANENT, "HOOK_ABORTED"), ("HookAborted",)),
    (_TOO_LONG, ("LLMContextLengthExceededError", "ContextOverflowError")),
    # A ValidationError while a crew is built never gets here: crews.py refuses it.
    (
        _NOT_PARSED,
        ("ConverterError", "OutputParserError", "OutputParserException", "ValidationError"),
    ),
    (Classified(_PERMANENT, "TOOL_USAGE_LIMIT_EXCEEDED"), ("ToolUsageLimitExceededError",)),
    (Classified(_PERMANENT, "MODEL_CALL_BLOCKED"), ("LLMCallBlockedError",)),
    (Classified(_PERMANENT, "HUMAN_INPUT_UNAVAILABLE"), ("HumanFeedbackPending", "EOFError")),
    (Classified(_PERMANENT, "INVALID_CREW"), ("JSONProjectError",)),
    (Classified(_PERMANENT, "IMPORT_FAILED"), ("ImportError",)),
    (Classified(_TRANSIENT, "OUT_OF_MEMORY"), ("MemoryError",)),
    # A timeout of OpenAI's client is a kind of its connection error: it is asked for first.
    (
        Classified(ErrorClass.TIMEOUT, "TIMEOUT"),
        ("APITimeoutError", "TimeoutError", "TimeoutException"),
    ),
    (
        Classified(_TRANSIENT, "CONNECTION_FAILED"),
        ("APIConnectionError", "ConnectionError", "MCPConnectionError", "TransportError"),
    ),
)
_BY_MESSAGE = (
    (Classified(ErrorClass.INVALID_OUTPUT, "GUARDRAIL_FAILED"), "Task failed guardrail validation"),
    (Classified(ErrorClass.INVALID_OUTPUT, "EMPTY_RESPONSE"), "Invalid response from LLM call"),
    (_INPUT_MISSING, "Missing required template variable"),
    (_INPUT_MISSING, "not found in inputs dictionary"),
)


class WorkerCancelled(BaseException):
    """The front asked this run to end; no `except Exception` on the way may hold it up."""


def classify(error: BaseException) -> Classified:
    """The first cause that the map knows; TRANSIENT with code UNKNOWN where it knows none."""
    for cause in causes(error):
        found = _classify_one(cause)
        if found is not None:
            return found
    return UNKNOWN


def _classify_one(error: BaseException) -> Classified | None:
    if isinstance(error, Rejection):
        return Classified(error.error_class, error.code)
    by_status = classify_status(error)
    if by_status is not None:
        refused = by_status.code == "MODEL_REFUSED_REQUEST"
        said = f"{getattr(error, 'code', '')} {error}"
        return _TOO_LONG if refused and _CONTEXT_LENGTH.search(said) else by_status
    names = {base.__name__ for base in type(error).__mro__}
    for found, wanted in _BY_NAME:
        if not names.isdisjoint(wanted):
            return found
    message = str(error)
    if isinstance(error, ValueError) and _NOT_JSON.search(message):
        return _NOT_PARSED
    return next((found for found, part in _BY_MESSAGE if part in message), None)
