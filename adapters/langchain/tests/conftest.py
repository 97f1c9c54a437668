from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from baton_adapter.config import Config, ModelConfig
from baton_adapter.runtime import Progress, TaskRequest, Turn, Usage

pytest_plugins = ["baton_adapter.testing.fixtures"]
sys.path.insert(0, str(Path(__file__).parent))


class Recorded(Progress):
    """What a run said."""

    def __init__(self) -> None:
        self.began = 0
        self.text = ""
        self.messages: list[tuple[str, str, str]] = []
        self.logs: list[tuple[str, str]] = []
        self.used: list[Usage] = []

    def started(self) -> None:
        self.began += 1

    def chunk(self, text: str) -> None:
        self.text += text

    def message(self, agent: str, role: str, content: str) -> None:
        self.messages.append((agent, role, content))

    def log(self, severity: str, text: str) -> None:
        self.logs.append((severity, text))

    def usage(self, so_far: Usage) -> None:
        self.used.append(so_far)


@pytest.fixture
def recorded() -> Recorded:
    return Recorded()


MakeConfig = Callable[..., Config]


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """A configuration whose default model is at `base_url`."""

    def make(base_url: str = "http://127.0.0.1:9/v1", timeout_s: float = 60.0) -> Config:
        model = ModelConfig("openai/smollm2", base_url, max_tokens=24, timeout_s=timeout_s)
        return Config(
            adapter="langchain",
            instance="langchain-1",
            data=tmp_path / "data",
            models={"default": model, "other": model},
            entrypoints=("sample_graphs", "missing_*"),
        )

    return make


def request_of(
    task_type: str,
    /,
    *,
    attempt: int = 1,
    feedback: str = "",
    dialog: tuple[Turn, ...] = (),
    resumes: bool = False,
    **payload: Any,
) -> TaskRequest:
    return TaskRequest(
        plan_id="plan-1",
        task_id="task-1",
        type=task_type,
        payload=payload,
        idempotency_key="plan-1/task-1/0",
        attempt=attempt,
        feedback=feedback,
        metadata={"color": "green"},
        dialog=dialog,
        resumes=resumes,
    )
