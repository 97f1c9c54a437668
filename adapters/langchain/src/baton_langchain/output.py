"""What a run's result looks like as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from baton_adapter.portable import text_output
from langchain_core.messages import BaseMessage
from pydantic_core import PydanticSerializationError, to_jsonable_python


class OutputError(Exception):
    """The result is not JSON and cannot be made so."""


def graph_output(result: Any) -> dict[str, Any]:
    """The portable fields and `state`, the graph's whole result.

    `text` is the last message of `messages`, the field `text`, the result itself where it is a
    text or a message, or else the state as JSON.
    """
    state = to_plain(result)
    text = _text_of(result)
    if text is not None:
        return {**text_output(text), "state": state}
    try:
        text = json.dumps(state, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise OutputError(f"the graph's result is not JSON: {error}") from error
    return {"text": text, "json": state, "state": state}


def to_plain(value: Any) -> Any:
    """`value` of JSON's types alone; messages are cut down to role and content."""
    if isinstance(value, BaseMessage):
        return {"role": value.type, "content": str(value.text)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    try:
        return to_jsonable_python(value)
    except (PydanticSerializationError, ValueError, TypeError) as error:
        raise OutputError(f"the result holds a {type(value).__name__}: {error}") from error


def _text_of(result: Any) -> str | None:
    if isinstance(result, BaseMessage):
        return str(result.text)
    if isinstance(result, str):
        return result
    if not isinstance(result, Mapping):
        return None
    messages = result.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], BaseMessage):
        return str(messages[-1].text)
    text = result.get("text")
    return text if isinstance(text, str) else None
