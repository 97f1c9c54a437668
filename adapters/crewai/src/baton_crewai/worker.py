"""One attempt, in a forked process of its own: reads the job, runs it, tells how it went."""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import signal
import socket
import sys
import threading
from dataclasses import asdict
from typing import Any

import numpy.random
from baton_adapter.failures import failure_of
from baton_adapter.portable import DEFAULT_MODEL, invalid, text_output
from baton_adapter.runtime import Rejection, Usage
from crewai import LLM
from crewai.agents.agent_executor import AgentExecutor
from crewai.events import crewai_event_bus

from baton_crewai import crews, errors, models, output, wire
from baton_crewai.errors import WorkerCancelled
from baton_crewai.events import Observer
from baton_crewai.wire import Frame

_HANDLERS_TIMEOUT_S = 5.0


class Reporter:
    """Sends frames to the front, from any thread. Frames to a front that has gone are dropped."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, frame: Frame) -> None:
        """Blocks while the front is behind."""
        encoded = wire.encode(frame)
        with self._lock, contextlib.suppress(OSError):
            self._stream.sendall(encoded)


def warm_up() -> None:
    """Does once, before any fork, what CrewAI would otherwise do late in every worker.

    Most of a worker's own time went there: OpenAI's client loads 485 modules at the first call, and
    the agents' executor, a flow, works out its definition. No thread is started by either.
    """
    warm: Any = LLM(model="openai/warm", base_url="http://localhost/v1", api_key="none")
    _ = warm._client.chat.completions
    AgentExecutor.flow_definition()
    for module in ("crewai.hooks.contexts", "crewai.llms.cache", "crewai.skills.tool"):
        importlib.import_module(module)


def main(stream: socket.socket) -> None:
    """The whole life of a worker."""
    faulthandler.enable()
    job = wire.receive(stream)
    if job is None:
        return
    reporter = Reporter(stream)
    observer = Observer(reporter.send)

    def on_terminate(*_: object) -> None:
        # Once: a second signal must not cut the clean-up short that the first one began.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        observer.stop()
        raise WorkerCancelled

    try:
        signal.signal(signal.SIGTERM, on_terminate)
        reporter.send({"kind": "started"})
        outcome = execute(job, observer)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except WorkerCancelled:
        return
    _report(reporter, outcome)
    sys.stdout.flush()
    sys.stderr.flush()


def execute(job: Frame, observer: Observer) -> Frame:
    """Runs a job to its end; whatever it raises but a cancellation is an outcome too."""
    try:
        _enter(job)
        observer.attach()
        models.install(job["models"])
        prepared = crews.prepare(job["type"], job["payload"], job["feedback"])
        result = prepared.kickoff()
        crewai_event_bus.flush(_HANDLERS_TIMEOUT_S)
        return _success(_shape(job["type"], result), _usage(result, observer))
    except WorkerCancelled:
        raise
    except BaseException as error:
        # BaseException: sys.exit() in a user's code is a failure too.
        if observer.stopping:
            raise WorkerCancelled from error
        return _failure(error, observer.usage)


def _enter(job: Frame) -> None:
    """Makes this process the job's own, before anything of CrewAI is built."""
    os.environ.update(job["environment"])
    if DEFAULT_MODEL in job["models"]:
        # What CrewAI builds for an agent that names no model.
        os.environ["MODEL"] = DEFAULT_MODEL
    # The standard library reseeds itself after a fork, numpy does not.
    numpy.random.seed()


def _shape(kind: str, result: Any) -> dict[str, Any]:
    return output.crew_output(result) if kind == "crew" else text_output(str(result.raw))


def _usage(result: Any, observer: Observer) -> Usage:
    """CrewAI's own total where there is one: it also counts calls that send no events."""
    total = getattr(result, "token_usage", None)
    if total is None or total.successful_requests < observer.usage.calls:
        return observer.usage
    return Usage(
        input_tokens=total.prompt_tokens,
        output_tokens=total.completion_tokens,
        calls=total.successful_requests,
        model=observer.usage.model,
    )


def _success(result: dict[str, Any], usage: Usage) -> Frame:
    return {"kind": "success", "output": result, "usage": asdict(usage)}


def _failure(error: BaseException, usage: Usage) -> Frame:
    failure = asdict(failure_of(error, errors.classify(error), usage))
    if isinstance(error, Rejection):
        failure["message"] = error.message
    return {**failure, "kind": "failure", "error_class": failure["error_class"].name}


def _report(reporter: Reporter, outcome: Frame) -> None:
    try:
        reporter.send(outcome)
    except wire.FrameTooLarge as error:
        refusal = invalid("OUTPUT_TOO_LARGE", f"the output is too large: {error}")
        reporter.send(_failure(refusal, Usage(**outcome["usage"])))
