"""Programs that print a READY line."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_READY = "READY "


class Program:
    """A process that has said it is ready."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        # As the worst of parents would start it: with every signal blocked.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            self._process = subprocess.Popen(
                list(command),
                cwd=folder,
                env=None if environment is None else dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        self._stderr: list[str] = []
        self._line = threading.Condition()
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(_READY):
            self.kill()
            raise RuntimeError(f"{command[0]} did not get ready: {line}\n{self.stderr}")
        # What the line says: addresses, pid ...
        self.ready: dict[str, Any] = json.loads(line.removeprefix(_READY))

    @property
    def stderr(self) -> str:
        """All that the process has written there, once it has ended."""
        if self._process.poll() is not None:
            self._reader.join()
        return "".join(self._stderr)

    def wait_for_log(self, text: str, timeout_s: float = 30.0) -> str:
        """The first line on stderr with that text, once it is there."""

        def found() -> str | None:
            return next((line for line in self._stderr if text in line), None)

        with self._line:
            if not self._line.wait_for(found, timeout_s):
                raise RuntimeError(f"no line with {text!r}:\n{self.stderr}")
            return found() or ""

    def kill(self) -> None:
        """SIGKILL, as a crash does it."""
        self._process.kill()
        self._end(5.0)

    def terminate(self, timeout_s: float = 30.0) -> int:
        """SIGTERM; the exit code."""
        self.signal(signal.SIGTERM)
        return self._end(timeout_s)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 30.0) -> int:
        """The exit code, once it has ended by itself."""
        return self._end(timeout_s)

    def _end(self, timeout_s: float) -> int:
        code = self._process.wait(timeout_s)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._reader.join()
        return code

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._line:
                    self._stderr.append(line)
                    self._line.notify_all()

    @property
    def running(self) -> bool:
        return self._process.poll() is None


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """A program that is killed at the end, unless it has ended before."""
    program = Program(command, folder=folder, environment=environment)
    try:
        yield program
    finally:
        if program.running:
            program.kill()
