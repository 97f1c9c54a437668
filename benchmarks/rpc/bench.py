#!/usr/bin/env python3
"""Compares our gRPC server with nghttpd, grpc C++ and grpc-swift-2, and our messages with
swift-protobuf. docs/performance.md says what is measured and how.

usage: bench.py

Settings of the environment:
  ONLY      parts to run, with commas: ours,nghttpd,grpc-cpp,grpc-swift,stream,codec (all of them)
  ROUNDS    rounds in turn (5)
  NO_BUILD  1: takes what is built
  SCRATCH   folder of the build (.build-bench)

Prints a table and, last, a line `RESULT name=value ...`. Ends with 1 if a server answered wrongly.
"""

import os
import statistics
import sys
from collections.abc import Callable, Sequence

import codec
import load
import servers
from servers import KINDS, Server

PARTS = [*KINDS, "stream", "codec"]
STREAM_MESSAGES = 1_000_000


def middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], unit: Callable[[float], str]) -> str:
    return f"{unit(middle(values))} ({unit(min(values))} - {unit(max(values))})"


class Unary:
    """The rounds of all servers."""

    def __init__(self, running: list[Server], rounds: int) -> None:
        self.rates: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        for server in running:
            load.check_answer(server)
            load.unary_round(server, server.kind.calls // 10)
        for turn in range(1, rounds + 1):
            for server in running:
                self.measure(server, turn, rounds)

    def measure(self, server: Server, turn: int, rounds: int) -> None:
        name, calls = server.kind.name, server.kind.calls
        sample = load.unary_round(server, calls)
        cpu = sample.cpu_seconds / calls * 100_000
        self.rates.setdefault(name, []).append(sample.requests_per_second)
        self.cpu.setdefault(name, []).append(cpu)
        print(
            f"round {turn} of {rounds}: {name:<10} {sample.requests_per_second:>9,.0f} requests/s"
            f" {cpu:>7.3f} s of CPU per 100,000",
            flush=True,
        )

    def table(self) -> list[str]:
        lines = ["| server | requests/s | server CPU, s per 100,000 calls |", "|---|---|---|"]
        for name, rates in self.rates.items():
            rate = spread(rates, lambda value: f"{value:,.0f}")
            cpu = spread(self.cpu[name], lambda value: f"{value:.3f}")
            lines.append(f"| {name} | {rate} | {cpu} |")
        return lines

    def results(self) -> dict[str, float]:
        cpu = {name: middle(values) for name, values in self.cpu.items()}
        results: dict[str, float] = {}
        if "ours" not in cpu:
            return results
        if "nghttpd" in cpu:
            rates = self.rates
            results["cpu_vs_nghttpd"] = cpu["ours"] / cpu["nghttpd"]
            results["rps_vs_nghttpd"] = middle(rates["ours"]) / middle(rates["nghttpd"])
        for name in ("grpc-swift", "grpc-cpp"):
            if name in cpu:
                results[f"{name.replace('-', '_')}_vs_ours"] = cpu[name] / cpu["ours"]
        return results


def stream_cpu(server: Server, rounds: int) -> list[float]:
    """Seconds of server CPU per million messages, a value per round."""
    load.stream_round(server, STREAM_MESSAGES // 10)
    samples = []
    for turn in range(1, rounds + 1):
        cpu = load.stream_round(server, STREAM_MESSAGES).cpu_seconds
        samples.append(cpu * 1_000_000 / STREAM_MESSAGES)
        print(f"round {turn} of {rounds}: a stream of 1,000,000 messages {cpu:.2f} s", flush=True)
    return samples


def rpc_parts(parts: list[str], rounds: int) -> tuple[list[str], dict[str, float]]:
    lines: list[str] = []
    results: dict[str, float] = {}
    names = [name for name in KINDS if name in parts or (name == "ours" and "stream" in parts)]
    with servers.serving(names) as running:
        ours = next((server for server in running if server.kind.name == "ours"), None)
        if ours is not None:
            results["rss_mb"] = ours.resident_mb()
        unary = Unary([server for server in running if server.kind.name in parts], rounds)
        lines += unary.table()
        results = unary.results() | results
        if "stream" in parts and ours is not None:
            stream = stream_cpu(ours, rounds)
            results["stream_cpu_s_per_million"] = middle(stream)
            text = spread(stream, lambda value: f"{value:.2f}")
            lines += ["", f"Server streaming of 1,000,000 messages: {text} s of server CPU"]
    return lines, results


def main() -> int:
    parts = [part for part in os.environ.get("ONLY", "").split(",") if part] or PARTS
    rounds = int(os.environ.get("ROUNDS", "5"))
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        print(f"there is no {unknown[0]}; known: {' '.join(PARTS)}", file=sys.stderr)
        return 2
    if os.environ.get("NO_BUILD") != "1":
        servers.build({*parts} | ({"ours"} if "stream" in parts else set()))
    load.write_bodies()
    lines: list[str] = []
    results: dict[str, float] = {}
    if set(parts) - {"codec"}:
        lines, results = rpc_parts(parts, rounds)
    if "codec" in parts:
        more_lines, more_results = codec.measure()
        lines += ["", *more_lines]
        results |= more_results
    print("\n".join(["", *lines, ""]))
    print("RESULT", " ".join(f"{name}={value:.2f}" for name, value in results.items()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
