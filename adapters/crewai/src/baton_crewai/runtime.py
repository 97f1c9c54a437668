"""CrewAI behind the adapter contract. Nothing here imports CrewAI: that is the workers' part."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from baton_adapter.config import Config
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Progress,
    Success,
    TaskRequest,
    Usage,
)

from baton_crewai import payload
from baton_crewai.allowed import Allowed
from baton_crewai.wire import Frame
from baton_crewai.workers import Worker, Workers
from baton_crewai.zygote_process import WorkerLost

# Between its result and its end a worker only lets go of things.
_END_PATIENCE_S = 5.0
_STORAGE_KEPT_S = 7 * 24 * 3600.0
_PRUNE_INTERVAL_S = 3600.0


class CrewAIRuntime:
    """Runs each attempt in a worker process that can be killed.

    `grace_s` is how long a cancelled run has to end by itself.
    """

    framework = "crewai"
    framework_version = importlib.metadata.version("crewai")
    task_types: tuple[str, ...] = payload.TASK_TYPES
    capabilities: tuple[str, ...] = ("cancel", "progress", "feedback")

    def __init__(self, config: Config, *, grace_s: float = 3.0) -> None:
        self._models = {name: dataclasses.asdict(model) for name, model in config.models.items()}
        self._allowed = Allowed(config.models, config.entrypoints)
        self._data = config.data.resolve() / "crewai"
        self._grace_s = grace_s
        self._workers = Workers(self._data)
        self._pruned_at = 0.0

    async def start(self) -> None:
        """Ends a predecessor's processes and has CrewAI imported; takes some seconds."""
        self._data.mkdir(parents=True, exist_ok=True)
        await self._workers.start()

    async def close(self) -> None:
        """Ends every worker."""
        await self._workers.close()

    def validate(self, request: TaskRequest) -> None:
        """Raises `Rejection` for a payload of the wrong shape or with names unknown here."""
        payload.check(request, self._allowed)

    async def run(self, request: TaskRequest, progress: Progress) -> Success | Failure:
        """Runs one attempt in a worker of its own."""
        await self._prune_storage()
        try:
            worker = await self._workers.fork()
        except WorkerLost as error:
            return Failure(ErrorClass.TRANSIENT, "WORKER_LOST", f"no worker process: {error}")
        printed = asyncio.create_task(_forward_lines(worker, progress))
        try:
            outcome = await self._converse(worker, request, progress)
            ended = await worker.wait(_END_PATIENCE_S)
            await asyncio.wait([printed], timeout=_END_PATIENCE_S)
        except BaseException:
            await _to_the_end(worker.end(self._grace_s))
            raise
        finally:
            printed.cancel()
            worker.close()
        if isinstance(outcome, (Success, Failure)):
            return outcome
        return Failure(
            ErrorClass.TRANSIENT,
            "WORKER_LOST",
            f"the worker process {ended.problem or 'ended without a result'}",
            diagnostics=worker.tail(),
            usage=outcome,
        )

    async def health(self) -> str:
        """Empty, or why no worker can be had."""
        return self._workers.problem

    async def _converse(
        self, worker: Worker, request: TaskRequest, progress: Progress
    ) -> Success | Failure | Usage:
        """Hands over the job and reads to its outcome; only the usage where there is none."""
        await worker.send(self._job(request))
        spent = Usage()
        while (frame := await worker.read()) is not None:
            match frame["kind"]:
                case "started":
                    progress.started()
                case "chunk":
                    progress.chunk(frame["text"])
                case "message":
                    progress.message(frame["agent"], frame["role"], frame["content"])
                case "log":
                    progress.log(frame["severity"], frame["text"])
                case "usage":
                    spent = Usage(**frame["usage"])
                    progress.usage(spent)
                case "success":
                    return Success(frame["output"], Usage(**frame["usage"]))
                case "failure":
                    return _failure(frame)
        return spent

    def _job(self, request: TaskRequest) -> Frame:
        return {
            "type": request.type,
            "payload": _plain(request.payload),
            "feedback": request.feedback,
            "models": self._models,
            "environment": self._environment(request),
        }

    def _environment(self, request: TaskRequest) -> dict[str, str]:
        """What CrewAI needs to know, and what tools may want to: the key makes effects unique."""
        return {
            "CREWAI_STORAGE_DIR": str(self._storage(request)),
            "BATON_NAMESPACE": request.namespace,
            "BATON_PLAN_ID": request.plan_id,
            "BATON_TASK_ID": request.task_id,
            "BATON_INDEX": str(request.index),
            "BATON_ATTEMPT": str(request.attempt),
            "BATON_DELIVERY": str(request.delivery),
            "BATON_IDEMPOTENCY_KEY": request.idempotency_key,
            "TRACEPARENT": request.traceparent,
        }

    def _storage(self, request: TaskRequest) -> Path:
        """A plan's own folder: what one plan's crews remember is nothing to another's."""
        names = (quote(name, safe="") for name in (request.namespace, request.plan_id))
        folder = self._data / "storage" / "plans" / "-".join(f"{name}_" for name in names)
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        return folder

    async def _prune_storage(self) -> None:
        if time.monotonic() - self._pruned_at >= _PRUNE_INTERVAL_S or not self._pruned_at:
            self._pruned_at = time.monotonic()
            await asyncio.to_thread(_remove_older, self._data / "storage" / "plans")


async def _forward_lines(worker: Worker, progress: Progress) -> None:
    while (line := await worker.read_line()) is not None:
        if line.strip():
            progress.log("info", line)


async def _to_the_end(work: Any) -> None:
    """Awaits something that must happen, however often the waiter is cancelled."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)


def _failure(frame: Frame) -> Failure:
    return Failure(
        ErrorClass[frame["error_class"]],
        frame["code"],
        frame["message"],
        diagnostics=frame["diagnostics"],
        retry_after_s=frame["retry_after_s"],
        usage=Usage(**frame["usage"]),
    )


def _plain(value: Any) -> Any:
    """The same value in the types that JSON knows."""
    if isinstance(value, dict) or hasattr(value, "items"):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _remove_older(folder: Path) -> None:
    """Removes the folders of plans that no run has used for long."""
    oldest = time.time() - _STORAGE_KEPT_S
    for entry in folder.glob("*"):
        with contextlib.suppress(OSError):
            if entry.stat().st_mtime < oldest:
                shutil.rmtree(entry)
