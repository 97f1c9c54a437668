"""Graphs of the user's own: loading an entry point, running it, resuming it after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import inspect
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baton_adapter.portable import Allowed, check_fields, invalid, unsupported
from baton_adapter.runtime import TaskRequest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.types import Command

from baton_langchain.errors import EntrypointError

_CONFIG_FIELDS = ("configurable", "metadata", "recursion_limit", "tags")
_RECURSION_LIMIT = 25
_KEEP_CHECKPOINTS_S = 7 * 86400.0


def check_graph(payload: Mapping[str, Any], allowed: Allowed) -> None:
    """Raises `Rejection` for a `graph` payload that can never run."""
    check_fields(payload, ("entrypoint", "remote", "input", "config"))
    if payload.get("remote") is not None:
        raise unsupported("REMOTE_UNKNOWN", "payload.remote: no remote graph is configured here")
    if payload.get("entrypoint") is None:
        raise invalid("INVALID_PAYLOAD", "payload.entrypoint: missing")
    allowed.check_entrypoint(payload["entrypoint"], "payload.entrypoint")
    if payload.get("config") is not None:
        _check_config(payload["config"])


def make_config(request: TaskRequest, callbacks: list[BaseCallbackHandler]) -> RunnableConfig:
    """What the graph is run with; nodes read `config["configurable"]["baton_attempt"]` and so on.

    The thread is the attempt: a redelivery resumes it, a new attempt starts fresh.
    """
    given = request.payload.get("config") or {}
    return RunnableConfig(
        callbacks=callbacks,
        recursion_limit=given.get("recursion_limit", _RECURSION_LIMIT),
        tags=list(given.get("tags", [])),
        metadata=dict(given.get("metadata", {})),
        configurable={
            **given.get("configurable", {}),
            "thread_id": request.run_key,
            "baton_plan_id": request.plan_id,
            "baton_task_id": request.task_id,
            "baton_index": request.index,
            "baton_attempt": request.attempt,
            "baton_delivery": request.delivery,
            "baton_idempotency_key": request.idempotency_key,
            "baton_feedback": request.feedback,
            "baton_metadata": dict(request.metadata),
        },
    )


class Graphs:
    """Runs graphs; keeps the checkpoints of those that are given as `StateGraph`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self) -> None:
        """Lets go of checkpoints that nobody has come back for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - _KEEP_CHECKPOINTS_S
        for file in self._folder.glob("*.db*"):
            if file.stat().st_mtime < oldest:
                file.unlink()

    async def run(self, request: TaskRequest, config: RunnableConfig) -> Any:
        """The graph's result, or the `Pause` of one that asks for input."""
        # Importing a module of the user's may take its time.
        found = await asyncio.to_thread(load, request.payload["entrypoint"])
        target = await _make(found, config)
        if isinstance(target, StateGraph):
            file = self._file(request.run_key)
            async with _checkpoints(file) as saver:
                result = await _run_graph(target.compile(checkpointer=saver), request, config)
            if not isinstance(result, Pause):
                _remove(file)
            return result
        if isinstance(target, Pregel):
            return await _run_graph(target, request, config)
        return await target.ainvoke(request.payload.get("input"), config)

    def _file(self, run_key: str) -> Path:
        return self._folder / f"{hashlib.sha256(run_key.encode()).hexdigest()[:32]}.db"


@dataclass(frozen=True)
class Pause:
    """A graph that has interrupted itself (`interrupt()`), to be given an answer."""

    # What the first of its interrupts gives away.
    prompt: Any
    # It has no checkpointer, so that nothing is left to go on with.
    is_lost: bool


@contextlib.asynccontextmanager
async def _checkpoints(file: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """A file for each attempt: kept when the run is cut off or paused, gone when it has an end."""
    try:
        async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
            yield saver
    except asyncio.CancelledError:
        raise
    except BaseException:
        _remove(file)
        raise


def load(entrypoint: str) -> Any:
    """The object that `module:attribute` names; `EntrypointError` where there is none."""
    module, _, attribute = entrypoint.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise EntrypointError(f"{entrypoint} cannot be loaded: {error}") from error


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


async def _make(found: Any, config: RunnableConfig) -> Any:
    """A graph, a runnable, or what a factory makes of the configuration or of nothing."""
    if isinstance(found, (StateGraph, Runnable)):
        return found
    if not callable(found):
        raise EntrypointError(f"a {type(found).__name__} is neither a graph nor a factory of one")
    takes_config = bool(inspect.signature(found).parameters)
    made = found(config) if takes_config else found()
    if inspect.isawaitable(made):
        made = await made
    if not isinstance(made, (StateGraph, Runnable)):
        raise EntrypointError(f"the factory made a {type(made).__name__}, not a graph")
    return made


_Graph = Pregel[Any, Any, Any, Any]


async def _run_graph(graph: _Graph, request: TaskRequest, config: RunnableConfig) -> Any:
    payload = request.payload.get("input")
    saver = graph.checkpointer
    if not isinstance(saver, BaseCheckpointSaver):
        return _paused(await graph.ainvoke(payload, config), is_lost=True)
    if request.resumes:
        return _paused(await _answer(graph, request.dialog[-1].value, config))
    if request.dialog:
        # How far the thread got is not known: the graph begins anew, and is told all of it again.
        await saver.adelete_thread(request.run_key)
    # Input for a thread that has checkpoints would start it over; None goes on with it.
    known = await saver.aget_tuple(config)
    result = _paused(await graph.ainvoke(None if known else payload, config, durability="sync"))
    for turn in request.dialog:
        if not isinstance(result, Pause):
            break
        result = _paused(await _answer(graph, turn.value, config))
    return result


async def _answer(graph: _Graph, value: Any, config: RunnableConfig) -> Any:
    """Goes on with the thread; of several interrupts the first is answered."""
    state = await graph.aget_state(config)
    several = len(state.interrupts) > 1
    resume = {state.interrupts[0].id: value} if several else value
    return await graph.ainvoke(Command(resume=resume), config, durability="sync")


def _paused(result: Any, *, is_lost: bool = False) -> Any:
    interrupts = result.get("__interrupt__") if isinstance(result, Mapping) else None
    return Pause(interrupts[0].value, is_lost) if interrupts else result


def _check_config(config: Any) -> None:
    if not isinstance(config, Mapping):
        raise invalid("INVALID_PAYLOAD", "payload.config: not an object")
    for name in config:
        if name not in _CONFIG_FIELDS:
            known = ", ".join(_CONFIG_FIELDS)
            raise invalid(
                "INVALID_PAYLOAD", f"payload.config.{name}: there is no such field; known: {known}"
            )
    for name in ("configurable", "metadata"):
        if not isinstance(config.get(name, {}), Mapping):
            raise invalid("INVALID_PAYLOAD", f"payload.config.{name}: not an object")
    limit = config.get("recursion_limit", _RECURSION_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise invalid("INVALID_PAYLOAD", "payload.config.recursion_limit: not a number from 1")
    tags = config.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise invalid("INVALID_PAYLOAD", "payload.config.tags: not a list of texts")
