"""The test's end of what scripted runs connect to."""

from __future__ import annotations

import json
import queue
import socket
import threading
from typing import Any

WAIT_S = 30.0


class RunAtGate:
    """One run that has begun and waits."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(WAIT_S)
        self._connection = connection
        self._stream = connection.makefile("r", encoding="utf-8")
        self.key = self._stream.readline().strip()

    def tell(self, **order: Any) -> None:
        """What the run is to do."""
        self._connection.sendall(f"{json.dumps(order)}\n".encode())

    def wait_until_gone(self) -> None:
        """Until the run has ended."""
        assert self._stream.read() == ""

    def close(self) -> None:
        self._stream.close()
        self._connection.close()


class Gate:
    """Runs come here when they begin."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._runs: queue.Queue[RunAtGate] = queue.Queue()
        self._met: list[RunAtGate] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    def next(self) -> RunAtGate:
        """The next run that begins."""
        return self._runs.get(timeout=WAIT_S)

    def empty(self) -> bool:
        """No run has begun that `next` has not given."""
        return self._runs.empty()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for run in self._met:
            run.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            run = RunAtGate(connection)
            self._met.append(run)
            self._runs.put(run)
