"""What connections cost a server in memory: idle ones, and streams whose reader stops."""

import resource
import ssl
import struct
import subprocess
import time
from pathlib import Path

from .wire import (
    DATA,
    EMPTY_CALL,
    EMPTY_MESSAGE,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    WIDE_WINDOW,
    Connection,
    frame,
    request,
)

IDLE_CONNECTIONS = 10_000
# Of the other kinds of idle connections, which have no limit to keep.
OTHER_CONNECTIONS = 2_000
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


def idle(
    port: int, pid: int, count: int, *, tls: ssl.SSLContext | None = None, calls: bool = False
) -> float:
    """Bytes that one of `count` idle connections costs, its handshake done; with `calls` after a
    call of its own."""
    before = rss_bytes(pid)
    connections = []
    for _ in range(count):
        connection = Connection(port, tls=tls)
        if calls:
            call(connection)
        connections.append(connection)
    after = rss_bytes(pid)
    for connection in connections:
        connection.close()
    return (after - before) / count


def call(connection: Connection) -> None:
    """Makes an empty call and waits for its end."""
    connection.socket.sendall(
        frame(HEADERS, END_HEADERS, 1, EMPTY_CALL) + frame(DATA, END_STREAM, 1, EMPTY_MESSAGE)
    )
    while True:
        kind, flags, _, _ = connection.read()
        if kind == HEADERS and flags & END_STREAM:
            return


def certificates(folder: str) -> tuple[list[str], ssl.SSLContext]:
    """Makes certificates with openssl: the server's flags, and the client's side."""
    script = Path(__file__).parents[2] / "certificates.sh"
    subprocess.run([script, folder, "authority", "ca"], check=True)
    subprocess.run([script, folder, "issue", "ca", "server", "DNS:localhost"], check=True)
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    context.set_alpn_protocols(["h2"])
    files = ("--tls_cert_file", f"{folder}/server.pem", "--tls_key_file", f"{folder}/server.key")
    return ["--use_tls", "true", *files], context


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
