#!/usr/bin/env python3
"""Reports long files: above 300 lines they should be few, above 500 the first line says why.

The reason is a comment on the first line that begins with `Long because`.
"""

from pathlib import Path

from tracked import is_generated, main, read_text

_KINDS = (".swift", ".py", ".sh", ".c", ".h", ".proto")
_LONG_LINES = 300
_TOO_LONG_LINES = 500


def long_files(root: Path, files: list[str]) -> list[tuple[int, str, str]]:
    """Length, name and first line of each file above the first limit, longest first."""
    found = []
    for name in files:
        if name.endswith(_KINDS) and not is_generated(name):
            lines = (read_text(root / name) or "").splitlines()
            if len(lines) > _LONG_LINES:
                found.append((len(lines), name, lines[0]))
    return sorted(found, reverse=True)


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each file that is too long without a reason; prints the long ones."""
    problems = []
    for length, name, first in long_files(root, files):
        if length > _TOO_LONG_LINES and "Long because" not in first:
            problems.append(
                f"{name}: {length} lines; split it, or say on its first line: Long because ..."
            )
        else:
            print(f"{name}: {length} lines (long)")
    return problems


if __name__ == "__main__":
    main("lengths", check)
