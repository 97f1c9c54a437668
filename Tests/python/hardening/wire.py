"""HTTP/2 frames as bytes (RFC 9113 section 4), and what a gRPC call without a request needs."""

import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(
    10
)
END_STREAM = ACK = 0x1
END_HEADERS = 0x4


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """One frame."""
    return struct.pack(">IBI", len(payload) << 8 | kind, flags, stream) + payload


def text(value: str) -> bytes:
    """A string literal of less than 127 bytes, without Huffman coding (RFC 7541 section 5.2)."""
    return bytes([len(value)]) + value.encode()


def field(name: str, value: str) -> bytes:
    """A literal field that is not indexed (RFC 7541 section 6.2.2)."""
    return b"\x00" + text(name) + text(value)


def request(method: str, *more: tuple[str, str]) -> bytes:
    """The header block of a call of `grpc.testing.TestService`."""
    path = f"/grpc.testing.TestService/{method}"
    block = b"\x83\x86\x04" + text(path) + b"\x01" + text("localhost")
    block += field("content-type", "application/grpc") + field("te", "trailers")
    return block + b"".join(field(name, value) for name, value in more)


EMPTY_CALL = request("EmptyCall")
EMPTY_MESSAGE = bytes(5)
HELLO = PREFACE + frame(SETTINGS)
# Room for everything that a test is sent on one connection.
WIDE_WINDOW = frame(WINDOW_UPDATE, payload=struct.pack(">I", 1 << 30))


class Closed(Exception):
    """The server has closed the connection."""


class Connection:
    """A blocking connection that reads frames."""

    def __init__(
        self, port: int, settings: bytes = b"", *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self._bytes = bytearray()
        self.socket.sendall(PREFACE + frame(SETTINGS, payload=settings))
        acknowledged = greeted = False
        while not (acknowledged and greeted):
            kind, flags, _, _ = self.read()
            if kind == SETTINGS and flags & ACK:
                acknowledged = True
            elif kind == SETTINGS:
                greeted = True
        self.socket.sendall(frame(SETTINGS, ACK))

    def read(self) -> tuple[int, int, int, bytes]:
        """The next frame: type, flags, stream, payload."""
        while True:
            if len(self._bytes) >= 9:
                head, flags, stream = struct.unpack_from(">IBI", self._bytes)
                end = 9 + (head >> 8)
                if len(self._bytes) >= end:
                    payload = bytes(self._bytes[9:end])
                    del self._bytes[:end]
                    return head & 0xFF, flags, stream & 0x7FFFFFFF, payload
            received = self.socket.recv(65536)
            if not received:
                raise Closed
            self._bytes += received

    def close(self) -> None:
        """Closes without a word."""
        self.socket.close()
