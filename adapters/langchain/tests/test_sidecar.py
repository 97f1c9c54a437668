"""The command `baton-langchain`, configured by a file, against a registry and a real model."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc, plan_pb2
from baton_adapter.testing.model import model_server_command
from baton_adapter.testing.processes import Program, running
from baton_adapter.testing.registry import Registry

CONFIG = """
orchestrator: {orchestrator}
instance: langchain-7
results: {results}
models:
  default: {{model: smollm2, base_url_env: TEST_MODEL_URL, api_key_env: TEST_MODEL_KEY,
            temperature: 0, max_tokens: 16, timeout: 60s}}
entrypoints: ["my_graphs.*"]
"""
GRAPH = """
import pathlib
import threading

from langchain_core.runnables import RunnableLambda

def fail_first(given, config):
    if config["configurable"]["baton_attempt"] == 1:
        raise ConnectionError("not yet")
    return {"text": given["topic"]}

def wait_for_ever(given):
    pathlib.Path("begun").touch()
    threading.Event().wait()

graph = RunnableLambda(fail_first)
endless = RunnableLambda(wait_for_ever)
"""


def start(folder: Path, registry: Registry, url: str, results: str, *flags: str) -> Program:
    """The command in a folder with a configuration and a package of the user's own."""
    text = CONFIG.format(orchestrator=registry.address, results=results)
    (folder / "langchain.yaml").write_text(text, encoding="utf-8")
    (folder / "my_graphs").mkdir(exist_ok=True)
    (folder / "my_graphs" / "unsteady.py").write_text(GRAPH, encoding="utf-8")
    command = Path(sys.executable).parent / "baton-langchain"
    environment = {**os.environ, "TEST_MODEL_URL": url, "LANGSMITH_TRACING": "true"}
    return Program([str(command), *flags], folder=folder, environment=environment)


def task(key: str, task_type: str, payload: dict[str, Any], attempt: int = 1) -> Any:
    return adapter_pb2.DispatchTaskRequest(
        plan_id="plan-1",
        task_id=key,
        type=task_type,
        idempotency_key=key,
        attempt=attempt,
        delivery=1,
        token=attempt,
        payload_json=json.dumps(payload).encode(),
        timeout_ms=120_000,
    )


PROMPT = {"system": "You answer briefly.", "prompt": "Name a colour."}
AGENT = {"role": "a poet", "goal": "write", "instructions": "Write a line on tea."}


@pytest.mark.parametrize("results", ["callback", "poll"])
def test_tasks_of_every_type(
    results: str, model_url: str, registry: Registry, tmp_path: Path
) -> None:
    program = start(tmp_path, registry, model_url, results)
    try:
        with grpc.insecure_channel(program.ready["grpc"]) as channel:
            stub = adapter_pb2_grpc.ExecutionAdapterStub(channel)
            registry.wait_for_heartbeats(1)
            assert list(registry.registrations[0].task_types) == ["prompt", "agent", "graph"]
            assert registry.registrations[0].instance == "langchain-7"
            graph = {"entrypoint": "my_graphs.unsteady:graph", "input": {"topic": "tea"}}
            requests = [
                task("prompt", "prompt", PROMPT),
                task("agent", "agent", AGENT),
                task("graph", "graph", graph),
            ]
            for request in requests:
                stub.DispatchTask(request)
            found = {key: get_result(stub, registry, results, key, 1) for key in _keys(requests)}
            for key in ("prompt", "agent"):
                assert found[key].outcome == plan_pb2.OUTCOME_SUCCEEDED, found[key]
                output = json.loads(found[key].output_json)
                assert set(output) == {"text", "json"}
                assert output["text"]
                assert 0 < found[key].usage.output_tokens <= 16
                assert found[key].usage.model == "smollm2"
            assert found["graph"].error.error_class == plan_pb2.ERROR_CLASS_TRANSIENT
            assert found["graph"].error.code == "CONNECTION_FAILED"
            stub.DispatchTask(task("graph", "graph", graph, attempt=2))
            again = get_result(stub, registry, results, "graph", 2)
            assert json.loads(again.output_json)["text"] == "tea"
            chunks = [item for item in registry.progress if item.progress.HasField("chunk")]
            assert {item.idempotency_key for item in chunks} == {"prompt", "agent"}
        assert program.terminate() == 0
        assert "Traceback" not in program.stderr
    finally:
        if program.running:
            program.kill()


def test_a_node_that_never_ends_does_not_keep_the_process(
    model_url: str, registry: Registry, tmp_path: Path
) -> None:
    program = start(tmp_path, registry, model_url, "callback", "--shutdown-in-flight=hand_back")
    try:
        with grpc.insecure_channel(program.ready["grpc"]) as channel:
            stub = adapter_pb2_grpc.ExecutionAdapterStub(channel)
            graph = {"entrypoint": "my_graphs.unsteady:endless"}
            # Progress is best effort: without a session nobody would hear that the run began.
            registry.wait_for_heartbeats(1)
            stub.DispatchTask(task("graph", "graph", graph))
            registry.wait_for(lambda: [item for item in registry.progress if item.started])
            registry.wait_for_heartbeats(1)
        assert program.terminate() == 0
        assert registry.deregistrations[-1].hand_back
        assert "left behind" in program.stderr
    finally:
        if program.running:
            program.kill()


def test_a_missing_model_is_a_bad_configuration(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"models\.default: neither a base URL nor an API key"):
        start(tmp_path, registry, "", "callback")


def test_the_local_model_server_ends_cleanly() -> None:
    with running([*model_server_command(), "--slots", "1"]) as server:
        assert server.ready["url"].startswith("http://127.0.0.1:")
        assert server.ready["model"] == "smollm2"
        assert server.terminate() == 0


def get_result(
    stub: Any, registry: Registry, results: str, key: str, attempt: int
) -> plan_pb2.TaskResult:
    """The result of one attempt, as this mode delivers it."""
    if results == "callback":
        found: plan_pb2.TaskResult = registry.wait_for(
            lambda: [
                one.result
                for one in registry.results
                if (one.idempotency_key, one.attempt) == (key, attempt)
            ]
        )[0]
        return found
    response = stub.GetTaskResult(
        adapter_pb2.GetTaskResultRequest(
            idempotency_key=key, attempt=attempt, token=attempt, wait_ms=60_000
        )
    )
    polled: plan_pb2.TaskResult = response.result
    return polled


def _keys(requests: list[Any]) -> list[str]:
    return [request.idempotency_key for request in requests]
