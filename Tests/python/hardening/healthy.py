"""A well-behaved client: one call after the other. usage: healthy.py PORT SECONDS"""

import gc
import json
import sys
import time

from .wire import (
    DATA,
    EMPTY_CALL,
    EMPTY_MESSAGE,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    RST_STREAM,
    WIDE_WINDOW,
    Closed,
    Connection,
    frame,
)


def call(connection: Connection, stream: int) -> bool:
    """Makes an EmptyCall; whether it was answered with a message."""
    headers = frame(HEADERS, END_HEADERS, stream, EMPTY_CALL)
    connection.socket.sendall(headers + frame(DATA, END_STREAM, stream, EMPTY_MESSAGE))
    answered = False
    while True:
        kind, flags, of, payload = connection.read()
        if kind == GOAWAY:
            return False
        if of != stream:
            continue
        if kind == RST_STREAM:
            return False
        if kind == DATA:
            answered = payload == EMPTY_MESSAGE
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            return answered


def measure(port: int, seconds: float) -> dict[str, float]:
    """Latencies in milliseconds, and how many calls failed."""
    connection = Connection(port)
    connection.socket.sendall(WIDE_WINDOW)
    latencies = []
    errors = 0
    stream = 1
    gc.disable()
    end = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        try:
            errors += not call(connection, stream)
        except (Closed, OSError):
            errors += 1
            connection = Connection(port)
            stream = -1
        latencies.append(time.perf_counter() - begin)
        stream += 2
    connection.close()
    latencies.sort()
    return {
        "calls": len(latencies),
        "errors": errors,
        "p50_ms": latencies[len(latencies) // 2] * 1000,
        "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), float(sys.argv[2]))))
