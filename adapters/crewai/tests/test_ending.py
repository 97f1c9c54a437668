"""Cancelling a run, and processes that are killed: nothing of an attempt goes on."""

from __future__ import annotations

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from baton_adapter import ErrorClass, Failure, Success
from conftest import Recorder, Sidecar, make_request
from endpoint import Endpoint

from baton_crewai import processes
from baton_crewai.runtime import CrewAIRuntime

PATIENCE_S = 30.0


def zygote_pid(sidecar: Sidecar) -> int:
    zygote = sidecar.runtime._workers._zygote
    assert zygote is not None
    return zygote.pid


def worker_pids(sidecar: Sidecar) -> list[int]:
    return processes.children_of(zygote_pid(sidecar))


async def wait_for(semaphore: Any) -> None:
    assert await asyncio.to_thread(semaphore.acquire, timeout=PATIENCE_S)


async def wait_for_end_of(pid: int) -> None:
    """Returns once the process is gone or a zombie."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = await asyncio.to_thread(select.select, [handle], [], [], PATIENCE_S)
    os.close(handle)
    assert ended


async def read_fifo(descriptor: int) -> str:
    readable, _, _ = await asyncio.to_thread(select.select, [descriptor], [], [], PATIENCE_S)
    assert readable
    return os.read(descriptor, 4096).decode()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def begin(
    sidecar: Sidecar, payload: dict[str, Any], kind: str = "prompt", recorder: Any = None
) -> asyncio.Task[Success | Failure]:
    running: Coroutine[Any, Any, Success | Failure] = sidecar.runtime.run(
        make_request(kind, payload), recorder or Recorder()
    )
    return asyncio.create_task(running)


async def cancel(task: asyncio.Task[Any]) -> float:
    """Cancels and waits; the seconds it took."""
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_S)
    return time.monotonic() - began


def test_cancelling_a_streaming_run_ends_its_process_and_its_request(
    sidecar: Sidecar, endpoint: Endpoint
) -> None:
    async def scenario() -> None:
        task = begin(sidecar, {"prompt": "Speak.", "model": "endless"})
        await wait_for(endpoint.reached)
        assert len(worker_pids(sidecar)) == 1
        took_s = await cancel(task)
        assert worker_pids(sidecar) == []
        await wait_for(endpoint.left)
        # It came to its own end: the grace period is 3 s.
        assert took_s < 2

    sidecar.runner.run(scenario())


def test_a_run_that_waits_for_a_silent_model_is_killed_after_the_grace_period(
    sidecar: Sidecar, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar.runtime, "_grace_s", 0.2)

    async def scenario() -> None:
        task = begin(sidecar, {"prompt": "Speak.", "model": "hang"})
        await wait_for(endpoint.reached)
        await cancel(task)
        assert worker_pids(sidecar) == []
        await wait_for(endpoint.left)

    sidecar.runner.run(scenario())


def test_a_second_cancel_does_not_let_go_early(
    sidecar: Sidecar, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sidecar.runtime, "_grace_s", 0.5)

    async def scenario() -> None:
        task = begin(sidecar, {"prompt": "Speak.", "model": "hang"})
        await wait_for(endpoint.reached)
        task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert worker_pids(sidecar) == []
        await wait_for(endpoint.left)

    sidecar.runner.run(scenario())


def test_a_deadline_frees_the_slot_of_a_real_model(real: Sidecar, model_url: str) -> None:
    def slots_in_use() -> int:
        url = model_url.removesuffix("/v1") + "/metrics"
        with urllib.request.urlopen(url) as answer:
            found = re.search(rb"^llamacpp:requests_processing (\d+)", answer.read(), re.MULTILINE)
        assert found is not None
        return int(found[1])

    async def scenario() -> None:
        said = Recorder()
        payload = {
            "system": "You write long stories.",
            "prompt": "Tell the longest story you know.",
            "model": "endless_real",
        }
        task = begin(real, payload, recorder=said)
        await asyncio.wait_for(said.first_chunk.wait(), PATIENCE_S)
        assert await asyncio.to_thread(slots_in_use) == 1
        await cancel(task)
        assert worker_pids(real) == []
        # The server looks for lost clients between two tokens.
        until = time.monotonic() + 5
        while await asyncio.to_thread(slots_in_use):
            assert time.monotonic() < until

    real.runner.run(scenario())


def test_a_deaf_run_is_killed_with_all_that_it_started(
    sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = tmp_path / "pids"
    os.mkfifo(note)
    listening = os.open(note, os.O_RDWR | os.O_NONBLOCK)
    monkeypatch.setenv("DEAF_NOTE", str(note))
    config = replace(sidecar.config, data=sidecar.config.data / "deaf")
    runtime = CrewAIRuntime(config, grace_s=0.2)

    async def scenario() -> None:
        await runtime.start()
        try:
            task = begin(
                Sidecar(runtime, config, sidecar.runner),
                {"entrypoint": "fixtures.crews:deaf"},
                "crew",
            )
            pids = [int(pid) for pid in (await read_fifo(listening)).split()]
            assert all(is_alive(pid) for pid in pids)
            await cancel(task)
            assert not any(is_alive(pid) for pid in pids)
        finally:
            await runtime.close()
            os.close(listening)

    sidecar.runner.run(scenario())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_is_told_by_the_signals_name(
    sidecar: Sidecar, endpoint: Endpoint, number: signal.Signals
) -> None:
    async def scenario() -> None:
        task = begin(sidecar, {"prompt": "Speak.", "model": "hang"})
        await wait_for(endpoint.reached)
        os.kill(worker_pids(sidecar)[0], number)
        outcome = await asyncio.wait_for(task, PATIENCE_S)
        assert isinstance(outcome, Failure)
        assert (outcome.error_class, outcome.code) == (ErrorClass.TRANSIENT, "WORKER_LOST")
        assert number.name in outcome.message
        await wait_for(endpoint.left)

    sidecar.runner.run(scenario())


def test_a_worker_that_leaves_without_a_result_is_lost(sidecar: Sidecar) -> None:
    outcome = sidecar.run("crew", {"entrypoint": "fixtures.crews:leaves_at_once"})
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, outcome.code) == (ErrorClass.TRANSIENT, "WORKER_LOST")
    assert "status 9" in outcome.message
    assert "the last words" in outcome.diagnostics
    outcome = sidecar.run("crew", {"entrypoint": "fixtures.crews:dies"})
    assert isinstance(outcome, Failure)
    assert "SIGSEGV" in outcome.message
    assert "Segmentation fault" in outcome.diagnostics


def test_a_killed_zygote_takes_its_runs_along_and_is_replaced(
    sidecar: Sidecar, endpoint: Endpoint
) -> None:
    async def scenario() -> None:
        tasks = [begin(sidecar, {"prompt": "p", "model": "hang"}) for _ in range(2)]
        for _ in tasks:
            await wait_for(endpoint.reached)
        before = zygote_pid(sidecar)
        workers = worker_pids(sidecar)
        assert len(workers) == 2
        os.kill(before, signal.SIGKILL)
        for task in tasks:
            outcome = await asyncio.wait_for(task, PATIENCE_S)
            assert isinstance(outcome, Failure)
            assert (outcome.error_class, outcome.code) == (ErrorClass.TRANSIENT, "WORKER_LOST")
            assert "SIGKILL" in outcome.message
        assert not any(is_alive(pid) for pid in workers)
        for _ in tasks:
            await wait_for(endpoint.left)
        after = await begin(sidecar, {"prompt": "p", "model": "scripted"})
        assert isinstance(after, Success)
        assert zygote_pid(sidecar) != before
        assert await sidecar.runtime.health() == ""

    sidecar.runner.run(scenario())


def test_nothing_outlives_a_killed_front(sidecar: Sidecar, endpoint: Endpoint) -> None:
    """P11, first half: the kernel and the zygote see to it that no run goes on."""
    data = sidecar.config.data / "front"
    front = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("front.py"), str(data), endpoint.url("hang")],
        stdout=subprocess.PIPE,
        text=True,
    )
    stdout = front.stdout
    assert stdout is not None
    zygote = int(stdout.readline())

    async def scenario() -> None:
        await wait_for(endpoint.reached)
        workers = processes.children_of(zygote)
        assert len(workers) == 1
        front.kill()
        front.wait()
        stdout.close()
        for pid in (zygote, *workers):
            await wait_for_end_of(pid)
        await wait_for(endpoint.left)

    sidecar.runner.run(scenario())


def test_a_start_ends_what_a_predecessor_left(sidecar: Sidecar) -> None:
    """P11, second half: a survivor that escaped all that is found by its environment."""
    config = replace(sidecar.config, data=sidecar.config.data / "left")
    runtime = CrewAIRuntime(config)
    mark = {"BATON_CREWAI_DATA": str(runtime._data)}
    survivor = subprocess.Popen(["sleep", "1000"], env=mark, start_new_session=True)
    bystander = subprocess.Popen(["sleep", "1000"], env={"BATON_CREWAI_DATA": "/elsewhere"})
    try:
        sidecar.runner.run(runtime.start())
        assert survivor.wait() == -signal.SIGKILL
        assert bystander.poll() is None
        sidecar.runner.run(runtime.close())
    finally:
        bystander.kill()
        bystander.wait()


def test_a_zygote_that_cannot_import_is_told(
    sidecar: Sidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crewai.py").write_text("raise RuntimeError('a broken installation')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    runtime = CrewAIRuntime(replace(sidecar.config, data=sidecar.config.data / "broken"))

    async def scenario() -> None:
        outcome = await runtime.run(make_request("prompt", {"prompt": "p"}), Recorder())
        assert isinstance(outcome, Failure)
        assert (outcome.error_class, outcome.code) == (ErrorClass.TRANSIENT, "WORKER_LOST")
        assert "a broken installation" in outcome.message
        assert "a broken installation" in await runtime.health()
        await runtime.close()

    sidecar.runner.run(scenario())
