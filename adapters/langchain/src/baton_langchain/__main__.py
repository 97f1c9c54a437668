"""The command `baton-langchain`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import baton_adapter

if TYPE_CHECKING:
    from baton_langchain.runtime import LangChainRuntime

_TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2")


def main() -> None:
    """Runs the adapter; ends the process with its exit code."""
    sys.exit(baton_adapter.main(_make_runtime, "langchain"))


def _make_runtime(config: baton_adapter.Config) -> LangChainRuntime:
    # Before LangChain is imported: nothing of a task leaves this machine but to its model.
    for name in _TRACING:
        os.environ[name] = "false"
    # Here, for it takes seconds, and a configuration with a mistake is told of at once.
    from baton_langchain.runtime import LangChainRuntime

    return LangChainRuntime(config)


if __name__ == "__main__":
    main()
