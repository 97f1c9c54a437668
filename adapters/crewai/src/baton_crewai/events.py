"""CrewAI's events of a run, as progress frames; and the place where a cancelled run stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from baton_adapter.runtime import Usage
from crewai.events.stream_context import add_stream_sink
from crewai.hooks.dispatch import HookAborted, InterceptionPoint, register

from baton_crewai.wire import Frame

# A model may say hundreds of tokens a second; nobody reads more often than this.
_CHUNK_INTERVAL_S = 0.1
_MAX_ITER = 10


class Observer:
    """Listens to one run, in the process that is that run's alone.

    CrewAI calls it from the threads in which models and tools run. Once `stop` was called, the next
    event or model call of the crew raises.
    """

    def __init__(self, send: Callable[[Frame], None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._text: list[str] = []
        self._sent_at = 0.0
        self.stopping = False
        self._raised = False
        self.usage = Usage()

    def attach(self) -> None:
        """Starts to listen in this context and to every model call of this process."""
        add_stream_sink(self._on_event)
        register(InterceptionPoint.EXECUTION_START, _prepare_crew)
        register(InterceptionPoint.PRE_MODEL_CALL, self._before_model_call)

    def stop(self) -> None:
        """Ends the run at its next event or model call. Safe in a signal handler."""
        self.stopping = True

    def _before_model_call(self, context: Any) -> None:
        if self.stopping:
            raise HookAborted("the task was cancelled", source="baton")
        # Here, and not only at the crew's start: managers and flows make agents later.
        _forbid_retries(context.agent)

    def _on_event(self, _source: Any, event: Any) -> None:
        kind = event.type
        # An error's own events are sent while it unwinds, and must reach their end.
        if self.stopping and not self._raised and not kind.endswith(("_failed", "_error")):
            self._raised = True
            raise HookAborted("the task was cancelled", source="baton")
        if kind == "llm_stream_chunk":
            if event.tool_call is None:
                self._add_chunk(event.chunk)
        elif kind == "llm_call_completed":
            self._flush()
            self._add_usage(event)
        elif kind == "agent_execution_completed":
            self._flush()
            role = event.agent_role or getattr(event.agent, "role", "")
            self._message(str(role), str(event.output))
        elif kind in ("tool_usage_started", "tool_usage_finished", "tool_usage_error"):
            self._log(event)

    def _add_chunk(self, text: str) -> None:
        with self._lock:
            self._text.append(text)
            if time.monotonic() - self._sent_at < _CHUNK_INTERVAL_S:
                return
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            text = "".join(self._text)
            self._text.clear()
            self._sent_at = time.monotonic()
        if text:
            self._send({"kind": "chunk", "text": text})

    def _add_usage(self, event: Any) -> None:
        spent = event.usage or {}
        with self._lock:
            self.usage = Usage(
                input_tokens=self.usage.input_tokens + int(spent.get("prompt_tokens") or 0),
                output_tokens=self.usage.output_tokens + int(spent.get("completion_tokens") or 0),
                calls=self.usage.calls + 1,
                model=event.model or self.usage.model,
            )
            so_far = self.usage
        self._send({"kind": "usage", "usage": asdict(so_far)})

    def _message(self, agent: str, content: str) -> None:
        self._send({"kind": "message", "agent": agent, "role": "assistant", "content": content})

    def _log(self, event: Any) -> None:
        severity = "warning" if event.type == "tool_usage_error" else "info"
        done = event.type.removeprefix("tool_usage_")
        self._send({"kind": "log", "severity": severity, "text": f"tool {event.tool_name} {done}"})


def _prepare_crew(context: Any) -> None:
    """Sets what the orchestrator relies on in each crew that starts, of a flow too."""
    crew = context.crew
    if crew is None:
        return
    agents = [*crew.agents, *(task.agent for task in crew.tasks), crew.manager_agent]
    for agent in agents:
        _forbid_retries(agent)
        if "max_iter" in getattr(type(agent), "model_fields", ()) and (
            "max_iter" not in agent.model_fields_set
        ):
            agent.max_iter = _MAX_ITER


def _forbid_retries(agent: Any) -> None:
    """Retries are the orchestrator's; by default an agent repeats even a refused request twice."""
    if getattr(agent, "max_retry_limit", 0):
        agent.max_retry_limit = 0
