"""Beside what every adapter lets a payload name: modules that are named without an attribute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from baton_adapter import portable
from baton_adapter.portable import invalid


class Allowed(portable.Allowed):
    """The model aliases and the patterns of modules that the configuration names."""

    def check_module(self, module: str, where: str) -> None:
        """Refuses a module that no pattern matches."""
        if not any(fnmatchcase(module, pattern) for pattern in self._entrypoints):
            allowed = ", ".join(self._entrypoints) or "none"
            raise invalid(
                "ENTRYPOINT_NOT_ALLOWED",
                f"{where}: {module} is not among the entry points configured here ({allowed})",
            )


def check_known(value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuses fields that are not among `known`."""
    names = tuple(known)
    for name in value:
        if name not in names:
            raise invalid(
                "INVALID_PAYLOAD",
                f"{where}.{name}: there is no such field; known: {', '.join(names)}",
            )
