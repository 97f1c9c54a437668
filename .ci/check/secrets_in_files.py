#!/usr/bin/env python3
"""Looks for keys, tokens and passwords in tracked files.

A line that only looks like one ends with a comment that says so: `not a secret: REASON`.
"""

import math
import re
from collections import Counter
from pathlib import Path

from tracked import main, read_text

_KINDS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY",
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}",
    "a GitLab token": r"\bglpat-[\w-]{20,}",
    "a Slack token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "a Google API key": r"\bAIza[\w-]{35}",
    "a model provider's key": r"\bsk-(?:[a-z0-9]+-)*[A-Za-z0-9_]{20,}",
    "a LangSmith key": r"\blsv2_[a-z]{2}_[0-9a-f]{32}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a package index token": r"\bpypi-[\w-]{40,}|\bnpm_[A-Za-z0-9]{36}",
    "a JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
}
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"<>$]+:(?P<value>[^\s/@'\"<>${}]+)@")
_ASSIGNMENT = re.compile(
    r"(?i)(?:password|passwd|secret|token|credential|(?:api|access|auth|private)[_-]?key)"
    r"[\"']?\s*(?::=|=>|[:=])\s*[\"'](?P<value>[\w+/=.~-]{16,})[\"']"
)
_WORDS_FOR_NOTHING = {"password", "secret", "pass", "token", "postgres", "guest", "user"}
_ENOUGH_BITS_PER_CHARACTER = 3.3
_MARK = re.compile(r"not a secret: \w")


def secret_kind(line: str) -> str | None:
    """What kind of secret the line seems to hold."""
    for kind, pattern in _PATTERNS.items():
        if pattern.search(line):
            return kind
    for url in _URL.finditer(line):
        if url["value"].lower() not in _WORDS_FOR_NOTHING:
            return "a password in a URL"
    for assignment in _ASSIGNMENT.finditer(line):
        if _looks_random(assignment["value"]):
            return "a password or key"
    return None


def _looks_random(value: str) -> bool:
    """Digits among letters, and no pattern to speak of: not a name, not a word."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) >= _ENOUGH_BITS_PER_CHARACTER


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each line that seems to hold a secret. The secret itself is not shown."""
    problems = []
    for name in files:
        text = read_text(root / name)
        if text is None:
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            kind = secret_kind(line)
            if kind and not _MARK.search(line):
                problems.append(f"{name}:{number}: this looks like {kind}")
    return problems


if __name__ == "__main__":
    main("secrets", check)
