"""The files that the checks look at, and how they tell what they found."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Check = Callable[[Path, list[str]], list[str]]


def tracked_files(root: Path) -> list[str]:
    """Paths below `root` that git tracks, or would with the next `git add`."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={root}",
            "-C",
            str(root),
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        check=True,
        capture_output=True,
    )
    paths = listed.stdout.decode().split("\0")
    return sorted({path for path in paths if path and (root / path).is_file()})


def read_text(path: Path) -> str | None:
    """The text of a file; None where it is not text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def is_generated(path: str) -> bool:
    """Whether a generator writes this file."""
    parts = path.split("/")
    return (
        "Generated" in parts
        or "_generated" in parts
        or path.endswith((".pb-c.c", ".pb-c.h"))
        or path == "docs/api.md"
    )


def run(name: str, check: Check) -> int:
    """Runs a check on this repository; the exit code."""
    root = Path(__file__).resolve().parents[2]
    files = tracked_files(root)
    problems = check(root, files)
    for problem in problems:
        print(problem)
    if not files:
        print(f"{name}: git lists no file here")
        return 1
    found = f"{len(problems)} found" if problems else "none found"
    print(f"{name}: {len(files)} files, {found}")
    return 1 if problems else 0


def main(name: str, check: Check) -> None:
    """Ends the process with the result of the check."""
    sys.exit(run(name, check))
