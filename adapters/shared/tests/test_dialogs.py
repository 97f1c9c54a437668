"""Runs that ask, by the rules of the hand-out and over real gRPC."""

from __future__ import annotations

import json
from typing import Any

import grpc
import pytest
from baton_adapter import messages
from baton_adapter._generated.baton.v1 import plan_pb2, registry_pb2
from baton_adapter.runtime import Question
from baton_adapter.testing.registry import Registry
from conftest import Adapter, StartAdapter, turns
from gate import Gate
from test_handout import refusal
from test_runs import Transcript

TRANSCRIPTS = {
    "a question that is taken is in no list, and its run goes on with the answer": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        list -> a#1:5:FINISHED
        poll a#1 5 -> FINISHED Q1
        reported a#1 5 SETTLED -> DONE
        list ->
        poll a#1 5 -> NOT_FOUND
        restart
        resume a#1 7 1 -> START e1-1
        list -> a#1:7:RUNNING
        finish a#1 R
        reported a#1 7 SETTLED -> DONE
        resume a#1 8 2 -> ENDED
    """,
    "P1: the same answer again is the same run, whatever has become of it": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        reported a#1 5 SETTLED -> DONE
        resume a#1 7 1 -> START e1-1
        resume a#1 7 1 -> SAME e1-1
        ask a#1 2
        resume a#1 7 1 -> SAME e1-1
        reported a#1 7 SETTLED -> DONE
        resume a#1 7 1 -> SAME e1-1
        resume a#1 9 2 -> START e1-1
    """,
    "P2: an answer for a run that is not parked here is refused": """
        resume a#1 7 1 -> LOST
        rows_stored -> 0
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        reported a#1 5 SETTLED -> DONE
        resume a#1 7 1 -> START e1-1
        restart
        resume a#1 7 1 -> LOST
        resume a#1 8 1 -> LOST
        dispatch a#1 8 1 -> START e1-1
    """,
    "P6: an answer that comes before the acknowledgement stands for it": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        resume a#1 7 1 -> START e1-1
        reported a#1 5 SETTLED -> DONE
        list -> a#1:7:RUNNING
    """,
    "a hand-out that knows no answer delivers the question again; one that does begins anew": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        reported a#1 5 REFUSED -> DONE
        dispatch a#1 6 -> SAME e1-1
        due -> a#1:6
        dispatch a#1 8 1 -> START e1-1
    """,
    "P9: a late hand-out does not start a parked run": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        reported a#1 5 SETTLED -> DONE
        dispatch a#1 5 -> LOST
        dispatch a#1 4 -> LOST
        resume a#1 6 0 -> LOST
    """,
    "P8: ALREADY_TERMINAL ends a run that asks, and so does a cancel": """
        dispatch a#1 5 -> START e1-1
        ask a#1 1
        reported a#1 5 TERMINAL -> DONE
        resume a#1 7 1 -> ENDED
        dispatch b#1 5 -> START e1-2
        ask b#1 1
        forget b#1
        cancel b#1 -> NOT_FOUND
        resume b#1 7 1 -> CANCELLED
    """,
    "a parked run takes no place, and waits for one": """
        dispatch a#1 1 -> START e1-1
        ask a#1 1
        reported a#1 1 SETTLED -> DONE
        dispatch b#1 1 -> START e1-2
        dispatch c#1 1 -> START e1-3
        resume a#1 3 1 -> NO_ROOM
        finish b#1 R
        resume a#1 3 1 -> START e1-1
    """,
    "a parked run is kept as long as a lost one": """
        dispatch a#1 1 -> START e1-1
        ask a#1 1
        reported a#1 1 SETTLED -> DONE
        wait 999
        rows_stored -> 1
        restart
        wait 999
        rows_stored -> 1
        wait 1
        resume a#1 3 1 -> LOST
    """,
}


@pytest.mark.parametrize("text", TRANSCRIPTS.values(), ids=TRANSCRIPTS)
def test_transcript(text: str) -> None:
    transcript = Transcript()
    for line in text.strip().splitlines():
        event, _, wanted = line.partition("->")
        assert transcript.play(event) == wanted.strip(), line.strip()


def told(adapter: Adapter, token: int) -> Any:
    return json.loads(adapter.result("a", 1, token).output_json)


def test_a_run_asks_and_goes_on_over_a_kill_of_the_adapter(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    payload = {"gate": gate.port}
    adapter = start_adapter(max_concurrency=1)
    handle = adapter.dispatch("a", 1, 5, payload).handle
    gate.next().tell(ask={"how": "much?"})
    reported = registry.wait_for(lambda: registry.results)[0]
    assert reported.result.outcome == plan_pb2.OUTCOME_WAITING_INPUT
    assert json.loads(reported.result.prompt_json) == {"how": "much?"}
    assert reported.result.usage.output_tokens == 2
    # Parked: in no list, and its place is free.
    registry.wait_for(lambda: registry.heartbeats and not registry.heartbeats[-1].runs.runs)
    adapter.dispatch("b", 1, 1, payload)
    gate.next().tell(succeed={"text": ""})
    registry.wait_for(lambda: registry.results[1:])
    registry.wait_for_heartbeats(2)
    adapter.program.kill()

    adapter = start_adapter("poll")
    turn = ({"how": "much?"}, 7)
    again = adapter.resume("a", 7, payload, turn)
    assert (again.handle, again.token, again.attempt) == (handle, 7, 1)
    run = gate.next()
    assert run.key == "a#1"
    assert adapter.resume("a", 7, payload, turn).handle == handle
    run.tell(ask="and?")
    assert json.loads(adapter.result("a", 1, 7).prompt_json) == "and?"
    registry.forget = [registry_pb2.RunRef(idempotency_key="a", attempt=1)]
    registry.wait_for(lambda: not registry.heartbeats[-1].runs.runs)
    registry.forget = []
    adapter.resume("a", 9, payload, turn, ("and?", None))
    gate.next().tell(tell=True)
    assert told(adapter, 9) == {"resumes": True, "dialog": [[{"how": "much?"}, 7], ["and?", None]]}


def test_an_answer_for_nothing_is_refused_and_a_hand_out_replays(
    start_adapter: StartAdapter, gate: Gate
) -> None:
    payload = {"gate": gate.port}
    adapter = start_adapter("poll")
    lost = ("NOT_FOUND", "RUN_LOST")
    assert refusal(adapter.resume, "a", 7, payload, (1, 2)) == lost
    adapter.dispatch("a", 1, 8, payload, dialog=turns((1, 2)))
    gate.next().tell(tell=True)
    assert told(adapter, 8) == {"resumes": False, "dialog": [[1, 2]]}
    bad = turns((1, 2))
    bad[0].value_json = b"{"
    assert refusal(adapter.dispatch, "b", 1, 1, payload, dialog=bad) == (
        "INVALID_ARGUMENT",
        "BAD_PAYLOAD",
    )


def test_a_cancel_ends_a_parked_run(
    start_adapter: StartAdapter, registry: Registry, gate: Gate
) -> None:
    payload = {"gate": gate.port}
    adapter = start_adapter()
    adapter.dispatch("a", 1, 5, payload)
    gate.next().tell(ask=1)
    registry.wait_for(lambda: registry.heartbeats and not registry.heartbeats[-1].runs.runs)
    assert adapter.cancel("a", 1) == "NOT_FOUND"
    refused = ("FAILED_PRECONDITION", "RUN_CANCELLED")
    assert refusal(adapter.resume, "a", 7, payload, (1, 2)) == refused
    with pytest.raises(grpc.RpcError):
        adapter.dispatch("a", 1, 8, payload)


@pytest.mark.parametrize(
    ("prompt", "code"), [("x" * (64 << 10), "PROMPT_TOO_LARGE"), ({1, 2}, "PROMPT_NOT_JSON")]
)
def test_questions_that_cannot_be_asked(prompt: Any, code: str) -> None:
    result = messages.make_result("t", Question(prompt))
    assert (result.outcome, result.error.code) == (plan_pb2.OUTCOME_FAILED, code)
