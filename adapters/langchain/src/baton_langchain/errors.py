"""What an exception of LangChain, LangGraph, a model's client or a user's code means."""

from __future__ import annotations

import builtins

import httpx
import openai
from baton_adapter.failures import UNKNOWN, Classified, causes, classify_status
from baton_adapter.runtime import ErrorClass, Rejection
from langchain_core import exceptions as core
from langgraph import errors as graph

_PERMANENT, _TRANSIENT = ErrorClass.PERMANENT, ErrorClass.TRANSIENT
_UNAVAILABLE = Classified(_TRANSIENT, "MODEL_UNAVAILABLE")
_CONNECTION = Classified(_TRANSIENT, "CONNECTION_FAILED")
_TIMEOUT = Classified(ErrorClass.TIMEOUT, "TIMEOUT")


class EntrypointError(Exception):
    """A payload's entry point cannot be loaded, or is nothing that runs."""


# Within one exception the first row wins. A status comes between: it knows Retry-After.
_BEFORE_STATUS: tuple[tuple[type[BaseException], Classified], ...] = (
    (core.ContextOverflowError, Classified(_PERMANENT, "CONTEXT_LENGTH_EXCEEDED")),
)
_AFTER_STATUS: tuple[tuple[type[BaseException], Classified], ...] = (
    (EntrypointError, Classified(_PERMANENT, "ENTRYPOINT_INVALID")),
    (core.OutputParserException, Classified(ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED")),
    (core.ModelRateLimitError, Classified(ErrorClass.RATE_LIMITED, "RATE_LIMITED")),
    (core.ModelAuthenticationError, Classified(_PERMANENT, "MODEL_AUTHENTICATION_FAILED")),
    (core.ModelPermissionDeniedError, Classified(_PERMANENT, "MODEL_PERMISSION_DENIED")),
    (core.ModelNotFoundError, Classified(_PERMANENT, "MODEL_NOT_FOUND")),
    (core.ModelInvalidRequestError, Classified(_PERMANENT, "MODEL_REFUSED_REQUEST")),
    # A timeout of OpenAI's client is a kind of its connection error: it is asked for first.
    (core.ModelTimeoutError, _TIMEOUT),
    (openai.APITimeoutError, _TIMEOUT),
    (httpx.TimeoutException, _TIMEOUT),
    (graph.NodeTimeoutError, _TIMEOUT),
    (builtins.TimeoutError, _TIMEOUT),
    (core.ModelConnectionError, _CONNECTION),
    (openai.APIConnectionError, _CONNECTION),
    (httpx.TransportError, _CONNECTION),
    (core.ModelAPIError, _UNAVAILABLE),
    (builtins.ConnectionError, _CONNECTION),
    (graph.GraphRecursionError, Classified(_PERMANENT, "GRAPH_RECURSION_LIMIT")),
    (graph.InvalidUpdateError, Classified(_PERMANENT, "GRAPH_INVALID_UPDATE")),
    (graph.EmptyInputError, Classified(_PERMANENT, "GRAPH_EMPTY_INPUT")),
    (graph.GraphInterrupt, Classified(ErrorClass.UNSUPPORTED, "INTERRUPTED")),
    (MemoryError, Classified(_TRANSIENT, "OUT_OF_MEMORY")),
)


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
    for known, found in _BEFORE_STATUS:
        if isinstance(error, known):
            return found
    by_status = classify_status(error)
    if by_status is not None:
        return by_status
    for known, found in _AFTER_STATUS:
        if isinstance(error, known):
            return found
    return None
