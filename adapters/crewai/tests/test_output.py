from __future__ import annotations

from typing import Any

import pytest

from baton_crewai import output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2]\n", [1, 2]),
        ('```json\n{"a": [true, null]}\n```', {"a": [True, None]}),
        ("```\n[]\n```", []),
        ("```JSON\r\n{}\r\n```", {}),
        ("1", None),
        ('"text"', None),
        ("null", None),
        ("{not json}", None),
        ('{"a": NaN}', None),
        ('Here: {"a": 1}', None),
        ('```python\n{"a": 1}\n```', None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_json_of_a_text(text: str, expected: Any) -> None:
    assert output.parse_json(text) == expected


def test_a_flows_value_is_shaped_like_a_crews_output() -> None:
    assert output.crew_output({"a": 1}) == {"text": '{"a": 1}', "json": {"a": 1}, "tasks": []}
    assert output.crew_output("hello") == {"text": "hello", "json": None, "tasks": []}
    assert output.crew_output(None) == {"text": "", "json": None, "tasks": []}
