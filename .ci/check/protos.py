#!/usr/bin/env python3
"""Lints proto/, and looks for changes that would break those who already use the contract.

What they use is proto/baseline.binpb; `make baseline` renews it (docs/contract.md, section 1).
"""

import subprocess
import sys
from pathlib import Path

BASELINE = "baseline.binpb"
# Beside the interpreter, where the environment puts it. It needs no network.
_BUF = Path(sys.executable).parent / "buf"
# buf's exit code where it found something; any other is a fault of the call.
_FOUND = 100


class BufError(Exception):
    """buf could not look."""


def _buf(folder: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [_BUF, *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
    if done.returncode not in (0, _FOUND):
        raise BufError(f"buf {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    lines = done.stdout.splitlines()
    if done.returncode == _FOUND and not lines:
        raise BufError(f"buf {' '.join(arguments)} found something and does not say what")
    return lines


def check(folder: Path) -> list[str]:
    """One sentence for each fault of the .proto files in `folder`."""
    return _buf(folder, "lint") + _buf(folder, "breaking", "--against", BASELINE)


def renew(folder: Path) -> None:
    """Makes the files as they are now what later changes are compared with."""
    _buf(folder, "build", "--exclude-source-info", "--output", BASELINE)


def main(arguments: list[str]) -> int:
    folder = Path(__file__).resolve().parents[2] / "proto"
    if arguments == ["--renew"]:
        renew(folder)
        return 0
    problems = check(folder)
    for problem in problems:
        print(f"proto/{problem}")
    print(f"proto: {len(problems) or 'none'} found")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
