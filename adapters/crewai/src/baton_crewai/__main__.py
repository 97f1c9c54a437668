"""The command `baton-crewai`."""

from __future__ import annotations

import sys

import baton_adapter

from baton_crewai.runtime import CrewAIRuntime


def main() -> None:
    """Serves CrewAI until SIGTERM or SIGINT."""
    sys.exit(baton_adapter.main(CrewAIRuntime, "crewai"))


if __name__ == "__main__":
    main()
