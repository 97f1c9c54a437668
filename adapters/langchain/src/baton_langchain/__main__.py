"""The command `baton-langchain`."""

from __future__ import annotations

import os
import sys

import baton_adapter


def main() -> None:
    """Runs the adapter; ends the process with its exit code."""
    # Before LangChain is imported: nothing of a task leaves this machine but to its model.
    for name in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2"):
        os.environ[name] = "false"
    from baton_langchain.runtime import LangChainRuntime

    sys.exit(baton_adapter.main(LangChainRuntime, "langchain"))


if __name__ == "__main__":
    main()
