"""Portable types against a real model, graphs, and every kind of failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from baton_adapter.config import Config
from baton_adapter.runtime import ErrorClass, Failure, Outcome, Rejection, Success, TaskRequest
from baton_adapter.testing.endpoint import RETRY_AFTER_S, ModelErrors, refusing_url
from baton_langchain.runtime import LangChainRuntime
from conftest import MakeConfig, Recorded, request_of
from sample_graphs import Gate

AGENT: dict[str, Any] = {"role": "a poet", "goal": "write", "instructions": "Write a line on tea."}
BAD_CONFIGS: list[Any] = [
    [],
    {"callbacks": []},
    {"configurable": 1},
    {"recursion_limit": 0},
    {"tags": "a"},
]
_T = TypeVar("_T")


def with_runtime(config: Config, use: Callable[[LangChainRuntime], Awaitable[_T]]) -> _T:
    async def main() -> _T:
        runtime = LangChainRuntime(config)
        await runtime.start()
        try:
            return await use(runtime)
        finally:
            await runtime.close()

    return asyncio.run(main())


def run(config: Config, request: TaskRequest, recorded: Recorded) -> Outcome | Failure:
    async def use(runtime: LangChainRuntime) -> Outcome | Failure:
        runtime.validate(request)
        return await runtime.run(request, recorded)

    return with_runtime(config, use)


def succeed(config: Config, request: TaskRequest, recorded: Recorded) -> Any:
    outcome = run(config, request, recorded)
    assert isinstance(outcome, Success), outcome
    json.dumps(outcome.output, allow_nan=False)
    return outcome.output


def fail(config: Config, request: TaskRequest, recorded: Recorded) -> Failure:
    outcome = run(config, request, recorded)
    assert isinstance(outcome, Failure), outcome
    return outcome


@pytest.mark.parametrize(
    "request_",
    [
        request_of("prompt", system="You answer briefly.", prompt="Name a colour."),
        request_of("prompt", prompt="Name a colour.", model="other", feedback="too long"),
        request_of("agent", **AGENT),
        request_of("agent", **AGENT, backstory="Born on a boat.", expected_output="one line"),
    ],
    ids=["prompt", "prompt-feedback", "agent", "agent-full"],
)
def test_portable_types_run_on_a_real_model(
    request_: TaskRequest, model_url: str, make_config: MakeConfig, recorded: Recorded
) -> None:
    outcome = run(make_config(model_url), request_, recorded)
    assert isinstance(outcome, Success), outcome
    assert set(outcome.output) == {"text", "json"}
    assert outcome.output["text"].strip()
    assert recorded.began == 1
    assert recorded.text == outcome.output["text"]
    assert recorded.messages == [
        (request_.payload.get("role", "task-1"), "assistant", outcome.output["text"])
    ]
    assert outcome.usage.calls == 1
    assert outcome.usage.model == "smollm2"
    assert outcome.usage.input_tokens > 0
    assert 0 < outcome.usage.output_tokens <= 24
    assert recorded.used[-1] == outcome.usage


@pytest.mark.parametrize(
    ("kind", "error_class", "code"),
    [
        ("400", ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST"),
        ("401", ErrorClass.PERMANENT, "MODEL_AUTHENTICATION_FAILED"),
        ("403", ErrorClass.PERMANENT, "MODEL_PERMISSION_DENIED"),
        ("404", ErrorClass.PERMANENT, "MODEL_NOT_FOUND"),
        ("422", ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST"),
        ("408", ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
        ("429", ErrorClass.RATE_LIMITED, "RATE_LIMITED"),
        ("quota", ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA"),
        ("500", ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
        ("503", ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE"),
    ],
)
@pytest.mark.parametrize("task_type", ["prompt", "agent"])
def test_a_refusing_model_is_called_once_and_classified(
    task_type: str,
    kind: str,
    error_class: ErrorClass,
    code: str,
    refusals: ModelErrors,
    make_config: MakeConfig,
    recorded: Recorded,
) -> None:
    before = refusals.calls(kind)
    payload = {"prompt": "Hi"} if task_type == "prompt" else AGENT
    failure = fail(make_config(refusals.url(kind)), request_of(task_type, **payload), recorded)
    assert (failure.error_class, failure.code) == (error_class, code), failure
    assert failure.retry_after_s == (RETRY_AFTER_S if kind == "429" else 0)
    assert failure.usage.calls == 1
    assert "Error" in failure.diagnostics
    assert refusals.calls(kind) == before + 1


def test_a_model_that_does_not_answer_in_time(
    refusals: ModelErrors, make_config: MakeConfig, recorded: Recorded
) -> None:
    config = make_config(refusals.url("hang"), timeout_s=0.3)
    failure = fail(config, request_of("prompt", prompt="Hi"), recorded)
    assert (failure.error_class, failure.code) == (ErrorClass.TIMEOUT, "TIMEOUT")


def test_a_model_that_is_not_there(make_config: MakeConfig, recorded: Recorded) -> None:
    with refusing_url() as url:
        failure = fail(make_config(url), request_of("prompt", prompt="Hi"), recorded)
    assert (failure.error_class, failure.code) == (ErrorClass.TRANSIENT, "CONNECTION_FAILED")


@pytest.mark.parametrize("name", ["builder", "compiled", "factory"])
def test_graphs_of_every_form(name: str, make_config: MakeConfig, recorded: Recorded) -> None:
    request = request_of("graph", entrypoint=f"sample_graphs:{name}", input={"topic": "tea"})
    assert succeed(make_config(), request, recorded) == {
        "text": '{"done": true}',
        "json": {"done": True},
        "state": {
            "topic": "tea",
            "steps": ["first about tea", "second"],
            "text": '{"done": true}',
        },
    }


@pytest.mark.parametrize(
    ("name", "given", "output"),
    [
        ("runnable", [1], {"text": "got [1]", "json": None, "state": "got [1]"}),
        (
            "factory_with_config",
            None,
            {"text": "attempt 1", "json": None, "state": {"text": "attempt 1"}},
        ),
        (
            "messages",
            {"messages": [{"role": "user", "content": "hi"}]},
            {
                "text": "echo: hi",
                "json": None,
                "state": {
                    "messages": [
                        {"role": "human", "content": "hi"},
                        {"role": "ai", "content": "echo: hi"},
                    ]
                },
            },
        ),
    ],
)
def test_the_shape_of_a_graphs_output(
    name: str, given: Any, output: Any, make_config: MakeConfig, recorded: Recorded
) -> None:
    request = request_of("graph", entrypoint=f"sample_graphs:{name}", input=given)
    assert succeed(make_config(), request, recorded) == output


def test_a_state_without_text_is_its_own_text(make_config: MakeConfig, recorded: Recorded) -> None:
    request = request_of(
        "graph", entrypoint="sample_graphs:unsteady", input={}, attempt=2, feedback="shorter"
    )
    state = {"steps": ["plan-1", "task-1", "plan-1/task-1/0", "shorter", "green"]}
    output = succeed(make_config(), request, recorded)
    assert output == {"text": json.dumps(state), "json": state, "state": state}


@pytest.mark.parametrize(
    ("entrypoint", "error_class", "code"),
    [
        ("sample_graphs:unsteady", ErrorClass.TRANSIENT, "CONNECTION_FAILED"),
        ("sample_graphs:broken", ErrorClass.TRANSIENT, "UNKNOWN"),
        ("sample_graphs:exiting", ErrorClass.TRANSIENT, "UNKNOWN"),
        ("sample_graphs:endless", ErrorClass.PERMANENT, "GRAPH_RECURSION_LIMIT"),
        ("sample_graphs:pausing", ErrorClass.UNSUPPORTED, "INTERRUPTED"),
        ("sample_graphs:not_json", ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_JSON"),
        ("sample_graphs:nothing_that_runs", ErrorClass.PERMANENT, "ENTRYPOINT_INVALID"),
        ("sample_graphs:factory_of_nothing", ErrorClass.PERMANENT, "ENTRYPOINT_INVALID"),
        ("sample_graphs:no_such_name", ErrorClass.PERMANENT, "ENTRYPOINT_INVALID"),
        ("missing_module:graph", ErrorClass.PERMANENT, "ENTRYPOINT_INVALID"),
    ],
)
def test_graphs_that_fail(
    entrypoint: str,
    error_class: ErrorClass,
    code: str,
    make_config: MakeConfig,
    recorded: Recorded,
) -> None:
    failure = fail(make_config(), request_of("graph", entrypoint=entrypoint, input={}), recorded)
    assert (failure.error_class, failure.code) == (error_class, code), failure


def test_an_attempt_that_was_cut_off_goes_on_where_it_was(
    make_config: MakeConfig, recorded: Recorded, tmp_path: Path
) -> None:
    config = make_config()
    payload: dict[str, Any] = {
        "entrypoint": "sample_graphs:resumable",
        "input": {"folder": str(tmp_path)},
    }
    with pytest.raises(KeyboardInterrupt):
        run(config, request_of("graph", **payload), recorded)
    assert list((config.data / "checkpoints").glob("*.db"))
    output = succeed(config, request_of("graph", **payload), recorded)
    assert output["text"] == "resumed"
    assert (tmp_path / "first").read_text() == "ran\n"
    assert not list((config.data / "checkpoints").iterdir())

    # A new attempt starts fresh.
    succeed(config, request_of("graph", attempt=2, **payload), recorded)
    assert (tmp_path / "first").read_text() == "ran\nran\n"


def test_cancelling_frees_the_model_at_once(
    refusals: ModelErrors, make_config: MakeConfig, recorded: Recorded
) -> None:
    async def use(runtime: LangChainRuntime) -> None:
        before = refusals.calls("hang")
        work = asyncio.create_task(runtime.run(request_of("prompt", prompt="Hi"), recorded))
        await asyncio.to_thread(refusals.wait_for_calls, "hang", before + 1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(work, 10)

    with_runtime(make_config(refusals.url("hang")), use)


def test_a_cancelled_run_ends_with_its_last_synchronous_node(
    make_config: MakeConfig, recorded: Recorded
) -> None:
    async def use(runtime: LangChainRuntime) -> None:
        request = request_of("graph", entrypoint="sample_graphs:gated", input={})
        work = asyncio.create_task(runtime.run(request, recorded))
        await asyncio.to_thread(Gate.begun.wait)
        for _ in range(2):
            work.cancel()
            done, _ = await asyncio.wait({work}, timeout=0.05)
            assert not done
        Gate.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(work, 10)
        assert Gate.ended.is_set()

    with_runtime(make_config(), use)


@pytest.mark.parametrize(
    ("request_", "error_class", "code"),
    [
        (request_of("prompt"), ErrorClass.PERMANENT, "INVALID_PAYLOAD"),
        (request_of("prompt", prompt="Hi", model="gpt"), ErrorClass.UNSUPPORTED, "MODEL_UNKNOWN"),
        (request_of("agent", **AGENT, tools=["web"]), ErrorClass.UNSUPPORTED, "TOOL_UNKNOWN"),
        (request_of("agent", role="x", goal="y"), ErrorClass.PERMANENT, "INVALID_PAYLOAD"),
        (request_of("graph"), ErrorClass.PERMANENT, "INVALID_PAYLOAD"),
        (request_of("graph", remote="r"), ErrorClass.UNSUPPORTED, "REMOTE_UNKNOWN"),
        (request_of("graph", entrypoint="os"), ErrorClass.PERMANENT, "INVALID_PAYLOAD"),
        (
            request_of("graph", entrypoint="os:system"),
            ErrorClass.PERMANENT,
            "ENTRYPOINT_NOT_ALLOWED",
        ),
        *(
            (
                request_of("graph", entrypoint="sample_graphs:compiled", config=config),
                ErrorClass.PERMANENT,
                "INVALID_PAYLOAD",
            )
            for config in BAD_CONFIGS
        ),
    ],
)
def test_tasks_that_can_never_run_are_rejected(
    request_: TaskRequest, error_class: ErrorClass, code: str, make_config: MakeConfig
) -> None:
    runtime = LangChainRuntime(make_config())
    with pytest.raises(Rejection) as caught:
        runtime.validate(request_)
    assert (caught.value.error_class, caught.value.code) == (error_class, code)
    assert "payload" in caught.value.message
