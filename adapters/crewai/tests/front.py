"""A front process with one run that hangs: `front.py DATA URL` prints the zygote's number."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from baton_adapter import Config, ModelConfig
from conftest import Recorder, make_request

from baton_crewai.runtime import CrewAIRuntime


async def main() -> None:
    models = {"default": ModelConfig("openai/m", sys.argv[2], "a-key")}
    runtime = CrewAIRuntime(Config("crewai", "front", data=Path(sys.argv[1]), models=models))
    await runtime.start()
    zygote = runtime._workers._zygote
    assert zygote is not None
    print(zygote.pid, flush=True)  # noqa: T201
    await runtime.run(make_request("prompt", {"prompt": "p"}), Recorder())


asyncio.run(main())
