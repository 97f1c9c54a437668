"""What running tasks say, gathered and sent at most ten times a second. Best effort."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

from baton_adapter import messages
from baton_adapter._generated.baton.v1 import orchestrator_pb2, registry_pb2
from baton_adapter.runs import RunRef
from baton_adapter.runtime import Usage

_INTERVAL_S = 0.1
# Of one run in one batch; what is more is dropped, the oldest first.
_MAX_ENTRIES = 100
_MAX_CHUNK_BYTES = 64 * 1024
_MAX_BATCH_BYTES = 1 << 20

Send = Callable[[Sequence[registry_pb2.RunProgress]], Awaitable[None]]


@dataclass
class _Text:
    """Chunks that follow each other, from a place in the output in bytes."""

    offset: int
    text: str


class RunProgress:
    """The `Progress` of one run. Safe from any thread; never blocks, never fails."""

    def __init__(self, ref: RunRef, wake: Callable[[], None], begun: Callable[[], None]) -> None:
        self.ref = ref
        self.closed = False
        self._wake = wake
        self._begun = begun
        self._lock = threading.Lock()
        self._started = False
        self._tell_started = False
        self._entries: deque[_Text | orchestrator_pb2.TaskProgress] = deque(maxlen=_MAX_ENTRIES)
        self._offset = 0
        self._usage: Usage | None = None

    def started(self) -> None:
        with self._lock:
            if self._started:
                return
            self._started = self._tell_started = True
        self._begun()
        self._wake()

    def chunk(self, text: str) -> None:
        text = messages.clean(text)
        with self._lock:
            last = self._entries[-1] if self._entries else None
            if isinstance(last, _Text):
                last.text += text
            else:
                self._entries.append(_Text(self._offset, text))
            self._offset += len(text.encode())
        self._wake()

    def message(self, agent: str, role: str, content: str) -> None:
        self._add(messages.message_progress(agent, role, content))

    def log(self, severity: str, text: str) -> None:
        self._add(messages.log_progress(severity, text))

    def usage(self, so_far: Usage) -> None:
        with self._lock:
            self._usage = so_far
        self._wake()

    def take(self, token: int) -> list[registry_pb2.RunProgress]:
        """What was said since the last call."""
        with self._lock:
            entries, usage, began = list(self._entries), self._usage, self._tell_started
            self._entries.clear()
            self._usage, self._tell_started = None, False
        bodies: list[orchestrator_pb2.TaskProgress | None] = []
        for entry in entries:
            if isinstance(entry, _Text):
                bodies.extend(_chunks(entry))
            else:
                bodies.append(entry)
        if usage is not None:
            bodies.append(messages.usage_progress(usage))
        if began and not bodies:
            bodies.append(None)
        return [
            registry_pb2.RunProgress(
                idempotency_key=self.ref.key,
                attempt=self.ref.attempt,
                token=token,
                started=began and place == 0,
                progress=body,
            )
            for place, body in enumerate(bodies)
        ]

    def _add(self, entry: orchestrator_pb2.TaskProgress) -> None:
        with self._lock:
            self._entries.append(entry)
        self._wake()


class ProgressHub:
    """Gathers what every run says and sends it in batches."""

    def __init__(self, send: Send, token_of: Callable[[RunRef], int | None]) -> None:
        self._send = send
        self._token_of = token_of
        self._runs: dict[RunRef, RunProgress] = {}
        self._dirty = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def open(self, ref: RunRef, begun: Callable[[], None]) -> RunProgress:
        """The progress of a run that is about to begin; `begun` is called on the loop."""
        progress = RunProgress(ref, self._wake, lambda: self._call(begun))
        self._runs[ref] = progress
        return progress

    def close(self, progress: RunProgress) -> None:
        """The run has ended; what it said last is still sent."""
        progress.closed = True
        self._dirty.set()

    async def run(self) -> None:
        """Sends until it is cancelled: at once, then at most every tenth of a second."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            items = self._gather()
            for batch in _batches(items):
                await self._send(batch)
            await asyncio.sleep(_INTERVAL_S)

    def _gather(self) -> list[registry_pb2.RunProgress]:
        items: list[registry_pb2.RunProgress] = []
        for ref, progress in list(self._runs.items()):
            token = self._token_of(ref)
            if token is not None:
                items.extend(progress.take(token))
            if progress.closed:
                del self._runs[ref]
        return items

    def _wake(self) -> None:
        self._call(self._dirty.set)

    def _call(self, function: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)


def _chunks(entry: _Text) -> Iterator[orchestrator_pb2.TaskProgress]:
    offset, encoded = entry.offset, entry.text.encode()
    while encoded:
        piece = encoded[:_MAX_CHUNK_BYTES].decode(errors="ignore")
        size = len(piece.encode())
        yield messages.chunk_progress(offset, piece)
        offset, encoded = offset + size, encoded[size:]


def _batches(
    items: Sequence[registry_pb2.RunProgress],
) -> Iterator[list[registry_pb2.RunProgress]]:
    batch: list[registry_pb2.RunProgress] = []
    size_bytes = 0
    for item in items:
        if batch and size_bytes + item.ByteSize() > _MAX_BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(item)
        size_bytes += item.ByteSize()
    if batch:
        yield batch
