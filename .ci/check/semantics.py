#!/usr/bin/env python3
"""Holds docs/semantics.md to the contract and to the tests.

Every numbered rule of docs/contract.md has a heading there, and below it files with texts in
quotes, titles of tests for the most part: each of them must stand in its file.
"""

import re
from pathlib import Path

from tracked import main, read_text

_CONTRACT, _PAGE = "docs/contract.md", "docs/semantics.md"
_RULE = re.compile(r"\*\*([SP]\d+)\b")
_HEADING = re.compile(r"### ([SP]\d+) ")
_FILE = re.compile(r"- \[[^\]]+\]\(\.\./([^)]+)\):")
_TITLE = re.compile(r'  - "(.+)"')


def entries(page: str) -> dict[str, list[tuple[str, str]]]:
    """File and title of every entry, by rule."""
    found: dict[str, list[tuple[str, str]]] = {}
    rule = file = ""
    for line in page.splitlines():
        if heading := _HEADING.match(line):
            rule, file = heading[1], ""
            found[rule] = []
        elif link := _FILE.fullmatch(line):
            file = link[1]
        elif title := _TITLE.fullmatch(line):
            found.setdefault(rule, []).append((file, title[1]))
    return found


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each rule without a test, and for each test that is not there."""
    if _CONTRACT not in files or _PAGE not in files:
        return [f"{_CONTRACT} or {_PAGE} is missing"]
    rules = set(_RULE.findall(read_text(root / _CONTRACT) or ""))
    named = entries(read_text(root / _PAGE) or "")
    problems = [f"{_PAGE}: {rule} has no test" for rule in sorted(rules) if not named.get(rule)]
    problems += [
        f"{_PAGE}: {rule} is no rule of the contract" for rule in sorted(set(named) - rules)
    ]
    for rule, tests in named.items():
        for file, title in tests:
            text = read_text(root / file) if file in files else None
            if title not in (text or ""):
                problems.append(f'{_PAGE}: {rule}: there is no "{title}" in {file or "no file"}')
    if not rules:
        problems.append(f"{_CONTRACT} has no rules")
    return problems


if __name__ == "__main__":
    main("semantics", check)
