"""Graphs that the tests name as entry points."""

from __future__ import annotations

import operator
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


class Steps(TypedDict, total=False):
    topic: str
    folder: str
    steps: Annotated[list[str], operator.add]
    text: str


def _first(state: Steps) -> Steps:
    return {"steps": [f"first about {state.get('topic', 'nothing')}"]}


def _second(state: Steps) -> Steps:
    return {"steps": ["second"], "text": '{"done": true}'}


def _chain(*nodes: Any) -> StateGraph[Steps]:
    builder = StateGraph(Steps)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    builder.add_edge(nodes[-1].__name__, END)
    return builder


builder = _chain(_first, _second)
compiled = builder.compile()
runnable: RunnableLambda[Any, str] = RunnableLambda(lambda given: f"got {given}")
nothing_that_runs = 42


def factory() -> StateGraph[Steps]:
    return _chain(_first, _second)


async def factory_with_config(config: RunnableConfig) -> Any:
    attempt = config["configurable"]["baton_attempt"]
    return RunnableLambda(lambda _: {"text": f"attempt {attempt}"})


def factory_of_nothing() -> int:
    return 42


def _unsteady(state: Steps, config: RunnableConfig) -> Steps:
    known = config["configurable"]
    if known["baton_attempt"] == 1:
        raise ConnectionError("the first attempt finds nobody at home")
    names = ("baton_plan_id", "baton_task_id", "baton_idempotency_key", "baton_feedback")
    return {"steps": [str(known[name]) for name in names] + [known["baton_metadata"]["color"]]}


unsteady = _chain(_unsteady).compile()


def _ask(state: Steps) -> Steps:
    return {"text": str(interrupt("how much?"))}


pausing = _chain(_ask).compile()


def _ask_twice(state: Steps) -> Steps:
    first = interrupt({"how": "much?"})
    second = interrupt(["of", "what?"])
    return {"text": f"{first} of {second}", "steps": ["asked"]}


def _count(state: Steps) -> Steps:
    with (Path(state["folder"]) / "counted").open("a") as ledger:
        ledger.write("ran\n")
    return {"steps": ["counted"]}


asking = _chain(_count, _ask_twice)
asking_with_memory = _chain(_count, _ask_twice).compile(checkpointer=InMemorySaver())


def _left(state: Steps) -> Steps:
    return {"steps": [f"left {interrupt('left?')}"]}


def _right(state: Steps) -> Steps:
    return {"steps": [f"right {interrupt('right?')}"]}


asking_in_parallel = StateGraph(Steps)
for _node in (_left, _right):
    asking_in_parallel.add_node(_node.__name__, _node)
    asking_in_parallel.add_edge(START, _node.__name__)
    asking_in_parallel.add_edge(_node.__name__, END)


def _loop(state: Steps) -> Steps:
    return {"steps": ["again"]}


_endless = StateGraph(Steps)
_endless.add_node("loop", _loop)
_endless.add_edge(START, "loop")
_endless.add_edge("loop", "loop")
endless = _endless.compile()


def _reply(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage(f"echo: {state['messages'][-1].text}")]}


_messages = StateGraph(MessagesState)
_messages.add_node("reply", _reply)
_messages.add_edge(START, "reply")
messages = _messages.compile()


def _not_json(state: dict[str, Any]) -> dict[str, Any]:
    return {"text": "here", "lock": threading.Lock()}


not_json = RunnableLambda(_not_json)


def _raise_value_error(state: Steps) -> Steps:
    raise ValueError("boom")


broken = _chain(_raise_value_error).compile()


def _exit(state: Steps) -> Steps:
    raise SystemExit(3)


exiting = _chain(_exit).compile()


def _count_first(state: Steps) -> Steps:
    with (Path(state["folder"]) / "first").open("a") as ledger:
        ledger.write("ran\n")
    return {"steps": ["first"]}


def _cut_off_once(state: Steps) -> Steps:
    """Stands for a process that dies here: nothing catches what is no Exception."""
    mark = Path(state["folder"]) / "cut"
    if not mark.exists():
        mark.touch()
        raise KeyboardInterrupt
    return {"text": "resumed"}


resumable = _chain(_count_first, _cut_off_once)


class Gate:
    """A synchronous node that tells that it has begun, and ends when it is told to."""

    begun = threading.Event()
    may_end = threading.Event()
    ended = threading.Event()


def _wait_at_gate(state: Steps) -> Steps:
    Gate.begun.set()
    Gate.may_end.wait()
    Gate.ended.set()
    return {"text": "through"}


gated = _chain(_wait_at_gate).compile()
