"""The process that has imported CrewAI and forks a worker for each attempt.

It holds one thread and no gRPC: forking it is safe. Its control socket is a SOCK_SEQPACKET pair
with the front process, one JSON object a packet:

    front -> zygote   {"fork": RUN} with two descriptors: the worker's socket, its output
                      {"signal": RUN, "number": N}
    zygote -> front   {"ready": true}
                      {"exited": RUN, "code": N, "signal": N} or {"exited": RUN, "error": TEXT}

A worker's end is told only after every process that it left behind has been ended too. When the
front goes away, so does all of this.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from baton_crewai import processes

WorkerMain = Callable[[socket.socket], None]


class Zygote:
    """Forks, signals and reaps workers until the front closes the control socket."""

    def __init__(self, control: socket.socket, worker_main: WorkerMain) -> None:
        self._control = control
        self._worker_main = worker_main
        self._runs: dict[int, str] = {}
        self._ending = False
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)

    def serve(self) -> None:
        """Answers the front until it goes away, then ends every worker."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_terminate)
        try:
            self._tell({"ready": True})
            while not self._ending:
                readable, _, _ = select.select([self._control, self._woken], [], [])
                if self._woken in readable:
                    self._drain_wake_ups()
                    self._reap()
                if self._control in readable:
                    self._on_packet()
        except ConnectionError:
            pass  # The front has gone.
        finally:
            self._end_everything()

    def _on_terminate(self, *_: object) -> None:
        self._ending = True

    def _drain_wake_ups(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    def _tell(self, packet: dict[str, Any]) -> None:
        self._control.send(json.dumps(packet).encode())

    def _on_packet(self) -> None:
        packet, descriptors, _, _ = socket.recv_fds(
            self._control, 65536, 2, socket.MSG_CMSG_CLOEXEC
        )
        if not packet:
            self._ending = True
            return
        order = json.loads(packet)
        if "fork" in order:
            self._fork(order["fork"], descriptors)
        else:
            self._signal(order["signal"], order["number"])

    def _fork(self, run: str, descriptors: list[int]) -> None:
        stream, output = descriptors
        # Until the worker has handlers of its own, a signal to it must not meet the zygote's.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        zygote = os.getpid()
        try:
            pid = os.fork()
            if pid == 0:
                self._become_worker(zygote, stream, output)
            self._runs[pid] = run
        except OSError as error:
            self._tell({"exited": run, "error": str(error)})
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            os.close(stream)
            os.close(output)

    def _become_worker(self, zygote: int, stream: int, output: int) -> None:
        status = 70  # sysexits.h, EX_SOFTWARE: unless the worker came to its end.
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            processes.die_with_parent(signal.SIGKILL, zygote)
            processes.adopt_orphans()
            processes.prefer_as_oom_victim()
            for inherited in (self._control, self._woken, self._waker):
                inherited.close()
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            self._worker_main(socket.socket(fileno=stream))
            status = 0
        finally:
            # Threads that CrewAI or a tool left running must not keep the process alive.
            os._exit(status)

    def _signal(self, run: str, number: int) -> None:
        for pid, name in self._runs.items():
            if name == run:
                os.kill(pid, number)

    def _reap(self) -> None:
        while (ended := self._next_ended()) is not None:
            run = self._runs.pop(ended.si_pid, None)
            if run is None:
                continue
            # A worker adopts its own orphans; what the zygote inherits belonged to a dead worker.
            self._end_orphans()
            exited = ended.si_code == os.CLD_EXITED
            self._tell(
                {
                    "exited": run,
                    "code": ended.si_status if exited else 0,
                    "signal": 0 if exited else ended.si_status,
                }
            )

    def _next_ended(self) -> os.waitid_result | None:
        try:
            return os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)
        except ChildProcessError:
            return None

    def _end_orphans(self) -> None:
        while orphans := set(processes.children_of(os.getpid())) - set(self._runs):
            for pid in orphans:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _end_everything(self) -> None:
        self._runs.clear()
        self._end_orphans()


def main() -> None:
    """`python -m baton_crewai.zygote CONTROL_DESCRIPTOR FRONT_PID`"""
    control = socket.socket(fileno=int(sys.argv[1]))
    processes.die_with_parent(signal.SIGTERM, int(sys.argv[2]))
    processes.adopt_orphans()
    # Imported here: this is the slow part, and the kernel already watches the front for us.
    worker = importlib.import_module("baton_crewai.worker")
    worker.warm_up()
    gc.collect()
    gc.freeze()
    Zygote(control, worker.main).serve()
    # Exit handlers of imported libraries have nothing to do here and may take seconds.
    os._exit(0)


if __name__ == "__main__":
    main()
