"""Frames between the front process and a worker: four bytes of length, then a JSON object."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
FRAME_BYTES_MAX = 32 * 1024 * 1024

Frame = dict[str, Any]


class FrameTooLarge(Exception):
    """A frame of more than `FRAME_BYTES_MAX` bytes."""


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. What JSON does not know is written as its text."""
    body = json.dumps(frame, default=str).encode("ascii")
    if len(body) > FRAME_BYTES_MAX:
        raise FrameTooLarge(f"{len(body)} bytes; at most {FRAME_BYTES_MAX} are carried")
    return _LENGTH.pack(len(body)) + body


def receive(stream: socket.socket) -> Frame | None:
    """The next frame, or None where the other side has gone."""
    header = _receive_exactly(stream, _LENGTH.size)
    if header is None:
        return None
    body = _receive_exactly(stream, _LENGTH.unpack(header)[0])
    return None if body is None else _decode(body)


async def read(reader: asyncio.StreamReader) -> Frame | None:
    """The next frame, or None where the other side has gone."""
    try:
        header = await reader.readexactly(_LENGTH.size)
        return _decode(await reader.readexactly(_LENGTH.unpack(header)[0]))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def _receive_exactly(stream: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = stream.recv(count - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _decode(body: bytes) -> Frame:
    frame = json.loads(body)
    if not isinstance(frame, dict):
        raise TypeError("a frame is a JSON object")
    return frame
