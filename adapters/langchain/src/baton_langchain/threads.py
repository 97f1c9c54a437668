"""The threads that run synchronous nodes and tools, known by the run they work for.

asyncio cannot end a thread: cancelling a graph leaves its synchronous node at work. A run has ended
only when its last thread has.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")
_MAX_THREADS = 32
_run: contextvars.ContextVar[str] = contextvars.ContextVar("baton_run", default="")


class RunThreads(ThreadPoolExecutor):
    """The event loop's default executor, which LangChain and LangGraph run synchronous code on."""

    def __init__(self) -> None:
        super().__init__(max_workers=_MAX_THREADS, thread_name_prefix="node")
        self._work: dict[str, set[Future[Any]]] = {}

    def submit(self, fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> Future[_T]:
        run = _run.get()
        future = super().submit(_guarded, fn, *args, **kwargs)
        if run:
            self._work.setdefault(run, set()).add(future)
        return future

    def enter(self, run: str) -> None:
        """Work submitted in this context, and in those made from it, is the run's."""
        _run.set(run)

    async def leave(self, run: str) -> None:
        """Returns when no thread works for the run any more; what has not begun never does.

        Cancelling this changes nothing: there is no other way for the run to end.
        """
        for future in self._work.pop(run, set()):
            future.cancel()
            while not future.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([asyncio.wrap_future(future)])


def _guarded(fn: Callable[..., _T], /, *args: Any, **kwargs: Any) -> _T:
    """A node that calls `sys.exit` fails; let through, it would end the adapter's event loop."""
    try:
        return fn(*args, **kwargs)
    except SystemExit as error:
        raise RuntimeError(f"the code asked to end the process: {error.code}") from error
