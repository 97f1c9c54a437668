"""gRPC on bare HTTP/2 frames: what its libraries hide, above all each message's compressed flag.

github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md and doc/compression.md.
"""

import gzip
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

Headers = dict[str, str]


@dataclass(frozen=True)
class Message:
    """One message as it came: the flag of its prefix, and its bytes, unpacked if it was set."""

    compressed: bool
    data: bytes


def framed(data: bytes, *, compressed: bool) -> bytes:
    """A message with its prefix."""
    body = gzip.compress(data) if compressed else data
    return struct.pack(">?I", compressed, len(body)) + body


@dataclass
class Deframer:
    """Cuts a stream's bytes into messages."""

    _buffer: bytes = b""

    def feed(self, data: bytes) -> Iterator[Message]:
        self._buffer += data
        while len(self._buffer) >= 5:
            flag, length = struct.unpack(">BI", self._buffer[:5])
            if len(self._buffer) < 5 + length:
                return
            body, self._buffer = self._buffer[5 : 5 + length], self._buffer[5 + length :]
            if flag not in (0, 1):
                raise ValueError(f"the flag of a message is {flag}")
            yield Message(flag == 1, gzip.decompress(body) if flag else body)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of a further message has come."""
        return not self._buffer


@dataclass
class _Outgoing:
    """What of a stream waits for window."""

    data: bytes = b""
    ends: bool = False
    trailers: list[tuple[str, str]] | None = None


class Connection:
    """An HTTP/2 connection over a socket, for one thread."""

    def __init__(self, link: socket.socket, *, client: bool) -> None:
        self.link = link
        settings = h2.config.H2Configuration(client_side=client, header_encoding="utf-8")
        self.http2 = h2.connection.H2Connection(settings)
        self.http2.initiate_connection()
        self._waiting: dict[int, _Outgoing] = {}
        self.flush()

    def send(
        self,
        stream: int,
        data: bytes,
        *,
        end: bool = False,
        trailers: list[tuple[str, str]] | None = None,
    ) -> None:
        """Sends bytes of a stream, as far as its window allows; the rest when it opens.

        With `end`, or with trailers, nothing follows.
        """
        waiting = self._waiting.setdefault(stream, _Outgoing())
        waiting.data += data
        waiting.ends, waiting.trailers = end or trailers is not None, trailers
        self._send_waiting(stream)

    def _send_waiting(self, stream: int) -> None:
        waiting = self._waiting[stream]
        while waiting.data:
            window = self.http2.local_flow_control_window(stream)
            size = min(len(waiting.data), window, self.http2.max_outbound_frame_size)
            if size <= 0:
                return
            self.http2.send_data(stream, waiting.data[:size])
            waiting.data = waiting.data[size:]
        del self._waiting[stream]
        if waiting.trailers is not None:
            self.http2.send_headers(stream, waiting.trailers, end_stream=True)
        elif waiting.ends:
            self.http2.end_stream(stream)

    def forget(self, stream: int) -> None:
        """Drops what still waits to be sent on a stream."""
        self._waiting.pop(stream, None)

    def flush(self) -> None:
        """Writes what the session has produced."""
        if data := self.http2.data_to_send():
            self.link.sendall(data)

    def events(self) -> Iterator[h2.events.Event]:
        """What arrives, until the connection ends; window is given back at once."""
        while data := self.link.recv(65_536):
            for event in self.http2.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    size = event.flow_controlled_length
                    self.http2.acknowledge_received_data(size, event.stream_id)
                elif isinstance(event, h2.events.StreamReset):
                    self.forget(event.stream_id)
                yield event
            for stream in list(self._waiting):
                self._send_waiting(stream)
            self.flush()


def fields(headers: Iterable[Sequence[str | bytes]]) -> Headers:
    """Header fields by name."""
    return {str(name): str(value) for name, value in headers}


def request_headers(path: str, extra: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *extra.items(),
    ]


@dataclass
class Answer:
    """What a server said to one call."""

    headers: Headers = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    trailers: Headers = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The call's status code; the only headers are also its trailers."""
        return int((self.trailers or self.headers)["grpc-status"])


def call(connection: Connection, path: str, body: bytes, extra: Mapping[str, str]) -> Answer:
    """Makes a call with those bytes as its whole body."""
    stream = connection.http2.get_next_available_stream_id()
    connection.http2.send_headers(stream, request_headers(path, extra))
    connection.send(stream, body, end=True)
    connection.flush()
    answer, deframer = Answer(), Deframer()
    for event in connection.events():
        match event:
            case h2.events.ResponseReceived(headers=headers):
                answer.headers = fields(headers)
            case h2.events.TrailersReceived(headers=headers):
                answer.trailers = fields(headers)
            case h2.events.DataReceived(data=data):
                answer.messages += deframer.feed(data)
            case h2.events.StreamEnded():
                if not deframer.is_empty:
                    raise ValueError("the stream ends within a message")
                connection.forget(stream)
                return answer
            case h2.events.StreamReset(error_code=code):
                raise ValueError(f"the stream was reset with {code}")
    raise ValueError("the connection was closed")
