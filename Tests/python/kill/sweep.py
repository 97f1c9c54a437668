"""Kills `baton serve` at every boundary of its SQLite store; looks at what becomes of its plans.

usage: python -m kill.sweep --programs FOLDER [--at N] [--every N] [--jobs N]

Each run has a server, two adapters (results by callback and by poll), a caller, and two plans: one
of 12 tasks, and one that is cancelled. `boundaries.c` is preloaded into the server and ends it at
boundary n of that run; then it is started again. n counts up from 1 until a run has fewer
boundaries. The last line is `RESULT boundaries=... finished=... lost=... applied_twice=...`; the
exit code is 0 only if every run finished with nothing lost and nothing applied twice.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from .caller import Caller, GaveUp
from .checks import MUTANTS, Evidence, Findings, gather, judge, missed
from .stage import Stage

# What a reference plan has at the least.
BOUNDARIES_MIN = 60


@dataclass
class Run:
    """What became of one run."""

    boundary: int
    what: str
    was_killed: bool = False
    findings: Findings = field(default_factory=Findings)
    evidence: Evidence | None = None


def preload(folder: Path) -> Path:
    """What is preloaded, compiled."""
    library = folder / "boundaries.so"
    source = Path(__file__).parent / "boundaries.c"
    command = ["cc", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run([*command, str(source), "-o", str(library), "-ldl", "-pthread"], check=True)
    return library


def run(programs: Path, library: Path, boundary: int) -> Run:
    """One server, killed at one boundary."""
    with Stage(programs, library, boundary) as stage:
        findings, evidence = Findings(), None
        try:
            caller = Caller(stage.stub)
            caller.run()
            evidence = gather(stage, caller)
            findings = judge(evidence)
            if not stage.stop_server():
                findings = judge(gather(stage, caller))
                stage.stop_server()
        except GaveUp as error:
            findings.problems.append(str(error))
        passed = stage.passed.read_text().splitlines()
        was_killed = stage.was_killed
    findings.problems += stage.problems
    what = passed[boundary - 1].partition(" ")[2] if was_killed else "not reached"
    return Run(boundary, what, was_killed, findings, evidence)


class Sweep:
    """Runs boundary after boundary, several at a time, until there is no further one."""

    def __init__(self, programs: Path, library: Path, every: int) -> None:
        self._programs = programs
        self._library = library
        self._numbers = count(1, every)
        self._lock = threading.Lock()
        self._is_over = False
        self.runs: list[Run] = []

    def work(self) -> None:
        while not self._is_over:
            with self._lock:
                boundary = next(self._numbers)
            done = run(self._programs, self._library, boundary)
            with self._lock:
                self._is_over |= not done.was_killed
                self.runs.append(done)
                self._tell(done)

    def _tell(self, done: Run) -> None:
        for problem in done.findings.all:
            print(f"FAILED boundary {done.boundary} ({done.what}): {problem}", flush=True)
        if len(self.runs) % 20 == 0:
            print(f"{len(self.runs)} runs", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--at", type=int, help="this boundary alone")
    parser.add_argument("--every", type=int, default=1, help="only every Nth boundary")
    parser.add_argument("--jobs", type=int, default=4, help="runs at one time")
    options = parser.parse_args()
    programs = options.programs.resolve()
    with tempfile.TemporaryDirectory() as folder:
        library = preload(Path(folder))
        if options.at:
            runs = [run(programs, library, options.at)]
            for problem in runs[0].findings.all:
                print(f"boundary {options.at} ({runs[0].what}): {problem}")
        else:
            sweep = Sweep(programs, library, options.every)
            with ThreadPoolExecutor(options.jobs) as pool:
                for worker in [pool.submit(sweep.work) for _ in range(options.jobs)]:
                    worker.result()
            runs = sweep.runs
    return report(runs, 1 if options.at else BOUNDARIES_MIN // options.every)


def report(runs: list[Run], boundaries_min: int) -> int:
    kinds: dict[str, int] = {}
    killed = [one for one in runs if one.was_killed]
    for one in killed:
        kinds[one.what] = kinds.get(one.what, 0) + 1
    finished = [one for one in killed if not one.findings.all]
    lost = sum(one.findings.lost for one in runs)
    twice = sum(one.findings.applied_twice for one in runs)
    print(", ".join(f"{number} {what}" for what, number in sorted(kinds.items())))
    # Only what a good run left behind shows that a check finds what is wrong.
    good = next((one.evidence for one in finished if one.evidence), None)
    unfound = missed(good) if good else list(MUTANTS)
    for name in unfound:
        print(f"FAILED no check finds that {name}")
    print(f"{len(MUTANTS) - len(unfound)} of {len(MUTANTS)} mutants found")
    print(
        f"RESULT boundaries={len(killed)} finished={len(finished)} lost={lost} "
        f"applied_twice={twice}"
    )
    is_fine = all(not one.findings.all for one in runs) and not unfound
    return 0 if is_fine and len(killed) >= boundaries_min else 1


if __name__ == "__main__":
    sys.exit(main())
