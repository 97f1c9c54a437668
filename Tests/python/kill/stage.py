"""A server that is killed once and started again, and two adapters that live on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from baton_adapter._generated.baton.v1 import orchestrator_pb2_grpc

from .plan import CALLBACK, POLL

_LEASE = "2s"
_END_SECONDS = 30.0
# Reconnects at once: a server is away for as long as a process takes to start.
_CHANNEL_OPTIONS = [
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class NotReady(Exception):
    """A program ended before it was ready; holds its exit code."""

    def __init__(self, name: str, code: int, log: str) -> None:
        super().__init__(f"{name} ended with {code} before it was ready: {log}")
        self.code = code


class Program:
    """A process of ours that has said that it is ready."""

    def __init__(
        self, command: list[str], folder: Path, environment: dict[str, str] | None = None
    ) -> None:
        name = Path(command[0]).name
        log = folder / f"{name}.log"
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **(environment or {})},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if not line.startswith("READY "):
            raise NotReady(name, self.process.wait(), log.read_text()[-2_000:])

    def terminate(self) -> int:
        """Asks it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=_END_SECONDS)
        finally:
            self.process.kill()
            self.wait()
        return code

    def wait(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


class Stage:
    """The server ends at boundary `kill_at` of its store, and is started again on the same file."""

    def __init__(self, programs: Path, preload: Path, kill_at: int) -> None:
        self._programs = programs
        # Short: a socket's path has at most 108 bytes.
        self._temporary = tempfile.TemporaryDirectory(prefix="kill-")
        self.folder = Path(self._temporary.name)
        self.address = f"unix:{self.folder}/s"
        self.passed = self.folder / "boundaries"
        self.was_killed = False
        self.problems: list[str] = []
        self._kills = {
            "LD_PRELOAD": str(preload),
            "KILL_AT": str(kill_at),
            "KILL_LOG": str(self.passed),
        }
        self._runs_again = threading.Event()
        self._server = self._start_server()
        self._guard = threading.Thread(target=self._watch, daemon=True)
        self._guard.start()
        self._adapters = [self._start_adapter(name) for name in (CALLBACK, POLL)]
        self._channel = grpc.insecure_channel(self.address, options=_CHANNEL_OPTIONS)
        # The stubs that protoc makes of services carry no types.
        self.stub: Any = orchestrator_pb2_grpc.OrchestratorStub(self._channel)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()
        for adapter in self._adapters:
            self._expect("an adapter", adapter.terminate())
        self._guard.join(_END_SECONDS)
        self._temporary.cleanup()

    def stop_server(self) -> bool:
        """Ends the server in good order; False where it was killed at that, and runs again."""
        server = self._server
        server.process.send_signal(signal.SIGTERM)
        if server.process.wait(_END_SECONDS) == -signal.SIGKILL:
            self._runs_again.wait(_END_SECONDS)
            return False
        return True

    def ledger(self) -> list[dict[str, Any]]:
        """What the adapters were given and did."""
        lines = (self.folder / "ledger.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def _start_server(self) -> Program:
        """Kills count until the first has come, also where that is before the server is ready."""
        command = [str(self._programs / "baton"), "serve", "--listen", self.address]
        command += ["--http", "127.0.0.1:0", "--store", f"sqlite:{self.folder}/baton.db"]
        command += ["--lease", _LEASE, "--sweep", "200ms", "--poll", "500ms"]
        command += ["--routes", f"{{default: [{CALLBACK}, {POLL}]}}", "--log-level", "warning"]
        try:
            return Program(command, self.folder, {} if self.was_killed else self._kills)
        except NotReady as error:
            if error.code != -signal.SIGKILL or self.was_killed:
                raise
            self.was_killed = True
            return self._start_server()

    def _watch(self) -> None:
        """Starts the server again when it is killed."""
        code = self._server.wait()
        if code == -signal.SIGKILL and not self.was_killed:
            self.was_killed = True
            self._server = self._start_server()
            self._runs_again.set()
            code = self._server.wait()
        self._expect("the server", code)

    def _expect(self, who: str, code: int) -> None:
        if code != 0:
            self.problems.append(f"{who} ended with {code}")

    def _start_adapter(self, name: str) -> Program:
        command = [str(self._programs / "baton-mock-adapter"), "--orchestrator", self.address]
        command += ["--adapter", name, "--results", name, "--types", "mock"]
        command += ["--ledger", str(self.folder / "ledger.jsonl"), "--log-level", "warning"]
        return Program(command, self.folder)
