"""The rules of the hand-out, as transcripts: what comes in, and what is answered."""

from __future__ import annotations

import copy

import pytest
from baton_adapter.runs import Answers, Run, RunRef, RunState, RunTable, Verdict

TOMBSTONE_S = 100.0
LOST_S = 1000.0


class Transcript:
    """Plays one transcript against a table, and keeps the rows as a store does."""

    def __init__(self) -> None:
        self._rows: dict[RunRef, Run] = {}
        self._now = 0.0
        self._epoch = 0
        self._restart()

    def play(self, line: str) -> str:
        """Does one line; the answer as text."""
        verb, *words = line.split()
        answer = getattr(self, f"_{verb}")(*words)
        for ref, run in self._table.take_changes().items():
            if run is None:
                del self._rows[ref]
            else:
                self._rows[ref] = copy.copy(run)
        return answer or ""

    def _restart(self) -> None:
        self._epoch += 1
        self._table = RunTable(
            epoch=f"e{self._epoch}", max_running=2, tombstone_s=TOMBSTONE_S, lost_s=LOST_S
        )
        self._table.load(copy.deepcopy(list(self._rows.values())), self._now)

    def _dispatch(self, name: str, token: str, count: str = "0", *, resumes: bool = False) -> str:
        ref, answers = _ref(name), Answers(int(count), resumes)
        would_start = self._table.would_start(ref, int(token), answers)
        verdict, killed = self._table.hand_out(ref, int(token), answers)
        assert would_start == (verdict.name in ("START", "NO_ROOM"))
        run = self._table.find(ref)
        handle = [run.handle] if verdict.name in ("START", "SAME") and run else []
        return " ".join([verdict.name, *handle, *_killed(killed)])

    def _resume(self, name: str, token: str, count: str) -> str:
        return self._dispatch(name, token, count, resumes=True)

    def _ask(self, name: str, number: str) -> None:
        assert self._table.finish(_ref(name), f"Q{number}".encode(), int(number))

    def _cancel(self, name: str) -> str:
        answer, killed = self._table.cancel(_ref(name), self._now)
        return " ".join([answer.name, *_killed(killed)])

    def _poll(self, name: str, token: str) -> str:
        run = self._table.ask(_ref(name), int(token))
        return "NOT_FOUND" if run is None else f"{run.state.name} {run.result.decode()}".strip()

    def _finish(self, name: str, result: str) -> str:
        return "" if self._table.finish(_ref(name), result.encode()) else "NOT_RUNNING"

    def _reported(self, name: str, token: str, verdict: str) -> str:
        done = self._table.reported(_ref(name), int(token), Verdict[verdict], self._now)
        return "DONE" if done else "AGAIN"

    def _forget(self, name: str) -> None:
        self._table.forget(_ref(name), self._now)

    def _hand_back(self, name: str) -> None:
        self._table.lose(_ref(name), self._now)

    def _wait(self, seconds: str) -> None:
        self._now += float(seconds)
        self._table.expire(self._now)

    def _list(self) -> str:
        return " ".join(
            f"{run.ref.key}#{run.ref.attempt}:{run.token}:{run.state.name}"
            for run in self._table.listed()
        )

    def _due(self) -> str:
        """The results that are to be reported."""
        return " ".join(
            f"{run.ref.key}#{run.ref.attempt}:{run.token}"
            for run in self._table.listed()
            if run.state is RunState.FINISHED and not run.parked
        )

    def _rows_stored(self) -> str:
        return str(len(self._rows))


def _ref(name: str) -> RunRef:
    key, _, attempt = name.partition("#")
    return RunRef(key, int(attempt))


def _killed(refs: list[RunRef]) -> list[str]:
    return [f"kill:{ref.key}#{ref.attempt}" for ref in refs]


TRANSCRIPTS = {
    "P1 P2: the same record again is the same run": """
        dispatch a#1 5 -> START e1-1
        dispatch a#1 5 -> SAME e1-1
        finish a#1 R
        dispatch a#1 5 -> SAME e1-1
        list -> a#1:5:FINISHED
    """,
    "P2: a lost run is started again only by a higher token": """
        dispatch a#1 5 -> START e1-1
        restart
        dispatch a#1 5 -> LOST
        dispatch a#1 4 -> LOST
        dispatch a#1 6 -> START e1-1
        dispatch a#1 5 -> SAME e1-1
        list -> a#1:6:RUNNING
    """,
    "P2: the highest token counts, not the latest": """
        dispatch a#1 5 -> START e1-1
        dispatch a#1 7 -> SAME e1-1
        dispatch a#1 6 -> SAME e1-1
        list -> a#1:7:RUNNING
        restart
        dispatch a#1 7 -> LOST
        dispatch a#1 8 -> START e1-1
    """,
    "P3: the list holds what is unfinished or unacknowledged": """
        list ->
        dispatch a#1 1 -> START e1-1
        dispatch b#1 2 -> START e1-2
        finish b#1 R
        list -> a#1:1:RUNNING b#1:2:FINISHED
        reported b#1 2 SETTLED -> DONE
        list -> a#1:1:RUNNING
    """,
    "P3: a run lost with its process is told by its absence": """
        dispatch a#1 1 -> START e1-1
        dispatch b#1 1 -> START e1-2
        finish b#1 R
        restart
        list -> b#1:1:FINISHED
        poll a#1 2 -> NOT_FOUND
    """,
    "P6: an answer counts for the token it was asked under": """
        dispatch a#1 5 -> START e1-1
        finish a#1 R
        dispatch a#1 6 -> SAME e1-1
        reported a#1 5 REFUSED -> AGAIN
        due -> a#1:6
        reported a#1 5 SETTLED -> AGAIN
        list -> a#1:6:FINISHED
        reported a#1 6 SETTLED -> DONE
        list ->
    """,
    "P7: polling takes on a higher token": """
        dispatch a#1 5 -> START e1-1
        poll a#1 6 -> RUNNING
        list -> a#1:6:RUNNING
        poll a#1 4 -> RUNNING
        list -> a#1:6:RUNNING
        finish a#1 R
        poll a#1 7 -> FINISHED R
        list -> a#1:7:FINISHED
        poll b#1 1 -> NOT_FOUND
    """,
    "P8: reading deletes nothing": """
        dispatch a#1 5 -> START e1-1
        finish a#1 R
        poll a#1 5 -> FINISHED R
        poll a#1 5 -> FINISHED R
        restart
        poll a#1 5 -> FINISHED R
    """,
    "P8: STALE_LEASE parks a result until a higher token asks for it": """
        dispatch a#1 5 -> START e1-1
        finish a#1 R
        due -> a#1:5
        reported a#1 5 REFUSED -> DONE
        due ->
        list -> a#1:5:FINISHED
        dispatch a#1 5 -> SAME e1-1
        due ->
        dispatch a#1 6 -> SAME e1-1
        due -> a#1:6
        reported a#1 6 REFUSED -> DONE
        poll a#1 7 -> FINISHED R
        due -> a#1:7
        reported a#1 7 SETTLED -> DONE
        due ->
    """,
    "P8: the heartbeat's forget deletes a result, and only a result": """
        dispatch a#1 5 -> START e1-1
        dispatch b#1 5 -> START e1-2
        finish a#1 R
        forget a#1
        forget b#1
        forget c#1
        list -> b#1:5:RUNNING
        poll a#1 5 -> NOT_FOUND
        restart
        poll a#1 5 -> NOT_FOUND
    """,
    "P9: a settled run is not run again, however high the token": """
        dispatch a#1 5 -> START e1-1
        finish a#1 R
        reported a#1 5 SETTLED -> DONE
        dispatch a#1 5 -> ENDED
        dispatch a#1 9 -> ENDED
        restart
        wait 99
        dispatch a#1 9 -> ENDED
        wait 2
        rows_stored -> 0
        dispatch a#1 9 -> START e2-1
    """,
    "P9: a lower attempt is refused and its run killed": """
        dispatch a#1 5 -> START e1-1
        dispatch a#2 6 -> START e1-2 kill:a#1
        dispatch a#1 7 -> SUPERSEDED kill:a#1
        finish a#1 C
        dispatch a#1 7 -> SUPERSEDED
        list -> a#1:5:FINISHED a#2:6:RUNNING
    """,
    "P9: a tombstone of a higher attempt refuses a lower one": """
        dispatch a#2 6 -> START e1-1
        finish a#2 R
        reported a#2 6 SETTLED -> DONE
        restart
        dispatch a#1 5 -> SUPERSEDED
    """,
    "P9: a lost lower attempt is not started beside a higher one": """
        dispatch a#1 5 -> START e1-1
        restart
        dispatch a#2 6 -> START e2-1
        dispatch a#1 7 -> SUPERSEDED
    """,
    "P10: a cancel of an unknown run leaves a tombstone": """
        cancel a#1 -> NOT_FOUND
        dispatch a#1 5 -> CANCELLED
        cancel a#1 -> NOT_FOUND
        restart
        dispatch a#1 6 -> CANCELLED
        wait 101
        dispatch a#1 6 -> START e2-1
    """,
    "P10: a cancel is repeated until the run is gone": """
        dispatch a#1 5 -> START e1-1
        cancel a#1 -> ACCEPTED kill:a#1
        cancel a#1 -> ACCEPTED kill:a#1
        dispatch a#1 5 -> CANCELLED
        list -> a#1:5:RUNNING
        finish a#1 C
        cancel a#1 -> ALREADY_FINISHED
        due -> a#1:5
        reported a#1 5 SETTLED -> DONE
        cancel a#1 -> NOT_FOUND
    """,
    "P10: a lost run that is cancelled does not come back": """
        dispatch a#1 5 -> START e1-1
        restart
        cancel a#1 -> NOT_FOUND
        dispatch a#1 6 -> CANCELLED
    """,
    "P10: a cancel of an unknown higher attempt kills the lower one": """
        dispatch a#1 5 -> START e1-1
        cancel a#2 -> NOT_FOUND kill:a#1
        dispatch a#1 6 -> SUPERSEDED kill:a#1
    """,
    "a cancel after the end of an acknowledged run": """
        dispatch a#1 5 -> START e1-1
        finish a#1 R
        cancel a#1 -> ALREADY_FINISHED
        reported a#1 5 SETTLED -> DONE
        cancel a#1 -> ALREADY_FINISHED
    """,
    "no room: refused without a trace": """
        dispatch a#1 1 -> START e1-1
        dispatch b#1 1 -> START e1-2
        dispatch c#1 1 -> NO_ROOM
        dispatch a#1 1 -> SAME e1-1
        rows_stored -> 2
        finish a#1 R
        dispatch c#1 1 -> START e1-3
    """,
    "no room: a lost run stays lost": """
        dispatch a#1 1 -> START e1-1
        restart
        dispatch b#1 1 -> START e2-1
        dispatch c#1 1 -> START e2-2
        dispatch a#1 2 -> NO_ROOM
        finish b#1 R
        dispatch a#1 1 -> LOST
        dispatch a#1 2 -> START e1-1
    """,
    "a run that was handed back comes again with a higher token": """
        dispatch a#1 1 -> START e1-1
        hand_back a#1
        list ->
        finish a#1 R -> NOT_RUNNING
        dispatch a#1 1 -> LOST
        dispatch a#1 2 -> START e1-1
    """,
    "an unacknowledged result is reported again after a restart": """
        dispatch a#1 1 -> START e1-1
        finish a#1 R
        reported a#1 1 REFUSED -> DONE
        restart
        due -> a#1:1
    """,
    "a run that is lost twice is forgotten once": """
        dispatch a#1 1 -> START e1-1
        hand_back a#1
        wait 900
        dispatch a#1 2 -> START e1-1
        hand_back a#1
        wait 101
        dispatch a#1 2 -> LOST
        wait 900
        rows_stored -> 0
        dispatch a#1 3 -> START e1-2
    """,
    "a lost run that is cancelled is forgotten with its tombstone": """
        dispatch a#1 1 -> START e1-1
        hand_back a#1
        wait 900
        cancel a#1 -> NOT_FOUND
        wait 100
        rows_stored -> 0
    """,
    "a lost run is forgotten in the end": """
        dispatch a#1 1 -> START e1-1
        restart
        wait 999
        dispatch a#1 1 -> LOST
        wait 2
        rows_stored -> 0
    """,
}


@pytest.mark.parametrize("text", TRANSCRIPTS.values(), ids=TRANSCRIPTS)
def test_transcript(text: str) -> None:
    transcript = Transcript()
    for line in text.strip().splitlines():
        event, _, wanted = line.partition("->")
        assert transcript.play(event) == wanted.strip(), line.strip()
