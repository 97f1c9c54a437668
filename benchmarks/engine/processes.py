"""The processes of a run: `baton serve`, an adapter, and what loads them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# A scratch folder of its own: `.build` holds a build for tests, in which everything is visible.
SCRATCH = Path(os.environ.get("SCRATCH", ROOT / ".build-bench-engine")).resolve()
PEERS = ROOT / ".venv-bench/bin/python"
SIDECAR = ROOT / ".venv-langchain/bin/python"
START_SECONDS = 30.0
# A round that takes longer is stuck.
LOAD_SECONDS = 1_200.0
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
CLEAN_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith("BATON_")
}


def build() -> None:
    """Release builds as the Dockerfile makes them; what is up to date is left alone."""
    # The plan of the last build does not know of files that Baton has got since.
    (SCRATCH / "release.yaml").unlink(missing_ok=True)
    for product in ("baton", "baton-mock-adapter", "EngineLoad"):
        command = ["swift", "build", "-c", "release", "--static-swift-stdlib"]
        folders = ["--package-path", str(HERE), "--scratch-path", str(SCRATCH)]
        print("+", " ".join([*command, "--product", product]), flush=True)
        subprocess.run([*command, *folders, "--product", product], check=True)


def program(name: str) -> str:
    return str(SCRATCH / "release" / name)


class Service:
    """A process that prints READY and serves until it is ended."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=CLEAN_ENVIRONMENT
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        self.ready_at = time.time()
        if not line.startswith("READY "):
            raise RuntimeError(f"{name} did not start:\n{self.log_text()}")
        self.ready: dict[str, Any] = json.loads(line.removeprefix("READY "))

    def log_text(self) -> str:
        return self._log.read_text(errors="replace")[-4_000:]

    def cpu_seconds(self) -> float:
        """User and system time of all threads so far (proc(5), /proc/PID/stat)."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = text.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def resident_mb(self) -> float:
        """VmRSS in MiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"/proc tells no VmRSS of {self.name}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@dataclass(frozen=True)
class Outcome:
    """What a load took. CPU time is that of the server and of the adapter."""

    seconds: float
    plans: int
    tasks: int
    server_cpu: float
    adapter_cpu: float


class Baton:
    """A server with a store of its own at synchronous=FULL, and an adapter in its own process."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        self.folder = folder
        self.database = folder / "baton.db"
        self._settings = {"routes": {"default": ["mock"]}, **(settings or {})}
        self.server = self._start("127.0.0.1:0")
        self.adapter: Service | None = None

    def _start(self, listen: str) -> Service:
        file = self.folder / "baton.json"
        places = {"listen": listen, "http": "127.0.0.1:0", "store": f"sqlite:{self.database}"}
        file.write_text(json.dumps({**places, **self._settings, "log": {"level": "warning"}}))
        command = [program("baton"), "serve", "--config", str(file)]
        return Service("baton", command, self.folder)

    @property
    def address(self) -> str:
        return str(self.server.ready["grpc"])

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    def start_adapter(self, kind: str = "mock", *, with_ledger: bool = False) -> None:
        flags = ["--orchestrator", self.address, "--max-concurrency", "2000"]
        if kind == "mock":
            command = [program("baton-mock-adapter"), *flags, "--log-level", "error"]
            if with_ledger:
                command += ["--ledger", str(self.ledger)]
        else:
            script = str(HERE / "noop_adapter.py")
            data = ["--data", str(self.folder / "sidecar"), "--log-level", "error"]
            command = [str(SIDECAR), script, *flags, *data]
        self.adapter = Service(f"adapter-{kind}", command, self.folder)
        # The first plan waits until the adapter has registered: nothing is measured before.
        self.load("flat", 1, 1)

    def restart(self) -> None:
        """Kills the server and starts it again on the same address."""
        address = self.address
        self.server.kill()
        self.server = self._start(address)

    def load(self, shape: str, tasks: int, plans: int, *flags: str) -> Outcome:
        before = self._cpu()
        words = [program("EngineLoad"), self.address, shape, str(tasks), str(plans), *flags]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            # Looking at the answers is no part of the load.
            after = self._cpu()
            _, errors = process.communicate(timeout=LOAD_SECONDS)
        if process.returncode != 0:
            raise RuntimeError(f"{errors.strip()}\n{self.server.log_text()}")
        told = json.loads(line)
        return Outcome(
            told["seconds"],
            told["plans"],
            told["tasks"],
            after[0] - before[0],
            after[1] - before[1],
        )

    def _cpu(self) -> tuple[float, float]:
        adapter = self.adapter.cpu_seconds() if self.adapter else 0.0
        return self.server.cpu_seconds(), adapter

    def stop(self) -> None:
        for service in (self.adapter, self.server):
            if service is not None:
                service.kill()


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder beside the build, so that every database is on the same disk."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=SCRATCH))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def baton(
    adapter: str | None = "mock",
    *,
    with_ledger: bool = False,
    settings: dict[str, Any] | None = None,
) -> Iterator[Baton]:
    with work_folder() as folder:
        running = Baton(folder, settings)
        try:
            if adapter:
                running.start_adapter(adapter, with_ledger=with_ledger)
            yield running
        finally:
            running.stop()


def run_python(python: Path, script: str, *arguments: str) -> dict[str, float]:
    """What a script prints as one JSON object."""
    command = [str(python), str(HERE / script), *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=LOAD_SECONDS, env=CLEAN_ENVIRONMENT
    )
    if result.returncode != 0:
        raise RuntimeError(f"{script} failed:\n{result.stderr[-4_000:]}")
    told: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    return told


def run_peer(name: str, shape: str, tasks: int, plans: int) -> float:
    """Seconds that a peer takes."""
    with work_folder() as folder:
        told = run_python(
            PEERS, f"peers/{name}_peer.py", shape, str(tasks), str(plans), str(folder / "peer.db")
        )
    return told["seconds"]


def run_floor(database: Path) -> float:
    """Milliseconds of a plain commit of a chain's rows."""
    with work_folder() as folder:
        told = run_python(Path(sys.executable), "floor.py", str(database), str(folder / "floor.db"))
    return told["seconds"] / told["commits"] * 1_000
