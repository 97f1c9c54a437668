"""An adapter whose runs do what the test says: each connects to the test's gate and waits there.

A run writes one line, `KEY#ATTEMPT TEXT-OF-PAYLOAD`, and reads one, a JSON object:
{"succeed": OUTPUT}, {"fail": [CLASS, CODE]}, {"raise": MESSAGE}, {"ask": PROMPT}, {"tell": true},
whose output is what was asked and told before, or {"say": [CHUNK, ...]}, which is followed by
another. The connection ends when the run does, however that comes about.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import baton_adapter
from baton_adapter import (
    Config,
    ErrorClass,
    Failure,
    Outcome,
    Progress,
    Question,
    Rejection,
    Success,
    TaskRequest,
    Usage,
)


class ScriptedRuntime:
    framework: str = "scripted"
    framework_version: str = "7"
    task_types: tuple[str, ...] = ("scripted",)
    capabilities: tuple[str, ...] = ("cancel",)

    def __init__(self, config: Config) -> None:
        self._config = config

    async def start(self) -> None:
        """Nothing to begin."""

    async def close(self) -> None:
        """Nothing to end."""

    async def health(self) -> str:
        return ""

    def validate(self, request: TaskRequest) -> None:
        if "gate" not in request.payload:
            raise Rejection(ErrorClass.PERMANENT, "INVALID_PAYLOAD", "payload.gate: missing")
        if request.payload.get("tool"):
            raise Rejection(ErrorClass.UNSUPPORTED, "TOOL_UNKNOWN", "payload.tool: unknown")

    async def run(self, request: TaskRequest, progress: Progress) -> Outcome | Failure:
        reader, writer = await asyncio.open_connection("127.0.0.1", request.payload["gate"])
        try:
            progress.started()
            writer.write(f"{request.run_key}\n".encode())
            while True:
                order = json.loads(await reader.readline())
                if "tell" in order:
                    turns = [[turn.prompt, turn.value] for turn in request.dialog]
                    return Success({"resumes": request.resumes, "dialog": turns})
                if "say" not in order:
                    return _outcome(order)
                for text in order["say"]:
                    progress.chunk(text)
                progress.message("someone", "assistant", "a message")
                progress.log("info", "a line")
                progress.usage(Usage(1, 2, 3, "m"))
        finally:
            writer.close()


def _outcome(order: dict[str, Any]) -> Outcome | Failure:
    if "ask" in order:
        return Question(order["ask"], Usage(1, 2, 1, "m"))
    if "succeed" in order:
        return Success(order["succeed"], Usage(10, 20, 1, "m"))
    if "large" in order:
        return Success({"text": "x" * order["large"]})
    if "not_json" in order:
        return Success({"text": object()})
    if "fail" in order:
        name, code = order["fail"]
        return Failure(ErrorClass[name], code, "as told", retry_after_s=1.5)
    raise ValueError(order["raise"])


if __name__ == "__main__":
    sys.exit(baton_adapter.main(ScriptedRuntime, "scripted"))
