from __future__ import annotations

from baton_crewai import output


def test_a_flows_value_is_shaped_like_a_crews_output() -> None:
    assert output.crew_output({"a": 1}) == {"text": '{"a": 1}', "json": {"a": 1}, "tasks": []}
    assert output.crew_output("hello") == {"text": "hello", "json": None, "tasks": []}
    assert output.crew_output(None) == {"text": "", "json": None, "tasks": []}
