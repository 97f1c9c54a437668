"""Baton and its peers on the same loads, in turns."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from loads import Load
from processes import baton, run_floor, run_peer

PEERS = ["langgraph", "langgraph-last", "dbos"]
# A peer that is run in a way of its own on chains, and on nothing else.
CHAIN_ONLY = {"langgraph-last": ("langgraph", "chain-last")}
# As many tasks, that nothing which is measured is done for the first time.
WARM_UP = 20


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    return f"{number(middle(values))} ({number(min(values))} - {number(max(values))})"


class Comparison:
    """Rounds of all loads: each time ours, then every peer, so that whatever else the machine does
    meets all of them."""

    def __init__(
        self, loads: list[Load], peers: list[str], rounds: int, adapter: str = "mock"
    ) -> None:
        self._loads = loads
        self._peers = peers
        self._rounds = rounds
        self._adapter = adapter
        self._figures: dict[tuple[str, str], list[float]] = {}
        self._cpu: dict[str, list[float]] = {}
        self._adapter_cpu: dict[str, list[float]] = {}

    def run(self) -> None:
        for turn in range(1, self._rounds + 1):
            for load in self._loads:
                self._measure_ours(load, turn)
                for peer in self._peers:
                    self._measure(load, peer, turn)

    def _measure(self, load: Load, peer: str, turn: int) -> None:
        script, shape = CHAIN_ONLY.get(peer, (peer, load.shape))
        if peer in CHAIN_ONLY and load.shape != "chain":
            return
        seconds = run_peer(script, shape, load.tasks, load.plans)
        self._note(load, peer, load.figure(seconds), turn)

    def _measure_ours(self, load: Load, turn: int) -> None:
        with baton(self._adapter) as running:
            running.load("flat", WARM_UP, 1)
            outcome = running.load(load.shape, load.tasks, load.plans)
            self._note(load, "ours", load.figure(outcome.seconds), turn)
            each = 1e6 / outcome.tasks
            self._cpu.setdefault(load.name, []).append(outcome.server_cpu * each)
            self._adapter_cpu.setdefault(load.name, []).append(outcome.adapter_cpu * each)
            if load.shape == "chain" and self._adapter == "mock":
                self._note(load, "commit", run_floor(running.database), turn)

    def _note(self, load: Load, who: str, figure: float, turn: int) -> None:
        self._figures.setdefault((load.name, who), []).append(figure)
        print(
            f"round {turn} of {self._rounds}: {load.title}: {who:<14} {number(figure)}",
            flush=True,
        )

    def table(self) -> list[str]:
        names = ["ours", *self._peers, "commit"]
        names = [name for name in names if any(who == name for _, who in self._figures)]
        lines = [
            f"| | {' | '.join(names)} | CPU per task, server, us | adapter |",
            "|---" * (len(names) + 3) + "|",
        ]
        for load in self._loads:
            cells = [
                spread(self._figures[load.name, name]) if (load.name, name) in self._figures else ""
                for name in names
            ]
            cells += [spread(self._cpu[load.name]), spread(self._adapter_cpu[load.name])]
            lines.append(f"| {load.title} | {' | '.join(cells)} |")
        return lines

    def results(self) -> dict[str, float]:
        ratios: dict[str, float] = {}
        figures: dict[str, float] = {}
        for load in self._loads:
            ours = middle(self._figures[load.name, "ours"])
            figures[load.result] = ours
            for who in (*self._peers, "commit"):
                theirs = self._figures.get((load.name, who))
                if theirs:
                    # Of each pair: what meets the machine at one time is compared.
                    pairs = zip(self._figures[load.name, "ours"], theirs, strict=True)
                    ratios[f"{load.name}_vs_{who.replace('-', '_')}"] = middle(
                        [one / two for one, two in pairs]
                    )
        return ratios | figures
