"""LangChain and LangGraph behind the adapter contract."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib.metadata import version
from typing import Any

from baton_adapter.config import Config
from baton_adapter.failures import failure_of
from baton_adapter.portable import DEFAULT_MODEL, Allowed, check_portable, text_output
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Outcome,
    Progress,
    Question,
    Success,
    TaskRequest,
)
from langchain.agents import create_agent
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from baton_langchain.errors import classify
from baton_langchain.events import RunEvents
from baton_langchain.graphs import Graphs, Pause, check_graph, make_config
from baton_langchain.models import Models
from baton_langchain.output import OutputError, graph_output, to_plain
from baton_langchain.threads import RunThreads


class LangChainRuntime:
    """Runs `prompt`, `agent` and `graph` in this process's event loop."""

    framework: str = "langchain"
    task_types: tuple[str, ...] = ("prompt", "agent", "graph")
    capabilities: tuple[str, ...] = ("cancel", "progress", "resume")

    def __init__(self, config: Config) -> None:
        self.framework_version = version("langchain")
        self._allowed = Allowed(config.models, config.entrypoints)
        self._models = Models(config.models)
        self._graphs = Graphs(config.data / "checkpoints")
        self._threads = RunThreads()

    async def start(self) -> None:
        # Entry points are modules of the folder that the adapter was started in.
        if (here := os.getcwd()) not in sys.path:  # noqa: PTH109 - sys.path holds texts
            sys.path.insert(0, here)
        asyncio.get_running_loop().set_default_executor(self._threads)
        self._graphs.start()

    async def close(self) -> None:
        await self._models.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def validate(self, request: TaskRequest) -> None:
        if request.type == "graph":
            check_graph(request.payload, self._allowed)
        else:
            check_portable(request.type, request.payload, self._allowed)

    async def run(self, request: TaskRequest, progress: Progress) -> Outcome | Failure:
        progress.started()
        agent = str(request.payload.get("role") or request.task_id)
        events = RunEvents(progress, agent, chunks=request.type != "graph")
        self._threads.enter(request.run_key)
        try:
            return await self._run(request, events)
        except OutputError as error:
            return Failure(
                ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_JSON", str(error), usage=events.usage
            )
        except Exception as error:  # noqa: BLE001 - the classification knows what it does not know
            return failure_of(error, classify(error), events.usage)
        finally:
            await self._threads.leave(request.run_key)

    async def health(self) -> str:
        return ""

    async def _run(self, request: TaskRequest, events: RunEvents) -> Outcome | Failure:
        if request.type == "graph":
            result = await self._graphs.run(request, make_config(request, [events]))
            if isinstance(result, Pause):
                return _asked(result, events)
            return Success(graph_output(result), events.usage)
        message = await self._ask(request, events)
        text = str(message.text)
        if not text.strip():
            return Failure(
                ErrorClass.INVALID_OUTPUT,
                "EMPTY_RESPONSE",
                "The model answered with nothing.",
                usage=events.usage,
            )
        return Success(text_output(text), events.usage)

    async def _ask(self, request: TaskRequest, events: RunEvents) -> BaseMessage:
        payload = request.payload
        model = self._models.get(payload.get("model") or DEFAULT_MODEL)
        if request.type == "prompt":
            question = HumanMessage(_with_feedback(payload["prompt"], request.feedback))
            system = payload.get("system")
            messages: list[BaseMessage] = [SystemMessage(system)] if system else []
            return await model.ainvoke([*messages, question], {"callbacks": [events]})
        question = HumanMessage(_with_feedback(_instructions(payload), request.feedback))
        agent = create_agent(model, tools=[], system_prompt=_persona(payload))
        result = await agent.ainvoke({"messages": [question]}, {"callbacks": [events]})
        last: BaseMessage = result["messages"][-1]
        return last


def _asked(pause: Pause, events: RunEvents) -> Outcome | Failure:
    if not pause.is_lost:
        return Question(to_plain(pause.prompt), events.usage)
    return Failure(
        ErrorClass.UNSUPPORTED,
        "INTERRUPTED",
        "The graph paused for input and has no checkpointer to go on from: let the entry point be "
        "the StateGraph itself, or compile it with a checkpointer.",
        usage=events.usage,
    )


def _persona(payload: Any) -> str:
    lines = [f"You are {payload['role']}.", payload.get("backstory") or ""]
    lines.append(f"Your goal: {payload['goal']}")
    return "\n".join(line for line in lines if line)


def _instructions(payload: Any) -> str:
    expected = payload.get("expected_output")
    if not expected:
        return str(payload["instructions"])
    return f"{payload['instructions']}\n\nAnswer with: {expected}"


def _with_feedback(text: str, feedback: str) -> str:
    if not feedback:
        return text
    return f"{text}\n\nAn earlier answer was not accepted: {feedback}"
