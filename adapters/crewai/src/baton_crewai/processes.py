"""What Linux offers to make sure that no process is left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

# <linux/prctl.h>
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Has the kernel send `number` to this process when `parent` dies; ends at once if it has.

    The kernel watches the thread that forked (prctl(2), PR_SET_PDEATHSIG).
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(0)


def adopt_orphans() -> None:
    """Descendants whose parent dies become children of this process, not of init."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def prefer_as_oom_victim() -> None:
    """Has the kernel end this process rather than its parent when memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def children_of(parent: int) -> list[int]:
    """The processes whose parent is `parent`, zombies among them."""
    return [pid for pid in _all_processes() if _parent_of(pid) == parent]


def end_marked(variable: str, value: str) -> int:
    """Kills every process started with this environment variable and waits for their end.

    The environment of the exec is what counts, so forked descendants are found as well as started
    ones. Answers how many there were.
    """
    mark = f"{variable}={value}".encode()
    count = 0
    while marked := [pid for pid in _all_processes() if _has_mark(pid, mark)]:
        for pid in marked:
            count += _kill_and_wait(pid, mark)
    return count


def _kill_and_wait(pid: int, mark: bytes) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # The number may have passed to another process before the handle was taken.
        if not _has_mark(pid, mark):
            return False
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [])
        return True
    finally:
        os.close(handle)


def _all_processes() -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name)


def _has_mark(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): the name stands in parentheses and may hold any character; state and parent follow.
    return int(stat.rpartition(")")[2].split()[1])
