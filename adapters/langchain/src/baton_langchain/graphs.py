"""Graphs of the user's own: loading an entry point, running it, resuming it after a crash."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import importlib
import inspect
import time
from collections.abc import AsyncIterator, Mapping
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
        """The graph's result, `__interrupt__` included where it paused."""
        # Importing a module of the user's may take its time.
        found = await asyncio.to_thread(load, request.payload["entrypoint"])
        target = await _make(found, config)
        payload = request.payload.get("input")
        if isinstance(target, StateGraph):
            async with self._checkpoints(request.run_key) as saver:
                return await _run_graph(target.compile(checkpointer=saver), payload, config)
        if isinstance(target, Pregel):
            return await _run_graph(target, payload, config)
        return await target.ainvoke(payload, config)

    @contextlib.asynccontextmanager
    async def _checkpoints(self, run_key: str) -> AsyncIterator[AsyncSqliteSaver]:
        """A file for each attempt: kept when the run is cut off, gone when it has an end."""
        file = self._folder / f"{hashlib.sha256(run_key.encode()).hexdigest()[:32]}.db"
        try:
            async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
                yield saver
        except asyncio.CancelledError:
            raise
        except BaseException:
            _remove(file)
            raise
        _remove(file)


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


async def _run_graph(
    graph: Pregel[Any, Any, Any, Any], payload: Any, config: RunnableConfig
) -> Any:
    if not isinstance(graph.checkpointer, BaseCheckpointSaver):
        return await graph.ainvoke(payload, config)
    # Input for a thread that has checkpoints would start it over; None goes on with it.
    known = await graph.checkpointer.aget_tuple(config)
    return await graph.ainvoke(None if known else payload, config, durability="sync")


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
