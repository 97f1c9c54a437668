#!/usr/bin/env python3
"""Reads JUnit reports and says how many tests ran.

usage: count_tests.py NAME REPORT.xml...

Ends with 1 if a report is missing, if a test failed, or if no test ran at all: a runner that finds
nothing to run is broken, however content it says it is.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count(report: Path) -> tuple[int, int, int]:
    """Tests that ran, that failed, that were skipped."""
    ran = failed = skipped = 0
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("skipped") is not None:
            skipped += 1
            continue
        ran += 1
        failed += case.find("failure") is not None or case.find("error") is not None
    return ran, failed, skipped


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__)
        return 2
    name, reports = arguments[0], [Path(argument) for argument in arguments[1:]]
    ran = failed = skipped = 0
    for report in reports:
        try:
            counts = count(report)
        except (OSError, ElementTree.ParseError) as error:
            print(f"{name}: no report of the tests: {error}")
            return 1
        ran, failed, skipped = ran + counts[0], failed + counts[1], skipped + counts[2]
    print(f"{name}: {ran} tests ran, {failed} failed, {skipped} were skipped")
    if ran == 0:
        print(f"{name}: no test ran")
    return 1 if ran == 0 or failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
