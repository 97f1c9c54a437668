"""The examples are what the guide says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from baton_adapter.config import load_config
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from examples import archive, letter

_EXAMPLES = Path(__file__).parents[1]
_PORTABLE = {"prompt", "agent"}


def _plan(name: str) -> dict[str, Any]:
    plan: dict[str, Any] = yaml.safe_load((_EXAMPLES / name).read_text(encoding="utf-8"))
    return plan


def _run(topic: str, attempt: int) -> dict[str, Any]:
    state: dict[str, Any] = archive.graph.compile().invoke(
        {"topic": topic}, {"configurable": {"baton_attempt": attempt}}
    )
    return state


def test_the_archive_is_out_of_reach_once() -> None:
    with pytest.raises(ConnectionError, match="did not answer"):
        _run("tea", 1)
    assert _run("Tea", 2)["text"].endswith("thousand years. (from the archive)")
    assert "no note on glass" in _run("glass", 2)["text"]


def test_the_letter_asks_who_is_to_get_it() -> None:
    graph = letter.graph.compile(checkpointer=InMemorySaver())
    config: RunnableConfig = {"configurable": {"thread_id": "1"}}
    paused = graph.invoke({"topic": "tea"}, config)
    assert paused["__interrupt__"][0].value["draft"] == "let us talk about tea"
    state = graph.invoke(Command(resume="Ann"), config)
    assert state["text"] == "Dear Ann, let us talk about tea."


def test_the_briefing_uses_both_frameworks() -> None:
    tasks = {task["id"]: task for task in _plan("briefing.yaml")["tasks"]}
    assert len(tasks) >= 5
    agents = [t for t in tasks.values() if (t["type"], t["adapter"]) == ("agent", "crewai")]
    assert len(agents) == 2
    assert not any(task.get("depends_on") for task in agents)
    assert [t["id"] for t in tasks.values() if t["type"] == "crew"] == ["review"]
    assert tasks["archive"]["payload"]["entrypoint"] == "examples.archive:graph"
    assert tasks["archive"]["retry"]["max_attempts"] >= 2
    write = tasks["write"]
    assert write["adapter"] == "langchain"
    for name in write["depends_on"]:
        assert f"${{{{ tasks.{name}.output.text }}}}" in write["payload"]["prompt"]


def test_the_portable_plan_names_no_adapter() -> None:
    plan = _plan("portable.yaml")
    assert {task["type"] for task in plan["tasks"]} == _PORTABLE
    assert "adapter" not in plan
    assert not any("adapter" in task for task in plan["tasks"])


def test_the_glossary_explains_each_of_its_words() -> None:
    plan = _plan("glossary.yaml")
    explain, glossary = plan["tasks"]
    assert explain["map"]["over"] == "${{ inputs.words }}"
    assert "${{ item }}" in explain["payload"]["prompt"]
    for index in range(len(plan["inputs"]["words"])):
        assert f"${{{{ tasks.explain.output[{index}].text }}}}" in glossary["payload"]["prompt"]


@pytest.mark.parametrize("name", ["crewai", "langchain"])
def test_the_configurations_of_the_demo_are_valid(name: str) -> None:
    config = load_config(
        name,
        ["--config", str(_EXAMPLES / "demo" / f"{name}.yaml")],
        {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"},
    )
    assert config.instance == f"{name}-1"
    assert config.models["default"].max_tokens == 48
    assert config.entrypoints == ("examples.*",)


def test_the_guide_shows_the_first_plan_as_it_is() -> None:
    guide = (_EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    plan = (_EXAMPLES / "tea.yaml").read_text(encoding="utf-8").partition("\n")[2]
    assert f"# examples/tea.yaml\n{plan}```" in guide
