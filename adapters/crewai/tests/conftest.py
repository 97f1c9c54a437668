"""One sidecar runtime for the session, with a real model behind one alias and a real HTTP endpoint
behind the others.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from baton_adapter import Config, Failure, ModelConfig, Success, TaskRequest, Usage
from endpoint import Endpoint

from baton_crewai.runtime import CrewAIRuntime

pytest_plugins = ["baton_adapter.testing.fixtures"]

BEHAVIOURS = (
    "scripted", "json", "city", "town", "empty", "hang", "endless", "status_400",
    "status_400_context", "status_401", "status_403", "status_404", "status_422", "status_429",
    "status_429_quota", "status_500", "status_503",
)  # fmt: skip


@dataclass
class Recorder:
    """Keeps what a run says."""

    starts: int = 0
    chunks: list[str] = field(default_factory=list)
    messages: list[tuple[str, str, str]] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)
    first_chunk: asyncio.Event = field(default_factory=asyncio.Event)

    def started(self) -> None:
        self.starts += 1

    def chunk(self, text: str) -> None:
        self.chunks.append(text)
        self.first_chunk.set()

    def message(self, agent: str, role: str, content: str) -> None:
        self.messages.append((agent, role, content))

    def log(self, severity: str, text: str) -> None:
        self.logs.append((severity, text))

    def usage(self, so_far: Usage) -> None:
        self.usages.append(so_far)


@dataclass
class Sidecar:
    """The runtime under test and the loop that it lives in."""

    runtime: CrewAIRuntime
    config: Config
    runner: asyncio.Runner

    def run(
        self, kind: str, payload: dict[str, Any], recorder: Recorder | None = None, **more: Any
    ) -> Success | Failure:
        """Validates and runs one task to its end."""
        request = make_request(kind, payload, **more)
        self.runtime.validate(request)
        return self.runner.run(self.runtime.run(request, recorder or Recorder()))


def make_request(kind: str, payload: dict[str, Any], **more: Any) -> TaskRequest:
    request = TaskRequest("plan-1", "task-1", kind, payload, "plan-1/task-1/0")
    return replace(request, **more)


@pytest.fixture(scope="session")
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.close()


@pytest.fixture(scope="session")
def closed_port() -> Iterator[int]:
    """A port that nothing listens on: bound, so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture(scope="session")
def config(
    endpoint: Endpoint, closed_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Config:
    models = {
        name: ModelConfig(
            "openai/m",
            endpoint.url(name),
            "a-key",
            temperature=0.25,
            max_tokens=33,
            timeout_s=30.0,
        )
        for name in BEHAVIOURS
    }
    models["impatient"] = replace(models["hang"], timeout_s=0.3)
    models["refused"] = replace(models["hang"], base_url=f"http://127.0.0.1:{closed_port}/v1")
    models["default"] = models["scripted"]
    data = tmp_path_factory.mktemp("data")
    return Config("crewai", "crewai-1", data=data, models=models, entrypoints=("fixtures.*",))


@pytest.fixture(scope="session")
def sidecar(config: Config) -> Iterator[Sidecar]:
    with _in_tests_folder(), asyncio.Runner() as runner:
        runtime = CrewAIRuntime(config, grace_s=3.0)
        runner.run(runtime.start())
        yield Sidecar(runtime, config, runner)
        runner.run(runtime.close())


@pytest.fixture(scope="session")
def real(config: Config, model_url: str) -> Iterator[Sidecar]:
    """A sidecar whose default model is real."""
    model = ModelConfig("openai/smollm2", model_url, temperature=0.0, max_tokens=24)
    endless = replace(model, max_tokens=3000)
    config = replace(
        config,
        models={**config.models, "default": model, "endless_real": endless},
        data=config.data / "real",
    )
    with _in_tests_folder(), asyncio.Runner() as runner:
        runtime = CrewAIRuntime(config, grace_s=3.0)
        runner.run(runtime.start())
        yield Sidecar(runtime, config, runner)
        runner.run(runtime.close())


class _in_tests_folder:  # noqa: N801 - used like a function
    """Entry points are found from the folder that a sidecar is started in."""

    def __enter__(self) -> None:
        self._before = Path.cwd()
        os.chdir(Path(__file__).parent)

    def __exit__(self, *_: object) -> None:
        os.chdir(self._before)
