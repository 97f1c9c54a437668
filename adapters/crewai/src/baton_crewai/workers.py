"""Workers, each forked from the one zygote that lives; and another zygote where it has died."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import uuid
from collections import deque
from pathlib import Path
from typing import Any

from baton_crewai import processes, wire
from baton_crewai.wire import Frame
from baton_crewai.zygote_process import Exit, WorkerLost, ZygoteProcess

_log = logging.getLogger(__name__)

# Every process below a sidecar carries these, so that a successor on the same data folder can end
# what a killed predecessor left running, and the front what a killed zygote did.
_OWNER = "BATON_CREWAI_DATA"
_GENERATION = "BATON_CREWAI_ZYGOTE"
_READY_TIMEOUT_S = 180.0
_EXIT_TIMEOUT_S = 10.0
_LINES_KEPT = 50
_LINE_BYTES_MAX = 64 * 1024

_ENVIRONMENT = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    # One thread in the zygote: OpenBLAS starts one per core when numpy is imported.
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_Output = tuple[asyncio.StreamReader, asyncio.BaseTransport]


class Worker:
    """One forked process: what it is told, what it says and prints, and its end."""

    def __init__(
        self,
        run: str,
        zygote: ZygoteProcess,
        exited: asyncio.Future[Exit],
        streams: _Streams,
        output: _Output,
    ) -> None:
        self._run = run
        self._zygote = zygote
        self._exited = exited
        self._reader, self._writer = streams
        self._output, self._output_transport = output
        self._tail: deque[str] = deque(maxlen=_LINES_KEPT)

    async def send(self, frame: Frame) -> None:
        """Hands the worker its job; one that has ended meanwhile shows by its exit."""
        with contextlib.suppress(ConnectionError):
            self._writer.write(wire.encode(frame))
            await self._writer.drain()

    async def read(self) -> Frame | None:
        """The next frame, or None once the worker has closed its side."""
        return await wire.read(self._reader)

    async def read_line(self) -> str | None:
        """The next line the worker printed, or None at the end."""
        try:
            line = await self._output.readline()
        except ValueError:
            return "(a line too long to be shown)"
        if not line:
            return None
        text = line.decode("utf-8", "replace").rstrip()
        self._tail.append(text)
        return text

    def tail(self) -> str:
        """The last lines the worker printed."""
        return "\n".join(self._tail)

    async def end(self, grace_s: float) -> None:
        """Ends the worker: asked first, then by force. Returns once it is gone."""
        self._zygote.signal(self._run, signal.SIGTERM)
        await self.wait(grace_s)

    async def wait(self, patience_s: float) -> Exit:
        """Waits for the worker's own end, then ends it by force."""
        if not await self._ends_within(patience_s):
            self._zygote.signal(self._run, signal.SIGKILL)
            if not await self._ends_within(_EXIT_TIMEOUT_S):
                # SIGKILL is not refused: it is the zygote that does not answer.
                self._zygote.kill()
        return await self._exited

    def close(self) -> None:
        """Lets go of the socket and of what the worker prints."""
        self._writer.close()
        self._output_transport.close()

    async def _ends_within(self, timeout_s: float) -> bool:
        done, _ = await asyncio.wait([self._exited], timeout=timeout_s)
        return bool(done)


class Workers:
    """Where workers come from. `problem` is empty or says why there are none."""

    def __init__(self, data: Path) -> None:
        self.problem = ""
        self._data = data
        self._zygote: ZygoteProcess | None = None
        self._starting: asyncio.Task[ZygoteProcess] | None = None
        self._watching: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Ends what a predecessor left running, then imports CrewAI."""
        left = await asyncio.to_thread(processes.end_marked, _OWNER, str(self._data))
        if left:
            _log.warning("ended processes of a predecessor", extra={"count": left})
        await self._living_zygote()

    async def close(self) -> None:
        """Ends the zygote and with it every worker."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
        if self._zygote is not None:
            self._zygote.close()
        if self._watching:
            await asyncio.wait(self._watching)

    async def fork(self) -> Worker:
        """A worker that waits for its job; `WorkerLost` where there is none to be had."""
        zygote = await self._living_zygote()
        ours, theirs = socket.socketpair()
        output_read, output_write = os.pipe2(os.O_CLOEXEC)
        try:
            streams = await asyncio.open_unix_connection(sock=ours)
            output = await _read_pipe(output_read)
            run = uuid.uuid4().hex
            try:
                exited = zygote.fork(run, theirs, output_write)
            except WorkerLost:
                streams[1].close()
                output[1].close()
                raise
        finally:
            theirs.close()
            os.close(output_write)
        return Worker(run, zygote, exited, streams, output)

    async def _living_zygote(self) -> ZygoteProcess:
        if self._closed:
            raise WorkerLost("the adapter is closing")
        if self._zygote is not None and not self._zygote.lost.is_set():
            return self._zygote
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start_zygote())
        # Shared by all who wait: one of them being cancelled must not end it.
        return await asyncio.shield(self._starting)

    async def _start_zygote(self) -> ZygoteProcess:
        generation = uuid.uuid4().hex
        zygote = await ZygoteProcess.spawn(self._environment(generation))
        watch = asyncio.create_task(self._watch(zygote, generation))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        lost = asyncio.create_task(zygote.lost.wait())
        first: list[asyncio.Future[Any]] = [zygote.ready, lost]
        try:
            await asyncio.wait(first, timeout=_READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
            if not zygote.ready.done():
                zygote.kill()
        if not zygote.ready.done():
            await asyncio.wait([watch])
            raise WorkerLost(self.problem)
        self.problem = ""
        self._zygote = zygote
        return zygote

    def _environment(self, generation: str) -> dict[str, str]:
        storage = self._data / "storage" / "zygote"
        storage.mkdir(parents=True, exist_ok=True)
        own = {_OWNER: str(self._data), _GENERATION: generation}
        return {**os.environ, **_ENVIRONMENT, "CREWAI_STORAGE_DIR": str(storage), **own}

    async def _watch(self, zygote: ZygoteProcess, generation: str) -> None:
        """Follows a zygote to its end, then ends what it left and reports the runs it had."""
        await zygote.lost.wait()
        how = await zygote.reap()
        await asyncio.to_thread(processes.end_marked, _GENERATION, generation)
        if not self._closed:
            self.problem = f"the process that imports CrewAI {how}"
            _log.error(self.problem)
        zygote.give_up_runs(f"lost its parent process, which {how}")
        if not self._closed and zygote is self._zygote:
            # The next run need not wait for the import.
            self._starting = asyncio.create_task(self._start_zygote())
            self._starting.add_done_callback(_log_failed_start)


async def _read_pipe(descriptor: int) -> _Output:
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


def _log_failed_start(task: asyncio.Task[ZygoteProcess]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("no new zygote: %s", task.exception())
