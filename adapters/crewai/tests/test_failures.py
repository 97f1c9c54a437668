"""What a model's endpoint does to an attempt: one call, and an error in the contract's words."""

from __future__ import annotations

from typing import Any

import pytest
from baton_adapter import ErrorClass, Failure
from conftest import Sidecar
from endpoint import Endpoint

AGENT = {"role": "r", "goal": "g", "backstory": "b"}
DEFINITION: dict[str, Any] = {
    "agents": {"a": AGENT},
    "tasks": [{"description": "Say hello.", "expected_output": "Hello.", "agent": "a"}],
}


def failed(outcome: Any) -> Failure:
    assert isinstance(outcome, Failure), outcome
    return outcome


@pytest.mark.parametrize("kind", ["prompt", "agent", "crew"])
@pytest.mark.parametrize(
    ("model", "error_class", "code", "retry_after_s"),
    [
        ("status_400", ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST", 0),
        ("status_401", ErrorClass.PERMANENT, "MODEL_AUTHENTICATION_FAILED", 0),
        ("status_403", ErrorClass.PERMANENT, "MODEL_PERMISSION_DENIED", 0),
        ("status_404", ErrorClass.PERMANENT, "MODEL_NOT_FOUND", 0),
        ("status_422", ErrorClass.PERMANENT, "MODEL_REFUSED_REQUEST", 0),
        ("status_429", ErrorClass.RATE_LIMITED, "RATE_LIMITED", 7),
        ("status_429_quota", ErrorClass.PERMANENT, "INSUFFICIENT_QUOTA", 0),
        ("status_500", ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE", 0),
        ("status_503", ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE", 0),
        ("impatient", ErrorClass.TIMEOUT, "TIMEOUT", 0),
        ("refused", ErrorClass.TRANSIENT, "CONNECTION_FAILED", 0),
    ],
)
def test_one_call_and_its_class(
    sidecar: Sidecar,
    endpoint: Endpoint,
    kind: str,
    model: str,
    error_class: ErrorClass,
    code: str,
    retry_after_s: float,
) -> None:
    payloads: dict[str, dict[str, Any]] = {
        "prompt": {"prompt": "Say hello.", "model": model},
        "agent": {"role": "r", "goal": "g", "instructions": "Say hello.", "model": model},
        "crew": {"definition": {**DEFINITION, "agents": {"a": {**AGENT, "llm": model}}}},
    }
    behaviour = "hang" if model == "impatient" else model
    before = endpoint.hits[behaviour]
    outcome = failed(sidecar.run(kind, payloads[kind]))
    assert (outcome.error_class, outcome.code) == (error_class, code)
    assert outcome.retry_after_s == retry_after_s
    assert outcome.message
    assert "Traceback" in outcome.diagnostics
    assert endpoint.hits[behaviour] - before == (0 if model == "refused" else 1)


@pytest.mark.parametrize("entrypoint", ["with_hierarchy", "BrokenFlow"])
def test_agents_that_are_made_late_do_not_repeat_either(
    sidecar: Sidecar, endpoint: Endpoint, entrypoint: str
) -> None:
    before = endpoint.hits["status_500"]
    outcome = failed(sidecar.run("crew", {"entrypoint": f"fixtures.crews:{entrypoint}"}))
    assert (outcome.error_class, outcome.code) == (ErrorClass.TRANSIENT, "MODEL_UNAVAILABLE")
    assert endpoint.hits["status_500"] - before == 1


@pytest.mark.parametrize(
    ("entrypoint", "error_class", "code"),
    [
        ("with_guardrail", ErrorClass.INVALID_OUTPUT, "GUARDRAIL_FAILED"),
        ("with_fenced_json", ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED"),
        ("with_other_json", ErrorClass.INVALID_OUTPUT, "OUTPUT_NOT_PARSED"),
        ("fails_with_connection_error", ErrorClass.TRANSIENT, "CONNECTION_FAILED"),
        ("fails_with_key_error", ErrorClass.TRANSIENT, "UNKNOWN"),
        ("exits", ErrorClass.TRANSIENT, "UNKNOWN"),
        ("aborts", ErrorClass.PERMANENT, "HOOK_ABORTED"),
    ],
)
def test_what_a_users_code_raises(
    sidecar: Sidecar, entrypoint: str, error_class: ErrorClass, code: str
) -> None:
    outcome = failed(sidecar.run("crew", {"entrypoint": f"fixtures.crews:{entrypoint}"}))
    assert (outcome.error_class, outcome.code) == (error_class, code)


def test_an_empty_answer_is_invalid_output(sidecar: Sidecar) -> None:
    outcome = failed(sidecar.run("prompt", {"prompt": "Say nothing.", "model": "empty"}))
    assert (outcome.error_class, outcome.code) == (ErrorClass.INVALID_OUTPUT, "EMPTY_RESPONSE")


def test_a_failure_carries_what_was_spent(sidecar: Sidecar) -> None:
    outcome = failed(sidecar.run("crew", {"entrypoint": "fixtures.crews:with_guardrail"}))
    assert (outcome.usage.input_tokens, outcome.usage.output_tokens) == (7, 5)
    assert outcome.usage.calls == 1
