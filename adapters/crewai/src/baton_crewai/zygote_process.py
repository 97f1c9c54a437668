"""The front's end of one zygote: its control socket, its runs, its death."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

_log = logging.getLogger(__name__)

_EXIT_TIMEOUT_S = 10.0
_LINES_KEPT = 50


class WorkerLost(Exception):
    """There is no worker to be had. The message says why."""


@dataclass(frozen=True)
class Exit:
    """How a worker ended: `problem` says what the worker did; empty where all went well."""

    problem: str = ""


class ZygoteProcess:
    """One zygote process, from its start to its end.

    `ready` is done once it takes orders, `lost` is set once it has gone.
    """

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.lost = asyncio.Event()
        self.pid = process.pid
        self._process = process
        self._control = control
        self._runs: dict[str, asyncio.Future[Exit]] = {}
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self._listening = asyncio.create_task(self._listen())
        self._loop.add_reader(control.fileno(), self._on_readable)

    @classmethod
    async def spawn(cls, environment: Mapping[str, str]) -> ZygoteProcess:
        """Starts the process; it is ready some seconds later."""
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
                env=environment,
                # A Ctrl-C is the front's to act on.
                start_new_session=True,
            )
        return cls(process, ours)

    def fork(self, run: str, stream: socket.socket, output: int) -> asyncio.Future[Exit]:
        """Asks for a worker; the answer is done when it has ended, or was never born."""
        packet = json.dumps({"fork": run}).encode()
        try:
            socket.send_fds(self._control, [packet], [stream.fileno(), output])
        except OSError as error:
            raise WorkerLost(f"the zygote takes no orders: {error}") from error
        exited: asyncio.Future[Exit] = self._loop.create_future()
        self._runs[run] = exited
        return exited

    def signal(self, run: str, number: signal.Signals) -> None:
        """Signals a worker; one that has ended is left in peace."""
        if run in self._runs:
            packet = json.dumps({"signal": run, "number": int(number)}).encode()
            with contextlib.suppress(OSError):
                self._control.send(packet)

    def kill(self) -> None:
        """Kills the zygote; the kernel kills its workers (PR_SET_PDEATHSIG)."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def close(self) -> None:
        """Closes the control socket, at which the zygote ends its workers and itself."""
        if self._control.fileno() >= 0:
            self._loop.remove_reader(self._control.fileno())
            self._control.close()
        self.lost.set()

    async def reap(self) -> str:
        """What became of a zygote that is lost, and what it said last."""
        try:
            status = await asyncio.wait_for(self._process.wait(), _EXIT_TIMEOUT_S)
        except TimeoutError:
            self.kill()
            status = await self._process.wait()
        await asyncio.wait([self._listening], timeout=_EXIT_TIMEOUT_S)
        self._listening.cancel()
        return f"{status_text(status)}: {' '.join(self._said)[-2000:]}".removesuffix(": ")

    def give_up_runs(self, problem: str) -> None:
        """Tells everyone who waits for a worker of this zygote."""
        for exited in self._runs.values():
            exited.set_result(Exit(problem))
        self._runs.clear()

    def _on_readable(self) -> None:
        while not self.lost.is_set():
            try:
                packet = self._control.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                packet = b""
            if packet:
                self._on_packet(json.loads(packet))
            else:
                self.close()

    def _on_packet(self, packet: Mapping[str, object]) -> None:
        if "ready" in packet:
            self.ready.set_result(None)
            return
        exited = self._runs.pop(str(packet["exited"]), None)
        if exited is not None:
            exited.set_result(Exit(_problem(packet)))

    async def _listen(self) -> None:
        if self._process.stdout is None:
            return
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                continue  # Too long to be shown.
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            self._said.append(text)
            _log.info("zygote: %s", text)


def _problem(packet: Mapping[str, object]) -> str:
    if "error" in packet:
        return f"could not be forked: {packet['error']}"
    if packet["signal"]:
        return status_text(-int(str(packet["signal"])))
    return status_text(int(str(packet["code"]))) if packet["code"] else ""


def status_text(status: int) -> str:
    """An exit status, negative for a signal, as the end of a sentence."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = ", perhaps for want of memory" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"
