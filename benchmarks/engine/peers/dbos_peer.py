#!/usr/bin/env python3
"""DBOS on SQLite with its own settings (synchronous is SQLite's default, FULL).

usage: dbos_peer.py SHAPE TASKS PLANS DATABASE

Prints one JSON object with `seconds`; ends with 1 where an answer is wrong.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time

from dbos import DBOS, DBOSConfig

WARM_UP = 20
# Tasks of a fan, and plans, that are under way at one time.
AT_ONCE = 100


@DBOS.step()
async def step(name: str) -> str:
    return name


@DBOS.workflow()
async def chain(tasks: int) -> list[str]:
    return [await step(f"t{number}") for number in range(tasks)]


@DBOS.workflow()
async def fan(tasks: int) -> list[str]:
    done = [await step("root")]
    for first in range(0, tasks, AT_ONCE):
        numbers = range(first, min(tasks, first + AT_ONCE))
        done += await asyncio.gather(*[step(f"w{number}") for number in numbers])
    return [*done, await step("join")]


@DBOS.workflow()
async def diamond(_tasks: int) -> list[str]:
    done = [await step("a")]
    done += await asyncio.gather(*[step(name) for name in "bcd"])
    return [*done, await step("e")]


SHAPES = {"chain": chain, "fan": fan, "diamond": diamond}


def expected(shape: str, tasks: int) -> set[str]:
    if shape == "chain":
        return {f"t{number}" for number in range(tasks)}
    if shape == "fan":
        return {"root", "join"} | {f"w{number}" for number in range(tasks)}
    return set("abcde")


async def run_all(shape: str, tasks: int, plans: int) -> float:
    """Seconds for `plans` workflows beside each other."""
    places = asyncio.Semaphore(AT_ONCE)
    wanted = expected(shape, tasks)

    async def run(number: int) -> None:
        async with places:
            handle = await DBOS.start_workflow_async(SHAPES[shape], tasks)
            done = await handle.get_result()
        if set(done) != wanted:
            raise RuntimeError(f"workflow {number} did {len(done)} of {len(wanted)} steps")

    start = time.perf_counter()
    await asyncio.gather(*[run(number) for number in range(plans)])
    return time.perf_counter() - start


async def measure(shape: str, tasks: int, plans: int) -> float:
    await run_all(shape, min(tasks, WARM_UP), min(plans, WARM_UP))
    return await run_all(shape, tasks, plans)


def main() -> int:
    shape, tasks, plans, database = sys.argv[1:]
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{database}",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    logging.disable(logging.WARNING)
    DBOS.launch()
    seconds = asyncio.run(measure(shape, int(tasks), int(plans)))
    DBOS.destroy()
    print(json.dumps({"seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
