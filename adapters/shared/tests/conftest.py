from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc, plan_pb2
from baton_adapter.testing.processes import Program
from baton_adapter.testing.registry import Registry
from gate import Gate

pytest_plugins = ["baton_adapter.testing.fixtures"]


class Adapter:
    """A scripted adapter's process, and the calls that an orchestrator makes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.channel = grpc.insecure_channel(program.ready["grpc"])
        self.stub = adapter_pb2_grpc.ExecutionAdapterStub(self.channel)

    def dispatch(
        self, key: str, attempt: int, token: int, payload: dict[str, Any], **more: Any
    ) -> adapter_pb2.TaskHandle:
        resumes = more.pop("resumes", False)
        request: Any = adapter_pb2.DispatchTaskRequest(
            plan_id="plan-1",
            task_id=f"task-{key}",
            type=more.pop("type", "scripted"),
            idempotency_key=key,
            attempt=attempt,
            token=token,
            payload_json=json.dumps(payload).encode(),
            **more,
        )
        call = self.stub.DispatchTask
        if resumes:
            request, call = adapter_pb2.ResumeTaskRequest(task=request), self.stub.ResumeTask
        handle: adapter_pb2.TaskHandle = call(request, timeout=30)
        return handle

    def resume(
        self, key: str, token: int, payload: dict[str, Any], *dialog: tuple[Any, Any]
    ) -> adapter_pb2.TaskHandle:
        """ResumeTask of attempt 1, the last turn of `dialog` being the answer."""
        return self.dispatch(key, 1, token, payload, dialog=turns(*dialog), resumes=True)

    def poll(
        self, key: str, attempt: int, token: int, wait_s: float = 30
    ) -> adapter_pb2.GetTaskResultResponse:
        request = adapter_pb2.GetTaskResultRequest(
            idempotency_key=key, attempt=attempt, token=token, wait_ms=round(wait_s * 1000)
        )
        response: adapter_pb2.GetTaskResultResponse = self.stub.GetTaskResult(request, timeout=60)
        return response

    def result(self, key: str, attempt: int, token: int) -> plan_pb2.TaskResult:
        response = self.poll(key, attempt, token)
        assert not response.pending
        return response.result

    def cancel(self, key: str, attempt: int, *, hand_back: bool = False) -> str:
        request = adapter_pb2.CancelTaskRequest(
            idempotency_key=key, attempt=attempt, hand_back=hand_back
        )
        outcome = self.stub.CancelTask(request, timeout=30).outcome
        return adapter_pb2.CancelOutcome.Name(outcome).removeprefix("CANCEL_OUTCOME_")

    def close(self) -> None:
        self.channel.close()
        if self.program.running:
            self.program.kill()


def turns(*dialog: tuple[Any, Any]) -> list[adapter_pb2.DialogTurn]:
    """Pairs of prompt and value as messages."""
    return [
        adapter_pb2.DialogTurn(
            prompt_json=json.dumps(prompt).encode(), value_json=json.dumps(value).encode()
        )
        for prompt, value in dialog
    ]


StartAdapter = Callable[..., Adapter]


@pytest.fixture
def start_adapter(registry: Registry, tmp_path: Path) -> Iterator[StartAdapter]:
    """Starts a scripted adapter; with the same data folder each time, as after a crash."""
    started: list[Adapter] = []

    def start(results: str = "callback", **flags: Any) -> Adapter:
        command = [
            sys.executable,
            str(Path(__file__).parent / "scripted_adapter.py"),
            f"--orchestrator={registry.address}",
            f"--data={tmp_path / 'data'}",
            f"--results={results}",
            *(f"--{name.replace('_', '-')}={value}" for name, value in flags.items()),
        ]
        started.append(Adapter(Program(command, folder=tmp_path)))
        return started[-1]

    yield start
    for adapter in started:
        adapter.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    opened = Gate()
    yield opened
    opened.close()
