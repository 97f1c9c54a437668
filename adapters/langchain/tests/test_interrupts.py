"""Graphs that ask for input with `interrupt()`, and go on with the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from baton_adapter.config import Config
from baton_adapter.runtime import Question, Turn
from conftest import MakeConfig, Recorded, request_of
from test_runtime import run, succeed

FIRST = Turn({"how": "much?"}, 3)
SECOND = Turn(["of", "what?"], "tea")


def ask(config: Config, entrypoint: str, recorded: Recorded, *dialog: Turn, **more: Any) -> Any:
    """The prompt of the next question."""
    request = request_of("graph", dialog=dialog, entrypoint=f"sample_graphs:{entrypoint}", **more)
    outcome = run(config, request, recorded)
    assert isinstance(outcome, Question), outcome
    return outcome.prompt


def checkpoints(config: Config) -> list[Path]:
    return list((config.data / "checkpoints").iterdir())


@pytest.mark.parametrize("entrypoint", ["asking", "asking_with_memory"])
def test_a_graph_goes_on_where_it_asked(
    entrypoint: str, make_config: MakeConfig, recorded: Recorded, tmp_path: Path
) -> None:
    # Every run is in a process of its own as far as the adapter goes: a new runtime each.
    config = make_config()
    given: dict[str, Any] = {"input": {"folder": str(tmp_path)}}
    assert ask(config, entrypoint, recorded, **given) == FIRST.prompt
    assert ask(config, entrypoint, recorded, FIRST, resumes=True, **given) == SECOND.prompt
    request = request_of(
        "graph",
        dialog=(FIRST, SECOND),
        resumes=True,
        entrypoint=f"sample_graphs:{entrypoint}",
        **given,
    )
    output = succeed(config, request, recorded)
    assert output["text"] == "3 of tea"
    # The node before was run once: the checkpoint was gone on with.
    assert (tmp_path / "counted").read_text() == "ran\n"
    assert not checkpoints(config)


def test_a_hand_out_with_a_dialog_begins_anew_and_asks_nothing_twice(
    make_config: MakeConfig, recorded: Recorded, tmp_path: Path
) -> None:
    config = make_config()
    given: dict[str, Any] = {"input": {"folder": str(tmp_path)}}
    assert ask(config, "asking", recorded, **given) == FIRST.prompt
    # The run was lost with its answer under way: nobody knows how far it got.
    assert ask(config, "asking", recorded, FIRST, **given) == SECOND.prompt
    assert (tmp_path / "counted").read_text() == "ran\nran\n"
    request = request_of(
        "graph", dialog=(FIRST, SECOND), entrypoint="sample_graphs:asking", **given
    )
    assert succeed(config, request, recorded)["text"] == "3 of tea"


def test_a_redelivery_without_an_answer_asks_again(
    make_config: MakeConfig, recorded: Recorded, tmp_path: Path
) -> None:
    config = make_config()
    given: dict[str, Any] = {"input": {"folder": str(tmp_path)}}
    for _ in range(2):
        assert ask(config, "asking", recorded, **given) == FIRST.prompt
    assert (tmp_path / "counted").read_text() == "ran\n"


def test_parallel_questions_are_asked_one_after_the_other(
    make_config: MakeConfig, recorded: Recorded
) -> None:
    config = make_config()
    first = ask(config, "asking_in_parallel", recorded, input={})
    turns = [Turn(first, 1)]
    second = ask(config, "asking_in_parallel", recorded, *turns, resumes=True, input={})
    assert {first, second} == {"left?", "right?"}
    turns.append(Turn(second, 2))
    request = request_of(
        "graph",
        dialog=tuple(turns),
        resumes=True,
        entrypoint="sample_graphs:asking_in_parallel",
        input={},
    )
    wanted = sorted(f"{turn.prompt.removesuffix('?')} {turn.value}" for turn in turns)
    assert sorted(succeed(config, request, recorded)["state"]["steps"]) == wanted
