"""The durable table of runs: SQLite, WAL, synchronous=FULL, one writing thread, group commits."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

from baton_adapter.runs import Run, RunRef, RunState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS process (epoch INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
  key TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  token INTEGER NOT NULL,
  handle TEXT NOT NULL,
  state TEXT NOT NULL,
  cancelled INTEGER NOT NULL,
  result BLOB NOT NULL,
  question INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (key, attempt)
) WITHOUT ROWID;
"""
_UPSERT = """
INSERT INTO runs (key, attempt, token, handle, state, cancelled, result, question)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (key, attempt) DO UPDATE SET
  token = excluded.token, handle = excluded.handle, state = excluded.state,
  cancelled = excluded.cancelled, result = excluded.result, question = excluded.question
"""
_DELETE = "DELETE FROM runs WHERE key = ? AND attempt = ?"

_Row = tuple[str, int, int, str, str, int, bytes, int]


class StoreError(Exception):
    """The data folder cannot be used."""


class RunStore:
    """Owns the data folder: its lock, its epoch and its rows."""

    def __init__(self, folder: Path) -> None:
        with contextlib.ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                opened.enter_context(_lock(folder / "lock"))
                # Every use is on the one thread of `_thread`, but for opening and closing.
                self._database = sqlite3.connect(
                    folder / "runs.db", isolation_level=None, check_same_thread=False
                )
                opened.callback(self._database.close)
                self._database.execute("PRAGMA journal_mode=WAL")
                self._database.execute("PRAGMA synchronous=FULL")
                self._database.executescript(_SCHEMA)
                self._add_question()
                self.epoch = self._next_epoch()
            except (OSError, sqlite3.Error) as error:
                raise StoreError(f"{folder}: {error}") from error
            self._opened = opened.pop_all()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="runs")
        # What waits for the commit under way to end; None for a row that is to go.
        self._waiting: dict[RunRef, _Row | None] = {}
        # Done with the commit after the one under way; None where nothing waits for it.
        self._next: asyncio.Future[None] | None = None
        # Done with the commit under way; None where there is none.
        self._current: asyncio.Future[None] | None = None

    def load(self) -> list[Run]:
        """Every stored run, in the state that it was stored with."""
        rows = self._database.execute(
            "SELECT key, attempt, token, handle, state, cancelled, result, question FROM runs"
        )
        return [
            Run(
                ref=RunRef(key, attempt),
                token=token,
                handle=handle,
                state=RunState(state),
                cancelled=bool(cancelled),
                result=result,
                question=question,
            )
            for key, attempt, token, handle, state, cancelled, result, question in rows
        ]

    def write(self, changes: Mapping[RunRef, Run | None]) -> asyncio.Future[None]:
        """Done once `changes`, as they are now, and all given before them are durable.

        What is given while a commit is under way goes into the next one together. Callers share the
        future: whoever may be cancelled shields it.
        """
        for ref, run in changes.items():
            self._waiting[ref] = None if run is None else _row(run)
        loop = asyncio.get_running_loop()
        if self._next is None:
            if not self._waiting:
                return self._current or _done(loop)
            self._next = loop.create_future()
        written = self._next
        if self._current is None:
            self._commit_next(loop)
        return written

    def _commit_next(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, {}
        self._current, self._next = self._next, None
        rows = [row for row in waiting.values() if row is not None]
        gone = [(ref.key, ref.attempt) for ref, row in waiting.items() if row is None]
        committed = loop.run_in_executor(self._thread, self._commit, rows, gone)
        committed.add_done_callback(lambda done: self._committed(loop, done))

    def _committed(self, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
        written, self._current = self._current, None
        if self._next is not None:
            self._commit_next(loop)
        if written is None or written.cancelled():
            return
        if (error := done.exception()) is not None:
            written.set_exception(error)
        else:
            written.set_result(None)

    def close(self) -> None:
        self._thread.shutdown(wait=True)
        self._opened.close()

    def _commit(self, rows: list[_Row], gone: list[tuple[str, int]]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_UPSERT, rows)
            self._database.executemany(_DELETE, gone)
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _add_question(self) -> None:
        """For a table of before runs could ask."""
        columns = self._database.execute("PRAGMA table_info(runs)").fetchall()
        if "question" not in [column[1] for column in columns]:
            column = "question INTEGER NOT NULL DEFAULT 0"
            self._database.execute(f"ALTER TABLE runs ADD COLUMN {column}")

    def _next_epoch(self) -> str:
        """Sorts after every earlier one as text, also where the folder or the clock was reset."""
        found = self._database.execute("SELECT max(epoch) FROM process").fetchone()[0] or 0
        epoch = max(int(found) + 1, time.time_ns() // 1_000_000)
        self._database.execute("BEGIN IMMEDIATE")
        self._database.execute("DELETE FROM process")
        self._database.execute("INSERT INTO process (epoch) VALUES (?)", (epoch,))
        self._database.execute("COMMIT")
        return f"{epoch:016d}"


def _done(loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
    done = loop.create_future()
    done.set_result(None)
    return done


def _lock(path: Path) -> IO[str]:
    """Two processes with one table would run a task twice."""
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(20).strip()
        file.close()
        # Empty between taking the lock and writing to it.
        which = f" ({holder})" if holder else ""
        raise StoreError(
            f"{path.parent}: another adapter process{which} uses this folder; "
            "end that one first, or choose another folder with --data"
        ) from None
    file.truncate(0)
    file.write(f"pid {os.getpid()}\n")
    file.flush()
    return file


def _row(run: Run) -> _Row:
    return (
        run.ref.key,
        run.ref.attempt,
        run.token,
        run.handle,
        run.state.value,
        int(run.cancelled),
        run.result,
        run.question,
    )
