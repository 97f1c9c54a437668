#!/usr/bin/env python3
"""Looks for what belongs to a machine or to a work in progress, not to a repository.

Paths of somebody's machine, hosts of package registries, merge marks, notes of things to do.
"""

import re
from pathlib import Path

from tracked import is_generated, main, read_text

# In pieces, so that this file passes its own check.
_TO_DO = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "lorem" + " ipsum"))
_KINDS = {
    "a path of one machine": re.compile(
        r"(?<![\w.$}~*:-])/(?:home|Users)/[\w.-]+|(?<![\w.$}~*:-])/(?:root|work|workspace|mnt)/\w"
        r"|(?<![\w.$}~*:-])/opt/(?!baton\b)\w|(?<![\w.$}~*:-])/tmp/[\w.-]+"
    ),
    "a host of a package registry": re.compile(
        r"(?i)\b[\w.-]*(?:pypi|pythonhosted|artifactory|nexus|devpi|registry|proxy\.golang)"
        r"[\w-]*\.(?:[\w-]+\.)*(?:org|com|io|net|dev|internal|local|lan)\b"
    ),
    "an address of a package index": re.compile(
        r"--(?:extra-)?index-url[= ]+\S*://|--find-links[= ]+\S*[:/]"
    ),
    "a note of something left to do": re.compile(rf"\b(?:{_TO_DO})\b"),
    "a mark of a merge": re.compile(r"^(?:<{7}|>{7}|\|{7})(?: |$)|^={7}$"),
}
# The licence is somebody else's text; this check's own test shows what it finds.
_NOT_OURS = ("LICENSE",)


def check(root: Path, files: list[str]) -> list[str]:
    """One sentence for each line with something of the kind."""
    problems = []
    for name in files:
        text = None if name in _NOT_OURS or is_generated(name) else read_text(root / name)
        for number, line in enumerate((text or "").splitlines(), start=1):
            for kind, pattern in _KINDS.items():
                if found := pattern.search(line):
                    problems.append(f"{name}:{number}: {kind}: {found[0]}")
    return problems


if __name__ == "__main__":
    main("left-overs", check)
