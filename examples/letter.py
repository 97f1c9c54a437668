"""A LangGraph graph that asks a person before it goes on.

A task of type `graph` names it as `examples.letter:graph`. `interrupt()` makes the task
WAITING_INPUT; `baton approve PLAN letter --value '"Ann"'` gives the answer, minutes or days later,
and the graph goes on from its checkpoint.
"""

from __future__ import annotations

from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt


class Letter(TypedDict, total=False):
    """What the task gives the graph, and what it answers with."""

    topic: str
    draft: str
    text: str


def draft(state: Letter) -> Letter:
    """Writes what the letter says; done once, however long the question waits."""
    return {"draft": f"let us talk about {state['topic']}"}


def address(state: Letter) -> Letter:
    """Asks who is to get the letter."""
    name = interrupt({"question": "Who is to get it?", "draft": state["draft"]})
    return {"text": f"Dear {name}, {state['draft']}."}


# Not compiled: the adapter adds its own checkpoints, so that the answer finds the graph again.
graph = StateGraph(Letter)
graph.add_node("draft", draft)
graph.add_node("address", address)
graph.add_edge(START, "draft")
graph.add_edge("draft", "address")
graph.add_edge("address", END)
