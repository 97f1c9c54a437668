"""The local model server, as a process in its own environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from baton_adapter.testing.processes import running

_VARIABLE = "BATON_MODEL_PYTHON"


def model_server_command() -> list[str]:
    """serve.py, run by `.venv-model` beside the adapters or by `BATON_MODEL_PYTHON`."""
    adapters = next(
        folder for folder in Path(__file__).resolve().parents if folder.name == "adapters"
    )
    python = os.environ.get(_VARIABLE) or adapters.parent / ".venv-model" / "bin" / "python"
    return [str(python), str(adapters / "model" / "serve.py")]


@contextlib.contextmanager
def local_model() -> Iterator[str]:
    """The base URL of a real OpenAI-compatible server with a small real model."""
    with running(model_server_command()) as server:
        yield str(server.ready["url"])
