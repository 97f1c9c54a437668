"""Command lines in the form that interop programs share."""

import argparse
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def boolean(text: str) -> bool:
    """The value of a flag such as --use_tls=true."""
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError("write true or false")
    return text == "true"


def add_tls(parser: argparse.ArgumentParser, *files: str) -> None:
    """Adds --use_tls and the flags that name PEM files."""
    parser.add_argument("--use_tls", type=boolean, default=False)
    for file in files:
        parser.add_argument(f"--{file}", type=Path)


def announce(port: int) -> None:
    """Says on stdout that the server accepts calls."""
    ready = {"grpc": f"127.0.0.1:{port}", "pid": os.getpid()}
    print("READY", json.dumps(ready, separators=(",", ":")), flush=True)


class Failed(Exception):
    """A case did not go as it must."""


def expect(holds: bool, what: str) -> None:
    """Fails the case unless `holds`."""
    if not holds:
        raise Failed(what)


def expect_equal(found: object, expected: object, what: str) -> None:
    """Fails the case unless both are equal."""
    expect(found == expected, f"{what} is {found!r} instead of {expected!r}")


def run_cases(names: Iterable[str], cases: dict[str, Callable[[], None]]) -> int:
    """Runs the named cases and prints one line for each; the process's exit code."""
    status = 0
    for name in names:
        if name not in cases:
            print(f"{name}: there is no such case; known: {' '.join(sorted(cases))}")
            return 64
        try:
            cases[name]()
        # Whatever goes wrong in a case is the case's result.
        except Exception as error:  # noqa: BLE001
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"{name}: FAILED: {reason}", flush=True)
            status = 1
        else:
            print(f"{name}: passed", flush=True)
    return status
