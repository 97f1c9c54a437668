#!/usr/bin/env python3
"""Checks who imports whom in the Python code.

The shared package knows no framework; the adapters know it and not each other.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from tracked import main, read_text

_CREWAI = {"crewai", "crewai_tools", "baton_crewai"}
_LANGCHAIN = {
    "langchain", "langchain_core", "langchain_openai", "langgraph", "langsmith", "baton_langchain",
}  # fmt: skip
_FORBIDDEN = {
    "adapters/shared/": _CREWAI | _LANGCHAIN,
    "adapters/crewai/": _LANGCHAIN,
    "adapters/langchain/": _CREWAI,
}


def imported(text: str) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every absolute import."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each import in a wrong direction."""
    problems = []
    for name in files:
        for folder, forbidden in _FORBIDDEN.items():
            if not name.startswith(folder) or not name.endswith(".py"):
                continue
            for line, module in imported(read_text(root / name) or ""):
                if module in forbidden:
                    problems.append(f"{name}:{line}: {folder} may not import {module}")
    return problems


if __name__ == "__main__":
    main("adapter imports", check)
