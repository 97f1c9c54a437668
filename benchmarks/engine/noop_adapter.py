#!/usr/bin/env python3
"""An adapter that does nothing: what the Python side of a sidecar costs by itself.

usage: noop_adapter.py, with the flags of every Python adapter
"""

from __future__ import annotations

import sys

import baton_adapter
from baton_adapter import Progress, Success, TaskRequest


class NoopRuntime:
    """Answers at once with what the mock adapter answers."""

    framework = "none"
    framework_version = "1"
    task_types: tuple[str, ...] = ("prompt",)
    capabilities: tuple[str, ...] = ()

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def validate(self, request: TaskRequest) -> None:
        pass

    async def run(self, request: TaskRequest, progress: Progress) -> Success:  # noqa: ARG002
        return Success({"text": f"{request.task_id}, attempt {request.attempt}", "json": None})

    async def health(self) -> str:
        return ""


if __name__ == "__main__":
    sys.exit(baton_adapter.main(lambda _config: NoopRuntime(), "mock"))
