#!/usr/bin/env python3
"""Checks that links between pages lead somewhere: to a file, and to a heading in it."""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from tracked import main, read_text

_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_ANCHOR = re.compile(r"<a\s+(?:id|name)=\"([^\"]+)\"")


def prose_lines(text: str) -> list[tuple[int, str]]:
    """The numbered lines outside code blocks, without code in backticks."""
    lines = []
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            lines.append((number, re.sub(r"`[^`]*`", "`code`", line)))
    return lines


def anchors(text: str) -> set[str]:
    """The names under which headings can be linked to, as GitHub makes them."""
    found: set[str] = set()
    fenced = False
    for line in text.splitlines():
        found.update(_ANCHOR.findall(line))
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            continue
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1])
        base = slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = 0
        while slug in found:
            count += 1
            slug = f"{base}-{count}"
        found.add(slug)
    return found


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each link that leads nowhere."""
    known = set(files) | {str(parent) for name in files for parent in PurePosixPath(name).parents}
    problems = []
    for name in files:
        if not name.endswith(".md"):
            continue
        for number, line in prose_lines(read_text(root / name) or ""):
            for target in _LINK.findall(line):
                if re.match(r"[a-z][a-z0-9+.-]*:", target):
                    continue
                problem = _problem(root, known, name, unquote(target))
                if problem:
                    problems.append(f"{name}:{number}: {problem}")
    return problems


def _problem(root: Path, known: set[str], name: str, target: str) -> str | None:
    place, _, anchor = target.partition("#")
    path = _resolve(PurePosixPath(name).parent, place) if place else name
    if path is None or path not in known:
        return f"{target} is not there"
    if anchor and path.endswith(".md"):
        text = read_text(root / path) or ""
        if anchor not in anchors(text):
            return f"{path} has no heading #{anchor}"
    return None


def _resolve(folder: PurePosixPath, place: str) -> str | None:
    """The path from the root; None above it."""
    parts: list[str] = []
    for part in (folder / place).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."


if __name__ == "__main__":
    main("links", check)
