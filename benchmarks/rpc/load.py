"""What the servers are sent: h2load on the other core, and one call looked at closely."""

import re
import subprocess
from dataclasses import dataclass

from servers import SCRATCH, STREAM_PATH, Server

CLIENT_CORE = "1"
CONNECTIONS = 10
STREAMS = 100
# Tag, length and 30 bytes: a message of 32 bytes; with gRPC's prefix 37 bytes a call.
MESSAGE = b"\x12\x1e" + b"0123456789abcdefghijklmnopqrst"
GRPC_HEADERS = [
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
    "-H",
    "grpc-timeout: 60S",
]
LOAD_SECONDS = 300


def framed(message: bytes) -> bytes:
    """With the prefix of gRPC: not compressed, four bytes of length."""
    return b"\x00" + len(message).to_bytes(4, "big") + message


@dataclass(frozen=True)
class Sample:
    requests_per_second: float
    cpu_seconds: float


def write_bodies() -> None:
    (SCRATCH / "www").mkdir(parents=True, exist_ok=True)
    (SCRATCH / "www/echo").write_bytes(framed(MESSAGE))
    (SCRATCH / "unary.body").write_bytes(framed(MESSAGE))


def check_answer(server: Server) -> None:
    """One call: the message comes back as it was, and a gRPC server says that all is well."""
    arguments = ["-d", str(SCRATCH / "unary.body"), *GRPC_HEADERS, server.url()]
    body = subprocess.run(["nghttp", *arguments], check=True, capture_output=True).stdout
    if body != framed(MESSAGE):
        raise RuntimeError(f"{server.kind.name} answered {body!r}")
    if server.kind.is_grpc:
        frames = subprocess.run(["nghttp", "-nv", *arguments], check=True, capture_output=True)
        if b"grpc-status: 0" not in frames.stdout.replace(b"\x1b[0m", b""):
            raise RuntimeError(f"{server.kind.name} did not answer with grpc-status 0")


def unary_round(server: Server, calls: int) -> Sample:
    body = SCRATCH / "unary.body"
    options = [f"-c{CONNECTIONS}", f"-m{STREAMS}", f"-n{calls}", "-d", str(body)]
    return measured(server, server.url(), options, calls, calls)


def stream_round(server: Server, messages: int) -> Sample:
    """One call of server streaming."""
    count = str(messages).encode()
    body = SCRATCH / "stream.body"
    body.write_bytes(framed(b"\x12" + bytes([len(count)]) + count))
    return measured(
        server, server.url(STREAM_PATH), ["-c1", "-m1", "-n1", "-d", str(body)], 1, messages
    )


def measured(server: Server, url: str, options: list[str], calls: int, messages: int) -> Sample:
    """Runs h2load; every call must end with 200 and bring what it should."""
    before = server.cpu_seconds()
    result = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, "h2load", *options, *GRPC_HEADERS, url],
        capture_output=True,
        text=True,
        timeout=LOAD_SECONDS,
        check=True,
    )
    cpu_seconds = server.cpu_seconds() - before
    rate = number(r"finished in [^,]*, ([\d.]+) req/s", result.stdout)
    succeeded = number(r"status codes: (\d+) 2xx", result.stdout)
    received = number(r"headers \(space savings [^)]*\), \S+ \((\d+)\) data", result.stdout)
    if succeeded != calls or received != messages * len(framed(MESSAGE)):
        raise RuntimeError(
            f"{server.kind.name} answered wrongly: {succeeded:.0f} of {calls} calls succeeded with"
            f" {received:.0f} bytes\n{result.stdout}"
        )
    return Sample(rate, cpu_seconds)


def number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(f"h2load printed no {pattern}:\n{text}")
    return float(match.group(1))
