"""The command as the orchestrator sees it: a process that speaks gRPC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc
from endpoint import HELLO, Endpoint

CONFIGURATION = """
listen: 127.0.0.1:0
results: poll
models:
  default: {{model: openai/m, base_url: "{url}", api_key: k, timeout: 30s}}
entrypoints: ["fixtures.*"]
"""


@pytest.fixture
def command(
    tmp_path: Path, endpoint: Endpoint, closed_port: int
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    file = tmp_path / "crewai.yaml"
    file.write_text(CONFIGURATION.format(url=endpoint.url("scripted")))
    process = subprocess.Popen(
        [
            *(Path(sys.executable).with_name("baton-crewai"), "--config", file),
            *("--data", tmp_path / "data", "--orchestrator", f"127.0.0.1:{closed_port}"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("READY ")
    yield process, json.loads(line.removeprefix("READY "))["grpc"]
    process.kill()
    process.wait()


def dispatch(stub: adapter_pb2_grpc.ExecutionAdapterStub, key: str, kind: str, body: str) -> None:
    stub.DispatchTask(
        adapter_pb2.DispatchTaskRequest(
            namespace="default",
            plan_id="plan",
            task_id=key,
            type=kind,
            payload_json=body.encode(),
            attempt=1,
            delivery=1,
            token=1,
            idempotency_key=key,
            timeout_ms=30_000,
        )
    )


def test_a_task_from_its_dispatch_to_its_result(
    command: tuple[subprocess.Popen[str], str],
) -> None:
    process, address = command
    with grpc.insecure_channel(address) as channel:
        stub = adapter_pb2_grpc.ExecutionAdapterStub(channel)
        info = stub.GetAdapterInfo(adapter_pb2.GetAdapterInfoRequest())
        assert info.framework == "crewai"
        assert list(info.task_types) == ["prompt", "agent", "crew"]

        dispatch(stub, "one", "prompt", '{"prompt": "Say hello."}')
        answer = stub.GetTaskResult(
            adapter_pb2.GetTaskResultRequest(
                idempotency_key="one", attempt=1, token=1, wait_ms=30_000
            )
        )
        assert json.loads(answer.result.output_json) == {"text": HELLO, "json": None}
        assert answer.result.usage.output_tokens == 5

        for kind, body, status in (
            ("crew", '{"entrypoint": "os:abort"}', grpc.StatusCode.INVALID_ARGUMENT),
            ("prompt", '{"prompt": "p", "model": "x"}', grpc.StatusCode.UNIMPLEMENTED),
            ("graph", '{"entrypoint": "fixtures.x:y"}', grpc.StatusCode.UNIMPLEMENTED),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                dispatch(stub, f"two-{kind}", kind, body)
            assert refused.value.code() == status
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_an_interrupt_ends_the_command_cleanly(command: tuple[subprocess.Popen[str], str]) -> None:
    process, _ = command
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) == 0
