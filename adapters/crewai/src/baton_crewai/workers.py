"""The front's side of the zygote: forks workers, ends them, notices the death of either."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baton_crewai import processes, wire
from baton_crewai.wire import Frame

_log = logging.getLogger(__name__)

# Every process below a sidecar carries these, so that a successor on the same data folder can end
# what a killed predecessor left running, and the front what a killed zygote did.
_OWNER = "BATON_CREWAI_DATA"
_GENERATION = "BATON_CREWAI_ZYGOTE"
_READY_TIMEOUT_S = 180.0
_EXIT_TIMEOUT_S = 10.0
_OUTPUT_LINES_KEPT = 50
_LINE_BYTES_MAX = 64 * 1024

_ENVIRONMENT = {
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "CREWAI_DISABLE_VERSION_CHECK": "true",
    # One thread in the zygote: OpenBLAS starts one per core when numpy is imported.
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}


class WorkerLost(Exception):
    """A worker, or the zygote above it, ended before its run did. The message says how."""


@dataclass(frozen=True)
class Exit:
    """How a worker ended: `problem` says what the worker did; empty where all went well."""

    problem: str = ""


class Worker:
    """One forked process and what it says."""

    def __init__(
        self,
        run: str,
        zygote: _Zygote,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        output: tuple[asyncio.StreamReader, asyncio.BaseTransport],
    ) -> None:
        self.run = run
        self.exited: asyncio.Future[Exit] = asyncio.get_running_loop().create_future()
        self._zygote = zygote
        self._reader, self._writer = streams
        self._output, self._output_transport = output
        self._tail: deque[str] = deque(maxlen=_OUTPUT_LINES_KEPT)

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
        self._zygote.signal(self.run, signal.SIGTERM)
        await self.wait(grace_s)

    async def wait(self, patience_s: float) -> Exit:
        """Waits for the worker's own end, then ends it by force."""
        for number in (signal.SIGKILL, None):
            done, _ = await asyncio.wait([self.exited], timeout=patience_s)
            if done:
                return self.exited.result()
            if number is not None:
                self._zygote.signal(self.run, number)
                patience_s = _EXIT_TIMEOUT_S
        # SIGKILL is not refused: it is the zygote that does not answer.
        self._zygote.kill()
        return await self.exited

    def close(self) -> None:
        """Lets go of the socket and of what the worker prints."""
        self._writer.close()
        self._output_transport.close()


class _Zygote:
    """One zygote process, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.workers: dict[str, Worker] = {}
        self.process = process
        self._control = control
        self._loop = asyncio.get_running_loop()
        self.lost = asyncio.Event()
        self._loop.add_reader(control.fileno(), self._on_readable)

    def fork(self, worker: Worker, stream: socket.socket, output: int) -> None:
        """Asks for a worker; its end, even that of one never born, comes by `exited`."""
        packet = json.dumps({"fork": worker.run}).encode()
        try:
            socket.send_fds(self._control, [packet], [stream.fileno(), output])
        except OSError as error:
            raise WorkerLost(f"the zygote takes no orders: {error}") from error
        self.workers[worker.run] = worker

    def signal(self, run: str, number: signal.Signals) -> None:
        """Signals a worker; one that has ended is left in peace."""
        if run in self.workers:
            packet = json.dumps({"signal": run, "number": int(number)}).encode()
            with contextlib.suppress(OSError):
                self._control.send(packet)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    def close(self) -> None:
        """Closes the control socket, at which the zygote ends its workers and itself."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control.fileno())
            self._control.close()

    def _on_readable(self) -> None:
        while True:
            try:
                packet = self._control.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if not packet:
                self.close()
                self.lost.set()
                return
            self._on_packet(json.loads(packet))

    def _on_packet(self, packet: Mapping[str, object]) -> None:
        if "ready" in packet:
            if not self.ready.done():
                self.ready.set_result(None)
            return
        worker = self.workers.pop(str(packet["exited"]), None)
        if worker is not None:
            worker.exited.set_result(Exit(_describe(packet)))


class Workers:
    """Forks workers, each from the one zygote that lives; starts another where it has died."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._zygote: _Zygote | None = None
        self._starting: asyncio.Task[_Zygote] | None = None
        self._watching: set[asyncio.Task[None]] = set()
        self._closed = False
        self.problem = ""

    async def start(self) -> None:
        """Ends what a predecessor left running, then imports CrewAI."""
        left = await asyncio.to_thread(processes.end_marked, _OWNER, str(self._data))
        if left:
            _log.warning("ended %d processes of a predecessor", left)
        await self._living_zygote()

    async def close(self) -> None:
        """Ends the zygote and with it every worker."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote.lost.set()
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
            worker = Worker(uuid.uuid4().hex, zygote, streams, output)
            zygote.fork(worker, theirs, output_write)
        finally:
            theirs.close()
            os.close(output_write)
        return worker

    async def _living_zygote(self) -> _Zygote:
        if self._closed:
            raise WorkerLost("the adapter is closing")
        if self._zygote is not None and not self._zygote.lost.is_set():
            return self._zygote
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._start_zygote())
        # Shared by all who wait: one of them being cancelled must not end it.
        return await asyncio.shield(self._starting)

    async def _start_zygote(self) -> _Zygote:
        generation = uuid.uuid4().hex
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "baton_crewai.zygote"),
                *(str(theirs.fileno()), str(os.getpid())),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment(generation),
                # A Ctrl-C is the front's to act on.
                start_new_session=True,
            )
        zygote = _Zygote(process, ours)
        watch = asyncio.create_task(self._watch(zygote, generation))
        self._watching.add(watch)
        watch.add_done_callback(self._watching.discard)
        lost = asyncio.create_task(zygote.lost.wait())
        try:
            first: list[asyncio.Future[Any]] = [zygote.ready, lost]
            await asyncio.wait(
                first,
                timeout=_READY_TIMEOUT_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            lost.cancel()
            if not zygote.ready.done():
                zygote.kill()
        if not zygote.ready.done():
            await asyncio.wait([watch])
            raise WorkerLost(self.problem or "CrewAI was not imported in time")
        self.problem = ""
        self._zygote = zygote
        return zygote

    def _environment(self, generation: str) -> dict[str, str]:
        storage = self._data / "storage" / "zygote"
        storage.mkdir(parents=True, exist_ok=True)
        own = {_OWNER: str(self._data), _GENERATION: generation}
        return {**os.environ, **_ENVIRONMENT, "CREWAI_STORAGE_DIR": str(storage), **own}

    async def _watch(self, zygote: _Zygote, generation: str) -> None:
        """Follows a zygote to its end, then ends and reports what it left."""
        said: deque[str] = deque(maxlen=_OUTPUT_LINES_KEPT)
        listening = asyncio.create_task(_listen(zygote.process, said))
        await zygote.lost.wait()
        try:
            status = await asyncio.wait_for(zygote.process.wait(), _EXIT_TIMEOUT_S)
        except TimeoutError:
            zygote.kill()
            status = await zygote.process.wait()
        await asyncio.to_thread(processes.end_marked, _GENERATION, generation)
        await asyncio.wait([listening], timeout=_EXIT_TIMEOUT_S)
        listening.cancel()
        how = _status_text(status)
        if not self._closed:
            self.problem = f"the process that imports CrewAI {how}: {' '.join(said)[-2000:]}"
            _log.error("zygote lost", extra={"status": how, "output": "\n".join(said)})
        for worker in list(zygote.workers.values()):
            worker.exited.set_result(Exit(f"lost its parent process, which {how}"))
        zygote.workers.clear()
        if not self._closed and zygote is self._zygote:
            # The next run need not wait for the import.
            self._starting = asyncio.create_task(self._start_zygote())
            self._starting.add_done_callback(_log_failed_start)


async def _read_pipe(descriptor: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    return reader, transport


def _log_failed_start(task: asyncio.Task[_Zygote]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("no new zygote: %s", task.exception())


async def _listen(process: asyncio.subprocess.Process, said: deque[str]) -> None:
    if process.stdout is None:
        return
    while True:
        try:
            line = await process.stdout.readline()
        except ValueError:
            continue  # Too long to be shown.
        if not line:
            return
        text = line.decode("utf-8", "replace").rstrip()
        said.append(text)
        _log.info("zygote: %s", text)


def _describe(packet: Mapping[str, object]) -> str:
    if "error" in packet:
        return f"could not be forked: {packet['error']}"
    if packet["signal"]:
        return _status_text(-int(str(packet["signal"])))
    return _status_text(int(str(packet["code"]))) if packet["code"] else ""


def _status_text(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
