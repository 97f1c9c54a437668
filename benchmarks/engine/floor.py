#!/usr/bin/env python3
"""The floor of W1: plain commits of the rows that a chain has left, at synchronous=FULL.

usage: floor.py DATABASE_OF_THE_CHAIN NEW_DATABASE

One transaction for each step, with the rows that the step wrote: the plan's, that of the task that
ended and of the one that was handed out, the output, the trace. Nothing else is done: no engine, no
RPC. Prints one JSON object with `seconds` and `commits`.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from typing import Any

TABLES = ("plans", "tasks", "outputs", "trace")

Rows = list[tuple[Any, ...]]


def read(path: str) -> dict[str, Rows]:
    """The rows of the longest plan."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        (plan,) = database.execute("SELECT plan FROM plans ORDER BY task_count DESC").fetchone()
        return {
            table: database.execute(f"SELECT * FROM {table} WHERE plan = ?", (plan,)).fetchall()
            for table in TABLES
        }


def copy_schema(source: str, database: sqlite3.Connection) -> None:
    with sqlite3.connect(f"file:{source}?mode=ro", uri=True) as old:
        statements = old.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
            " ORDER BY type DESC"
        ).fetchall()
    for (statement,) in statements:
        database.execute(statement)


def replace(table: str, row: tuple[Any, ...]) -> str:
    return f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(row))})"


def insert(table: str, row: tuple[Any, ...]) -> str:
    return f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})"


def commit_all(database: sqlite3.Connection, rows: dict[str, Rows]) -> float:
    """Seconds for one commit for each task."""
    tasks, outputs, trace = rows["tasks"], rows["outputs"], rows["trace"]
    revision = "UPDATE plans SET revision = ?, last_seq = ?, output_bytes = ? WHERE plan = ?"
    (plan,) = rows["plans"]
    database.execute(insert("plans", plan), plan)
    task, output, event = (insert(table, rows[table][0]) for table in TABLES[1:])
    again = replace("tasks", tasks[0])
    start = time.perf_counter()
    for number, row in enumerate(tasks):
        database.execute("BEGIN IMMEDIATE")
        database.execute(revision, (number, number * 3, number * 40, plan[0]))
        database.execute(again, row)
        if number + 1 < len(tasks):
            database.execute(task, tasks[number + 1])
        database.execute(output, outputs[number])
        database.execute(event, trace[min(number + 1, len(trace) - 1)])
        database.execute("COMMIT")
    return time.perf_counter() - start


def main() -> int:
    source, path = sys.argv[1:]
    rows = read(source)
    database = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 4000"):
        database.execute(f"PRAGMA {setting}")
    copy_schema(source, database)
    seconds = commit_all(database, rows)
    print(json.dumps({"seconds": seconds, "commits": len(rows["tasks"])}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
