"""What every Baton adapter shares.

A framework becomes an adapter by a class with the methods of `Runtime` and one call:

    sys.exit(baton_adapter.main(MyRuntime, "my-framework"))

`MyRuntime` is called with the `Config` that was read. docs/contract.md has the rules behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from baton_adapter.config import Config, ConfigError, ModelConfig
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Outcome,
    Progress,
    Question,
    Rejection,
    Runtime,
    Success,
    TaskRequest,
    Turn,
    Usage,
)

if TYPE_CHECKING:
    from baton_adapter.process import RuntimeFactory


def main(
    runtime_factory: RuntimeFactory, adapter_name: str, argv: Sequence[str] | None = None
) -> int:
    """Runs the adapter until SIGTERM or SIGINT; the process's exit code.

    0 clean, 64 bad configuration (every problem on stderr), 74 data folder unusable. The factory
    may raise `ConfigError` for what only the framework can check.
    """
    # Here, so that a framework's own processes may import this package without gRPC.
    from baton_adapter.process import run_adapter

    return run_adapter(runtime_factory, adapter_name, argv)


__all__ = [
    "Config",
    "ConfigError",
    "ErrorClass",
    "Failure",
    "ModelConfig",
    "Outcome",
    "Progress",
    "Question",
    "Rejection",
    "Runtime",
    "Success",
    "TaskRequest",
    "Turn",
    "Usage",
    "main",
]
