"""Reading single values of a configuration; a value that is wrong is a `ValueError`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ADDRESS = re.compile(r"unix:.+|\[[0-9A-Fa-f:.]+\]:\d{1,5}|[^\s:/]+:\d{1,5}")
_TLS = re.compile(r"https://([^/]+)/?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,254}")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(value: Any) -> float:
    """Seconds of `500ms`, `30s`, `2m`, `1h`, `7d`; a bare number is refused."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{value!r} is not a duration such as 500ms, 30s, 2m or 1h")
    return float(match[1]) * _UNIT_S[match[2]]


def address(value: Any) -> str:
    """host:port, [host]:port or unix:PATH."""
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not an address such as 127.0.0.1:7420 or unix:PATH")
    return value


def endpoint(value: Any) -> str:
    """An address, or https://host:port where the other side speaks TLS."""
    match = _TLS.fullmatch(value) if isinstance(value, str) else None
    tcp_address(match[1]) if match else address(value)
    return str(value)


def tcp_address(value: Any) -> str:
    """host:port or [host]:port."""
    if str(value).startswith("unix:"):
        raise ValueError(f"{value!r} is not host:port")
    return address(value)


def name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name: letters, digits and ._:- up to 255 bytes")
    return value


def truth(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise ValueError(f"{value!r} is not true or false")


def positive(value: Any) -> int:
    whole = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(whole, int) or isinstance(whole, bool) or whole < 1:
        raise ValueError(f"{value!r} is not a whole number of at least 1")
    return whole


def one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is not one of {', '.join(words)}")
        return str(value)

    return read


def path(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a folder")
    return Path(value)


def file(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a file")
    return Path(value)


def text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def temperature(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 2:
        raise ValueError(f"{value!r} is not a number from 0 to 2")
    return float(value)
