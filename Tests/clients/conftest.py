"""A real server with the mock adapter, on free ports, for clients of every kind."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Where the programs of this package were built.
PROGRAMS = Path(os.environ.get("BATON_BIN", ROOT / ".build/release"))


@contextmanager
def program(name: str, *arguments: str, folder: Path) -> Iterator[dict[str, str]]:
    """Runs a program of ours; what its READY line says. It must end with 0 when asked to."""
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [PROGRAMS / name, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("READY "), (folder / f"{name}.log").read_text()[-2000:]
        yield json.loads(line.removeprefix("READY "))
        process.terminate()
        assert process.wait(timeout=40) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Stage:
    """Where the server and the adapter listen."""

    server: str
    adapter: str


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    serve = ("serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory")
    routes = ("--routes", "{default: [mock]}")
    with program("baton", *serve, *routes, folder=folder) as server:
        address = server["grpc"]
        orchestrator = ("--orchestrator", address, "--instance", "mock-1")
        with program("baton-mock-adapter", *orchestrator, folder=folder) as adapter:
            yield Stage(server=address, adapter=adapter["grpc"])
