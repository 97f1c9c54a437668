"""What this sidecar's configuration lets a payload name, and how a payload is refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from baton_adapter.runtime import ErrorClass, Rejection


class Allowed:
    """The model aliases and the patterns of modules that the configuration names."""

    def __init__(self, models: Iterable[str], entrypoints: Iterable[str]) -> None:
        self._models = frozenset(models)
        self._entrypoints = tuple(entrypoints)

    def check_model(self, alias: str, where: str) -> None:
        """Refuses an alias that is not configured."""
        if alias not in self._models:
            known = ", ".join(sorted(self._models)) or "none"
            raise unsupported(
                "MODEL_UNKNOWN", f"{where}: there is no model alias {alias!r} here; known: {known}"
            )

    def check_module(self, module: str, where: str) -> None:
        """Refuses a module that no pattern matches."""
        if not any(fnmatchcase(module, pattern) for pattern in self._entrypoints):
            allowed = ", ".join(self._entrypoints) or "none"
            raise invalid(
                "ENTRYPOINT_NOT_ALLOWED",
                f"{where}: {module} is not among the entry points configured here ({allowed})",
            )


def invalid(code: str, message: str) -> Rejection:
    """The payload is wrong, and will be wherever it is sent."""
    return Rejection(ErrorClass.PERMANENT, code, message)


def unsupported(code: str, message: str) -> Rejection:
    """This adapter has not got what the payload asks for."""
    return Rejection(ErrorClass.UNSUPPORTED, code, message)


def check_known(value: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Refuses fields that are not among `known`."""
    names = tuple(known)
    for name in value:
        if name not in names:
            raise invalid(
                "INVALID_PAYLOAD",
                f"{where}.{name}: there is no such field; known: {', '.join(names)}",
            )
