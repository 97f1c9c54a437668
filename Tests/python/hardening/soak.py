"""Attacks a server in every way there is, and measures what a healthy client notices.

usage: python -m hardening.soak --server PROGRAM [--seconds N] [--only NAME,...] [--enforce ...]

The server is interop-server. Each attack runs for N seconds in a process of its own, beside a
client that makes one call after the other. Before and after it the same client runs beside the same
attacker sending to a sink instead, so that what the attacker takes from the machine is in both
figures. The last line is `RESULT key=value ...`; the exit code is 0 only if no call failed, every
flood was cut off by the server and the limits that are enforced are kept.
"""

import argparse
import json
import math
import socket
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any

from . import memory
from .attack import ATTACKS, NOT_CUT_OFF

START_BYTES_MAX = 20 * 1024 * 1024
IDLE_BYTES_MAX = 10 * 1024
STALLED_BYTES_MAX = 20 * 1000 * 1000
LATENCY_RATIO_MAX = 3.0
# A server that has been attacked may not have grown for good.
GROWTH_BYTES_MAX = 64 * 1024 * 1024


class Sink:
    """Reads whatever is sent to it, and drops it."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._drain, args=(connection,), daemon=True).start()

    @staticmethod
    def _drain(connection: socket.socket) -> None:
        with connection:
            while connection.recv(1 << 20):
                pass


def start_server(program: str, *flags: str) -> tuple[subprocess.Popen[str], int]:
    """The server and its port."""
    server = subprocess.Popen([program, *flags], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline().removeprefix("READY "))
    return server, int(ready["grpc"].rsplit(":", 1)[1])


def module(name: str, *arguments: object) -> subprocess.Popen[str]:
    """Starts one of this package's programs."""
    command = [sys.executable, "-m", f"hardening.{name}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def output(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a program printed, once it has ended."""
    text, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}")
    result: dict[str, Any] = json.loads(text)
    return result


def beside(
    name: str, target: int, port: int, seconds: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The healthy client's figures and the attacker's."""
    attacker = module("attack", name, target, seconds + 1)
    healthy = module("healthy", port, seconds)
    return output(healthy), output(attacker)


class Report:
    """What was measured, and what was not kept."""

    def __init__(self, enforced: set[str]) -> None:
        self._enforced = enforced
        self.results: dict[str, str] = {}
        self.failures: list[str] = []

    def enforces(self, kind: str) -> bool:
        return kind in self._enforced

    def check(self, kept: bool, failure: str) -> None:
        if not kept:
            self.failures.append(failure)

    def note(
        self, name: str, value: float, limit: float, enforced_with: str = "", digits: int = 0
    ) -> None:
        self.results[name] = f"{value:.{digits}f}"
        if value > limit and (not enforced_with or self.enforces(enforced_with)):
            self.failures.append(f"{name} is {value:.{digits}f}, over {limit:.{digits}f}")


def measure_memory(program: str, report: Report, idle: int) -> None:
    for name in ("idle", "stalled"):
        server, port = start_server(program)
        try:
            if name == "idle":
                at_start = memory.rss_bytes(server.pid)
                report.note("rss_bytes_at_start", at_start, START_BYTES_MAX, "memory")
                per_connection = memory.idle(port, server.pid, idle)
                report.note("idle_bytes_per_connection", per_connection, IDLE_BYTES_MAX, "memory")
            else:
                stalled = memory.stalled(port, server.pid)
                report.note("stalled_bytes", stalled, STALLED_BYTES_MAX, "memory")
        finally:
            server.terminate()
            server.wait()


def measure_other_memory(program: str, report: Report) -> None:
    """What idle connections cost that have made a call, or speak TLS: figures without a limit."""
    with tempfile.TemporaryDirectory() as folder:
        flags, context = memory.certificates(folder)
        for name, tls, calls in (
            ("called", False, True),
            ("tls", True, False),
            ("tls_called", True, True),
        ):
            server, port = start_server(program, *(flags if tls else ()))
            try:
                per_connection = memory.idle(
                    port,
                    server.pid,
                    memory.OTHER_CONNECTIONS,
                    tls=context if tls else None,
                    calls=calls,
                )
                report.note(f"idle_{name}_bytes_per_connection", per_connection, math.inf)
            finally:
                server.terminate()
                server.wait()


def measure_attacks(program: str, names: list[str], seconds: float, report: Report) -> None:
    sink = Sink()
    server, port = start_server(program)
    skips = not report.enforces("latency")
    worst = 0.0
    errors = 0
    try:
        output(module("healthy", port, 0.5))
        before = memory.rss_bytes(server.pid)
        for name in names:
            # Without a figure to keep, there is nothing to compare with.
            calm = [] if skips else [beside(name, sink.port, port, seconds)[0]]
            attacked, attacker = beside(name, port, port, seconds)
            if not skips:
                calm.append(beside(name, sink.port, port, seconds)[0])
            baseline = max((figures["p99_ms"] for figures in calm), default=math.inf)
            ratio = attacked["p99_ms"] / baseline
            worst = max(worst, ratio)
            errors += attacked["errors"]
            if name not in NOT_CUT_OFF:
                report.check(attacker["cut_off"] > 0, f"{name} was not cut off")
            print(
                f"{name:22} p99 {baseline:7.3f} -> {attacked['p99_ms']:7.3f} ms  x {ratio:5.2f}"
                f"  calls {attacked['calls']:6}  errors {attacked['errors']}"
                f"  connections {attacker['connections']:5}  cut off {attacker['cut_off']:5}"
                f"  sent {attacker['sent_bytes'] / 1e6:7.1f} MB",
                flush=True,
            )
        time.sleep(1)
        growth = memory.rss_bytes(server.pid) - before
        report.note("growth_bytes", growth, GROWTH_BYTES_MAX, "memory")
    finally:
        server.terminate()
        server.wait()
    report.note("p99_ratio_max", worst, LATENCY_RATIO_MAX, "latency", digits=2)
    report.note("errors", errors, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--server", required=True, help="interop-server")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--idle", type=int, default=memory.IDLE_CONNECTIONS)
    parser.add_argument("--only", default=",".join(ATTACKS))
    parser.add_argument("--enforce", default="memory,latency", help="of memory, latency")
    arguments = parser.parse_args()
    memory.allow_files(arguments.idle + 1_000)
    report = Report(set(arguments.enforce.split(",")))
    measure_memory(arguments.server, report, arguments.idle)
    measure_other_memory(arguments.server, report)
    names = [name for name in arguments.only.split(",") if name]
    measure_attacks(arguments.server, names, arguments.seconds, report)
    for failure in report.failures:
        print(f"FAILED {failure}")
    print("RESULT " + " ".join(f"{name}={value}" for name, value in report.results.items()))
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
