"""A LangGraph graph that fails once: a plan's retry at work.

A task of type `graph` names it as `examples.archive:graph`. The first attempt finds the archive out
of reach, as a real one is now and then; the adapter reports the ConnectionError as TRANSIENT, and
the orchestrator tries again after the task's delay.
"""

from __future__ import annotations

from typing import TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph

_NOTES = {
    "tea": "Tea has been drunk for more than two thousand years.",
    "coffee": "Coffee houses were places of news and trade in many cities.",
    "bread": "Bread was baked before fields were farmed.",
}


class Request(TypedDict):
    """What the task gives the graph."""

    topic: str


class Note(TypedDict):
    """What the graph answers with; `text` becomes the task's output text."""

    topic: str
    text: str


def look_up(state: Note, config: RunnableConfig) -> dict[str, str]:
    """Reads the note on the topic; out of reach on the first attempt."""
    # The adapter says which attempt this is.
    if config.get("configurable", {}).get("baton_attempt", 1) == 1:
        raise ConnectionError("the archive did not answer; it will on the next attempt")
    topic = state["topic"].strip().lower()
    return {"text": _NOTES.get(topic, f"The archive holds no note on {topic} yet.")}


def sign(state: Note) -> dict[str, str]:
    """Says where the note is from."""
    return {"text": f"{state['text']} (from the archive)"}


# Not compiled: the adapter adds its own checkpoints, so that a restart goes on where it was.
graph = StateGraph(Note, input_schema=Request)
graph.add_node("look_up", look_up)
graph.add_node("sign", sign)
graph.add_edge(START, "look_up")
graph.add_edge("look_up", "sign")
graph.add_edge("sign", END)
