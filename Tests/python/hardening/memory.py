"""What connections cost a server in memory: idle ones, and streams whose reader stops."""

import resource
import struct
import time
from pathlib import Path

from .wire import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    WIDE_WINDOW,
    Connection,
    frame,
    request,
)

IDLE_CONNECTIONS = 10_000
STALLED_CONNECTIONS = 10
STREAMS_PER_CONNECTION = 100
RESPONSE_BYTES = 1_000
RESPONSES = 60
WINDOW_BYTES = 2_000


def allow_files(count: int) -> None:
    """Raises the limit of open files for this process and those it starts."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise SystemExit(f"{count} open files are needed, {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def rss_bytes(pid: int) -> int:
    """Memory of a process that is in RAM (proc(5), statm)."""
    statm = Path(f"/proc/{pid}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * resource.getpagesize()


def idle(port: int, pid: int, count: int) -> float:
    """Bytes that one of `count` idle connections costs, its handshake done."""
    before = rss_bytes(pid)
    connections = [Connection(port) for _ in range(count)]
    after = rss_bytes(pid)
    for connection in connections:
        connection.close()
    return (after - before) / count


def varint(value: int) -> bytes:
    """Of protobuf's wire format."""
    out = b""
    while value >= 128:
        out += bytes([value % 128 + 128])
        value //= 128
    return out + bytes([value])


def stalled(port: int, pid: int) -> int:
    """Bytes that 1,000 streams cost whose client reads two of its sixty messages of 1 KB."""
    parameters = b"\x08" + varint(RESPONSE_BYTES)
    message = (b"\x12" + varint(len(parameters)) + parameters) * RESPONSES
    body = struct.pack(">BI", 0, len(message)) + message
    block = request("StreamingOutputCall")
    before = rss_bytes(pid)
    connections = []
    for _ in range(STALLED_CONNECTIONS):
        # SETTINGS_INITIAL_WINDOW_SIZE; the connection's own window stays open.
        connection = Connection(port, struct.pack(">HI", 4, WINDOW_BYTES))
        connection.socket.sendall(WIDE_WINDOW)
        for index in range(STREAMS_PER_CONNECTION):
            stream = 2 * index + 1
            connection.socket.sendall(
                frame(HEADERS, END_HEADERS, stream, block) + frame(DATA, END_STREAM, stream, body)
            )
        connections.append(connection)
    peak = before
    end = time.monotonic() + 3
    while time.monotonic() < end:
        peak = max(peak, rss_bytes(pid))
        time.sleep(0.05)
    for connection in connections:
        connection.close()
    return peak - before
