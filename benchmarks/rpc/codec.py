"""Our messages beside swift-protobuf's, in one process."""

import subprocess

from servers import SCRATCH, SERVER_CORE

COLUMNS = 4
WHAT = {
    "decode": "decode into Swift values",
    "encode": "encode",
    "lazy_view": "read ids and priorities of its tasks, ours by a view",
}


def measure() -> tuple[list[str], dict[str, float]]:
    """A table and results. A line of the program: what, bytes, microseconds of ours, of theirs."""
    program = ["taskset", "-c", SERVER_CORE, str(SCRATCH / "release/CodecBench")]
    output = subprocess.run(program, check=True, capture_output=True, text=True).stdout
    lines: list[str] = []
    results: dict[str, float] = {}
    for line in output.splitlines():
        columns = line.split()
        if len(columns) != COLUMNS or columns[0] not in WHAT:
            raise RuntimeError(f"CodecBench printed {line!r}")
        what, size, ours, theirs = columns[0], columns[1], float(columns[2]), float(columns[3])
        if not lines:
            lines = [f"| a plan of {size} bytes, us | ours | swift-protobuf |", "|---|---|---|"]
        lines.append(f"| {WHAT[what]} | {ours:.1f} | {theirs:.1f} |")
        results[f"{what}_vs_swift_protobuf"] = theirs / ours
    return lines, results
