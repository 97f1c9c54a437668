"""What a framework has to offer to be an adapter: one class, `Runtime`.

Everything else (registration, heartbeats, deduplication, result delivery) is `baton_adapter`'s.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class ErrorClass(enum.Enum):
    """How the orchestrator treats a failure; the values are those of `baton.v1.ErrorClass`."""

    TRANSIENT = 1
    PERMANENT = 2
    RATE_LIMITED = 3
    TIMEOUT = 4
    CANCELLED = 5
    INVALID_OUTPUT = 6
    UNSUPPORTED = 7


@dataclass(frozen=True)
class Usage:
    """What a run consumed: tokens and calls of the model."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    model: str = ""


@dataclass(frozen=True)
class Turn:
    """A question of a run and its answer, JSON values both."""

    prompt: Any
    value: Any


@dataclass(frozen=True)
class TaskRequest:
    """One attempt of one task, its references resolved.

    `run_key` (idempotency key and attempt) is what threads, checkpoints and folders are named by: a
    redelivery of the attempt resumes, a new attempt starts fresh.
    """

    plan_id: str
    task_id: str
    type: str
    payload: Mapping[str, Any]
    idempotency_key: str
    attempt: int = 1
    delivery: int = 1
    namespace: str = "default"
    index: int = 0
    timeout_s: float | None = None
    feedback: str = ""
    traceparent: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    """What the output must look like; the orchestrator checks it, a model may be asked for it."""
    dialog: tuple[Turn, ...] = ()
    """What the attempt has asked so far and was told, in order."""
    resumes: bool = False
    """The last answer is for the run that asked, whose thread or checkpoint is to be gone on with.
    Otherwise the attempt begins anew, and takes from `dialog` what it need not ask again."""

    @property
    def run_key(self) -> str:
        return f"{self.idempotency_key}#{self.attempt}"


@dataclass(frozen=True)
class Success:
    """The output, a JSON value: at least `{"text": ..., "json": ... or None}`."""

    output: Any
    usage: Usage = Usage()


@dataclass(frozen=True)
class Question:
    """The run asks and waits: it is called again, with the answer in the request's `dialog`.

    `prompt` is a JSON value of at most 64 KiB.
    """

    prompt: Any
    usage: Usage = Usage()


Outcome = Success | Question
"""What a run that did not fail ends with."""


@dataclass(frozen=True)
class Failure:
    """Why the attempt failed. `code` is stable and in capitals, `message` a sentence for people."""

    error_class: ErrorClass
    code: str
    message: str
    diagnostics: str = ""
    retry_after_s: float = 0.0
    usage: Usage = Usage()


class Rejection(Exception):
    """A task that this adapter will never run as it is.

    `UNSUPPORTED`: the type, alias or capability is not here. `PERMANENT`: the payload is wrong.
    """

    def __init__(self, error_class: ErrorClass, code: str, message: str) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.code = code
        self.message = message


class Progress(Protocol):
    """What a run may say while it goes on. Never blocks, never fails, safe from any thread."""

    def started(self) -> None: ...

    def chunk(self, text: str) -> None: ...

    def message(self, agent: str, role: str, content: str) -> None: ...

    def log(self, severity: str, text: str) -> None: ...

    def usage(self, so_far: Usage) -> None: ...


class Runtime(Protocol):
    """One framework behind the adapter contract."""

    framework: str
    framework_version: str
    task_types: tuple[str, ...]
    capabilities: tuple[str, ...]

    async def start(self) -> None:
        """Makes ready to run tasks. Ends whatever a killed predecessor left running."""

    async def close(self) -> None:
        """Ends everything that `start` began."""

    def validate(self, request: TaskRequest) -> None:
        """Raises `Rejection` for a task that can never run; fast, called before acceptance."""

    async def run(self, request: TaskRequest, progress: Progress) -> Outcome | Failure:
        """Runs one attempt to its end, or to its next question.

        Cancelling the coroutine ends the work itself, not only the waiting for it: once
        `CancelledError` leaves `run`, nothing of the attempt runs any more. An exception that
        leaves `run` is reported as TRANSIENT with code UNKNOWN. The deadline (`timeout_s`) is
        enforced by the caller, through cancellation.
        """
        ...

    async def health(self) -> str:
        """Empty where all is well, otherwise a sentence for people."""
        ...
