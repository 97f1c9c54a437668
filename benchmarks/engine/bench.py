#!/usr/bin/env python3
"""Compares the engine with LangGraph and DBOS on SQLite. docs/performance.md says what is measured
and how.

usage: bench.py

Settings of the environment:
  ONLY      parts to run, with commas: w1,w2,w3,sidecar,w4,w5,scale,huge,latency,watchers (all)
  PEERS     peers to run, with commas: langgraph,langgraph-last,dbos (all)
  ROUNDS    rounds in turn (5)
  N         most tasks or plans of one load, for a quick look
  NO_BUILD  1: takes what is built
  SCRATCH   folder of the build (.build-bench-engine)

Prints tables and, last, a line `RESULT name=value ...`. Ends with 1 if an answer was wrong.
"""

from __future__ import annotations

import os
import sys

import parts
import processes
from compare import PEERS, Comparison
from loads import LOADS

PARTS = [*LOADS, "sidecar", *parts.PARTS]


def chosen(name: str, known: list[str]) -> list[str]:
    words = [word for word in os.environ.get(name, "").split(",") if word] or known
    unknown = [word for word in words if word not in known]
    if unknown:
        print(f"there is no {unknown[0]}; known: {' '.join(known)}", file=sys.stderr)
        sys.exit(2)
    return words


def main() -> int:
    names = chosen("ONLY", PARTS)
    peers = chosen("PEERS", PEERS)
    rounds = int(os.environ.get("ROUNDS", "5"))
    most = int(os.environ.get("N", "0")) or None
    if os.environ.get("NO_BUILD") != "1":
        processes.build()
    lines: list[str] = []
    results: dict[str, float] = {}
    loads = [load.capped(most) for name, load in LOADS.items() if name in names]
    if loads:
        comparison = Comparison(loads, peers, rounds)
        comparison.run()
        lines += comparison.table()
        results |= comparison.results()
    if "sidecar" in names:
        sidecar = Comparison([load.capped(most) for load in LOADS.values()], [], rounds, "noop")
        sidecar.run()
        lines += ["", "With a Python sidecar that does nothing:", "", *sidecar.table()]
        results |= {f"sidecar_{name}": value for name, value in sidecar.results().items()}
    for name, part in parts.PARTS.items():
        if name in names:
            more_lines, more_results = part(parts.Extent(rounds, most))
            lines += ["", *more_lines]
            results |= more_results
    print("\n".join(["", *lines, ""]))
    print("RESULT", " ".join(f"{name}={value:.4g}" for name, value in results.items()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
