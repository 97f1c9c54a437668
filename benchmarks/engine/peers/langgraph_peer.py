#!/usr/bin/env python3
"""LangGraph with SqliteSaver, durability="sync", synchronous=FULL.

usage: langgraph_peer.py SHAPE TASKS PLANS DATABASE

The state gathers every task's output, as a plan does. SHAPE chain-last keeps the last one alone,
which the next node reads: less than a plan keeps, and less for every checkpoint to write.

Prints one JSON object with `seconds`; ends with 1 where an answer is wrong.
"""

from __future__ import annotations

import json
import operator
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

WARM_UP = 20
# More threads than this make it slower: they share one interpreter and one connection.
THREADS = 4


@dataclass(frozen=True)
class Run:
    graph: Any
    start: dict[str, Any]
    end: dict[str, Any]
    tasks: int


class State(TypedDict):
    done: Annotated[list[str], operator.add]


class Link(TypedDict):
    """What a node hands on to the next, and nothing else."""

    last: str
    count: int


class Work(TypedDict):
    number: int


def step(name: str) -> Callable[[Any], dict[str, list[str]]]:
    def run(_state: Any) -> dict[str, list[str]]:
        return {"done": [name]}

    return run


def link_last(name: str) -> Callable[[Any], dict[str, Any]]:
    def run(state: Any) -> dict[str, Any]:
        return {"last": name, "count": state["count"] + 1}

    return run


def chain(tasks: int, saver: SqliteSaver, state: Any, make_node: Callable[[str], Any]) -> Any:
    graph = StateGraph(state)
    for number in range(tasks):
        graph.add_node(f"t{number}", make_node(f"t{number}"))
        graph.add_edge(START if number == 0 else f"t{number - 1}", f"t{number}")
    graph.add_edge(f"t{tasks - 1}", END)
    return graph.compile(checkpointer=saver)


def fan(tasks: int, saver: SqliteSaver) -> Any:
    def worker(work: Work) -> dict[str, list[str]]:
        return {"done": [f"w{work['number']}"]}

    def spread(_state: State) -> list[Send]:
        return [Send("worker", {"number": number}) for number in range(tasks)]

    graph = StateGraph(State)
    graph.add_node("root", step("root"))
    graph.add_node("worker", worker)
    graph.add_node("join", step("join"))
    graph.add_edge(START, "root")
    graph.add_conditional_edges("root", spread, ["worker"])
    graph.add_edge("worker", "join")
    graph.add_edge("join", END)
    return graph.compile(checkpointer=saver)


def diamond(saver: SqliteSaver) -> Any:
    graph = StateGraph(State)
    for name in "abcde":
        graph.add_node(name, step(name))
    graph.add_edge(START, "a")
    for name in "bcd":
        graph.add_edge("a", name)
    graph.add_edge(["b", "c", "d"], "e")
    graph.add_edge("e", END)
    return graph.compile(checkpointer=saver)


def open_saver(database: str) -> SqliteSaver:
    connection = sqlite3.connect(database, check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return saver


def make(shape: str, tasks: int, saver: SqliteSaver) -> Run:
    if shape == "chain":
        names = [f"t{number}" for number in range(tasks)]
        return Run(chain(tasks, saver, State, step), {"done": []}, {"done": names}, tasks)
    if shape == "chain-last":
        start, end = {"last": "", "count": 0}, {"last": f"t{tasks - 1}", "count": tasks}
        return Run(chain(tasks, saver, Link, link_last), start, end, tasks)
    if shape == "fan":
        names = ["root", *(f"w{number}" for number in range(tasks)), "join"]
        return Run(fan(tasks, saver), {"done": []}, {"done": names}, tasks)
    return Run(diamond(saver), {"done": []}, {"done": list("abcde")}, 5)


def run_all(run: Run, plans: int, prefix: str) -> float:
    """Seconds for `plans` runs of the graph beside each other."""

    def invoke(number: int) -> None:
        config = {
            "configurable": {"thread_id": f"{prefix}-{number}"},
            "recursion_limit": run.tasks + 10,
            "max_concurrency": 100,
        }
        state = run.graph.invoke(run.start, config, durability="sync")
        if state != run.end:
            raise RuntimeError(f"run {number} ended with {str(state)[:200]}")

    start = time.perf_counter()
    if plans == 1:
        invoke(0)
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(invoke, range(plans)))
    return time.perf_counter() - start


def main() -> int:
    shape, tasks, plans, database = sys.argv[1:]
    saver = open_saver(database)
    run_all(make(shape, min(int(tasks), WARM_UP), saver), min(int(plans), WARM_UP), "warm")
    seconds = run_all(make(shape, int(tasks), saver), int(plans), "run")
    print(json.dumps({"seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
