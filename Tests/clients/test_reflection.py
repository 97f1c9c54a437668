"""grpcurl and `buf curl` look at a server and call it, without its proto files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from conftest import ROOT, Stage, program

_TOOLS = Path(sys.executable).parent
_REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]
_SERVICES = ["baton.v1.AdapterRegistry", "baton.v1.Orchestrator", "grpc.health.v1.Health"]
_NOTE = {"name": "note", "tasks": [{"id": "draft", "type": "prompt"}]}
_CIRCLE = {"tasks": [{"id": "a", "type": "prompt", "depends_on": ["a"]}]}


def _run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=folder)


class _Tool:
    """A tool that calls a server; it runs in a folder without proto files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError

    def answer(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def call(self, server: str, method: str, request: object) -> Any:
        raise NotImplementedError


class _Grpcurl(_Tool):
    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return _run(_TOOLS / "grpcurl", "-plaintext", *arguments, folder=self._folder)

    def call(self, server: str, method: str, request: object) -> Any:
        return json.loads(self.answer("-d", json.dumps(request), server, method))


class _BufCurl(_Tool):
    _OPTIONS = ("--http2-prior-knowledge", "--protocol", "grpc", "--reflect")

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return _run(_TOOLS / "buf", "curl", *self._OPTIONS, *arguments, folder=self._folder)

    def call(self, server: str, method: str, request: object) -> Any:
        return json.loads(self.answer("-d", json.dumps(request), f"http://{server}/{method}"))


@pytest.fixture
def grpcurl(tmp_path: Path) -> _Grpcurl:
    return _Grpcurl(tmp_path)


@pytest.fixture
def buf_curl(tmp_path: Path) -> _BufCurl:
    return _BufCurl(tmp_path)


@pytest.fixture(params=[_Grpcurl, _BufCurl])
def tool(request: pytest.FixtureRequest, tmp_path: Path) -> _Tool:
    made: _Tool = request.param(tmp_path)
    return made


def test_grpcurl_lists_what_is_served(grpcurl: _Grpcurl, stage: Stage) -> None:
    assert grpcurl.answer(stage.server, "list").split() == _SERVICES + _REFLECTION
    adapter = ["baton.v1.ExecutionAdapter", "grpc.health.v1.Health"]
    assert grpcurl.answer(stage.adapter, "list").split() == adapter + _REFLECTION
    methods = grpcurl.answer(stage.server, "list", "baton.v1.Orchestrator").split()
    proto = (ROOT / "proto/baton/v1/orchestrator.proto").read_text()
    assert len(methods) == proto.count("\n  rpc ")
    assert "baton.v1.Orchestrator.SubmitPlan" in methods


def test_grpcurl_describes_what_the_proto_files_say(grpcurl: _Grpcurl, stage: Stage) -> None:
    method = grpcurl.answer(stage.server, "describe", "baton.v1.Orchestrator.StreamPlanEvents")
    assert (
        "rpc StreamPlanEvents ( .baton.v1.StreamPlanEventsRequest ) "
        "returns ( stream .baton.v1.StreamPlanEventsResponse );" in method
    )
    assert "string request_key = 3;" in grpcurl.answer(
        stage.server, "describe", "baton.v1.SubmitPlanRequest"
    )
    for service in _SERVICES + _REFLECTION:
        assert f"{service} is a service:" in grpcurl.answer(stage.server, "describe", service)
    unknown = grpcurl.run(stage.server, "describe", "baton.v1.Nothing")
    assert unknown.returncode != 0
    assert "Symbol not found" in unknown.stderr


def _files(descriptors: Path) -> dict[str, descriptor_pb2.FileDescriptorProto]:
    found = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    return {file.name: file for file in found.file}


def test_what_a_server_hands_out_are_its_proto_files(
    grpcurl: _Grpcurl, stage: Stage, tmp_path: Path
) -> None:
    served, built = tmp_path / "served.binpb", tmp_path / "built.binpb"
    grpcurl.answer("-protoset-out", str(served), stage.server, "describe")
    options = ("--as-file-descriptor-set", "--exclude-source-info", "--output", built)
    done = _run(_TOOLS / "buf", "build", *options, folder=ROOT / "proto")
    assert done.returncode == 0, done.stderr
    wanted = _files(built)
    found = _files(served)
    assert {"baton/v1/orchestrator.proto", "baton/v1/plan.proto"} <= found.keys()
    assert found == {name: wanted[name] for name in found}


@pytest.mark.parametrize("version", ["grpc-v1", "grpc-v1alpha"])
def test_buf_curl_lists_what_is_served(buf_curl: _BufCurl, stage: Stage, version: str) -> None:
    options = ("--reflect-protocol", version, f"http://{stage.server}")
    assert buf_curl.answer(*options, "--list-services").split() == _SERVICES + _REFLECTION
    methods = buf_curl.answer(*options, "--list-methods").split()
    assert "baton.v1.Orchestrator/SubmitPlan" in methods
    assert "grpc.health.v1.Health/Watch" in methods


def test_calls_through_reflection(tool: _Tool, stage: Stage) -> None:
    info = tool.call(stage.server, "baton.v1.Orchestrator/GetServerInfo", {})
    assert info["store"] == "memory"
    assert info["limits"]["max_tasks"] == "20000"
    health = tool.call(stage.server, "grpc.health.v1.Health/Check", {})
    assert health == {"status": "SERVING"}
    valid = tool.call(stage.server, "baton.v1.Orchestrator/ValidatePlan", {"plan": _NOTE})
    assert valid["criticalPath"] == ["draft"]
    wrong = tool.call(stage.server, "baton.v1.Orchestrator/ValidatePlan", {"plan": _CIRCLE})
    assert [problem["reason"] for problem in wrong["problems"]] == ["SELF_DEPENDENCY"]
    submitted = tool.call(stage.server, "baton.v1.Orchestrator/SubmitPlan", {"plan": _NOTE})
    assert submitted["created"] is True
    plan_id = {"plan_id": submitted["planId"]}
    state = tool.call(stage.server, "baton.v1.Orchestrator/GetPlan", plan_id)["state"]
    assert state["name"] == "note"


def test_grpcurl_follows_a_stream(grpcurl: _Grpcurl, stage: Stage) -> None:
    submitted = grpcurl.call(stage.server, "baton.v1.Orchestrator/SubmitPlan", {"plan": _NOTE})
    request = json.dumps({"plan_id": submitted["planId"]})
    method = "baton.v1.Orchestrator/StreamPlanEvents"
    events = grpcurl.answer("-max-time", "20", "-d", request, stage.server, method)
    assert events.count('"seq"') == 6
    assert '"kind": "plan_completed"' in events


def test_grpcurl_shows_the_details_of_a_refusal(grpcurl: _Grpcurl, stage: Stage) -> None:
    plan = json.dumps({"plan": _CIRCLE})
    done = grpcurl.run("-d", plan, stage.server, "baton.v1.Orchestrator/SubmitPlan")
    # grpcurl adds the code to 64.
    assert done.returncode == 64 + 3
    assert "Code: InvalidArgument" in done.stderr
    assert '"reason":"SELF_DEPENDENCY"' in done.stderr.replace('": "', '":"')


def test_buf_curl_shows_the_details_of_a_refusal(buf_curl: _BufCurl, stage: Stage) -> None:
    url = f"http://{stage.server}/baton.v1.Orchestrator/SubmitPlan"
    done = buf_curl.run("-d", json.dumps({"plan": _CIRCLE}), url)
    # buf multiplies the code by 8.
    assert done.returncode == 8 * 3
    refusal = json.loads(done.stderr)
    assert refusal["code"] == "invalid_argument"
    assert [detail["type"] for detail in refusal["details"]] == ["google.rpc.ErrorInfo"]


def test_reflection_can_be_turned_off(grpcurl: _Grpcurl, tmp_path: Path) -> None:
    serve = ("serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", "memory")
    with program("baton", *serve, "--reflection", "false", folder=tmp_path) as server:
        listed = grpcurl.run(server["grpc"], "list")
        assert listed.returncode != 0
        assert "does not support the reflection API" in listed.stderr
