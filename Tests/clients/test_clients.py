"""Clients in four languages see the same server: each prints the same transcript."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROGRAMS, ROOT, Stage

_EXAMPLES = ROOT / "examples/clients"
_BUILT = ROOT / ".cache/clients"
_COMMANDS: dict[str, list[str | Path]] = {
    "python": [sys.executable, _EXAMPLES / "python/client.py"],
    "cpp": [_BUILT / "cpp/client"],
    "go": [_BUILT / "go/client"],
    "swift": [PROGRAMS / "baton-example-client"],
}


@pytest.fixture(scope="session", autouse=True)
def built() -> None:
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([_EXAMPLES / "build.sh"], check=True, env=environment, timeout=600)


@pytest.mark.parametrize("language", _COMMANDS)
def test_every_language_sees_the_same(language: str, stage: Stage) -> None:
    done = subprocess.run(
        [*_COMMANDS[language], stage.server],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(_BUILT / "python")},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == (_EXAMPLES / "transcript.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", _COMMANDS)
def test_a_server_that_is_not_there_is_a_failure(language: str) -> None:
    done = subprocess.run(
        [*_COMMANDS[language], "127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(_BUILT / "python")},
    )
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr
