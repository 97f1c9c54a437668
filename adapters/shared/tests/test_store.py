"""The durable table of runs, by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from baton_adapter.runs import Run, RunRef, RunState
from baton_adapter.store import RunStore, StoreError

REF = RunRef("key", 1)


class TestStore:
    def test_rows_outlive_the_process(self, tmp_path: Path) -> None:
        run = Run(REF, 7, "handle", RunState.FINISHED, result=b"r\0", cancelled=True)
        other = Run(RunRef("key", 2), 8, "other", RunState.RUNNING)
        store = RunStore(tmp_path)

        async def write() -> None:
            await store.write({run.ref: run, other.ref: other})
            run.token = 9
            await store.write({run.ref: run})
            await store.write({other.ref: None})

        asyncio.run(write())
        store.close()
        again = RunStore(tmp_path)
        assert again.load() == [run]
        again.close()

    def test_a_write_takes_the_row_as_it_is_now(self, tmp_path: Path) -> None:
        run = Run(REF, 7, "handle", RunState.RUNNING)
        store = RunStore(tmp_path)

        async def write() -> None:
            written = store.write({run.ref: run})
            run.token = 8
            await written

        asyncio.run(write())
        assert store.load()[0].token == 7
        store.close()

    def test_writes_that_come_while_one_is_under_way_share_a_commit(self, tmp_path: Path) -> None:
        store = RunStore(tmp_path)
        runs = [Run(RunRef("key", number), 1, "handle", RunState.RUNNING) for number in range(9)]

        async def write() -> None:
            written = [store.write({run.ref: run}) for run in runs]
            assert len(set(written)) == 2
            assert store.write({}) is written[-1]
            await written[0]
            # What another connection sees is committed: the first alone, for it did not wait.
            with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as other:
                assert other.execute("SELECT count(*) FROM runs").fetchone()[0] in (1, 9)
            await written[-1]
            assert store.write({}).done()

        asyncio.run(write())
        assert len(store.load()) == 9
        store.close()

    def test_a_commit_that_fails_fails_for_all_who_wait_for_it(self, tmp_path: Path) -> None:
        store = RunStore(tmp_path)
        unbindable = Run(REF, 1 << 64, "handle", RunState.RUNNING)
        good = Run(RunRef("key", 2), 1, "handle", RunState.RUNNING)

        async def write() -> None:
            first = store.write({good.ref: good})
            second = store.write({unbindable.ref: unbindable})
            assert store.write({good.ref: good}) is second
            await first
            with pytest.raises(OverflowError):
                await second
            await store.write({good.ref: good})

        asyncio.run(write())
        assert store.load() == [good]
        store.close()

    def test_a_table_of_before_runs_could_ask(self, tmp_path: Path) -> None:
        run = Run(REF, 7, "handle", RunState.WAITING, question=2)
        store = RunStore(tmp_path)
        asyncio.run(_write(store, run))
        store.close()
        with contextlib.closing(sqlite3.connect(tmp_path / "runs.db")) as older:
            older.execute("ALTER TABLE runs DROP COLUMN question")
        again = RunStore(tmp_path)
        run.question = 0
        assert again.load() == [run]
        run.question = 3
        asyncio.run(_write(again, run))
        assert again.load() == [run]
        again.close()

    def test_epochs_rise(self, tmp_path: Path) -> None:
        epochs = []
        for _ in range(3):
            store = RunStore(tmp_path)
            epochs.append(store.epoch)
            store.close()
        assert epochs == sorted(set(epochs))

    def test_a_folder_has_one_user(self, tmp_path: Path) -> None:
        store = RunStore(tmp_path)
        with pytest.raises(StoreError, match=rf"another adapter process \(pid {os.getpid()}\)"):
            RunStore(tmp_path)
        store.close()
        RunStore(tmp_path).close()

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        (tmp_path / "runs.db").write_bytes(b"not a database" * 100)
        with pytest.raises(StoreError, match="not a database"):
            RunStore(tmp_path)


async def _write(store: RunStore, run: Run) -> None:
    await store.write({run.ref: run})
