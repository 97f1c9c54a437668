"""Whoever submits, watches, decides and cancels; every call is repeated until it is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
from baton_adapter._generated.baton.v1 import orchestrator_pb2 as api
from baton_adapter._generated.baton.v1 import plan_pb2

from . import plan

_CALL_SECONDS = 10.0
# A run takes about three seconds.
_RUN_SECONDS = 60.0
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
_ENDS = ("plan_completed", "plan_failed", "plan_cancelled")

Reply = TypeVar("Reply")


class GaveUp(Exception):
    """A call was refused, or the plans have not ended in time."""


class Caller:
    """Both plans, from their submission to their ends."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub
        self._end = time.monotonic() + _RUN_SECONDS
        self.reference_id = ""
        self.dropped_id = ""
        # As they came, over every kill.
        self.watched: dict[str, list[plan_pb2.PlanEvent]] = {}

    def run(self) -> None:
        """Returns once both plans have ended."""
        self.dropped_id = self._submit(plan.dropped(), "dropped")
        self.reference_id = self._submit(plan.reference(), "reference")
        failures: list[BaseException] = []
        threads = [
            threading.Thread(target=self._guarded, args=(failures, work))
            for work in (self._follow_reference, self._follow_dropped)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise GaveUp(str(failures[0])) from failures[0]

    @staticmethod
    def _guarded(failures: list[BaseException], work: Callable[[], None]) -> None:
        try:
            work()
        except (GaveUp, grpc.RpcError) as error:
            failures.append(error)

    def _submit(self, submitted: plan_pb2.Plan, key: str) -> str:
        request = api.SubmitPlanRequest(plan=submitted, request_key=key)
        reply: api.SubmitPlanResponse = self._again(self._stub.SubmitPlan, request)
        return reply.plan_id

    def _follow_reference(self) -> None:
        for event in self._watch(self.reference_id):
            if event.kind == "task_waiting_input":
                request = api.CompleteTaskRequest(
                    plan_id=self.reference_id, task_id=event.task_id, value_json=b'{"n": "yes"}'
                )
                self._again(self._stub.CompleteTask, request)

    def _follow_dropped(self) -> None:
        out = set()
        for event in self._watch(self.dropped_id):
            if event.kind == "task_dispatched":
                out.add(event.task_id)
            if out >= {"one", "two"}:
                request = api.CancelPlanRequest(plan_id=self.dropped_id, reason="no longer")
                self._again(self._stub.CancelPlan, request)
                out.clear()

    def _watch(self, plan_id: str) -> Any:
        """Every event once, from wherever it was cut off, up to the plan's end."""
        seen = self.watched.setdefault(plan_id, [])
        while True:
            request = api.StreamPlanEventsRequest(plan_id=plan_id, from_seq=len(seen) + 1)
            try:
                for response in self._stub.StreamPlanEvents(
                    request, timeout=self._left(), wait_for_ready=True
                ):
                    seen.append(response.event)
                    yield response.event
            except grpc.RpcError as error:
                self._check_again(error)
            else:
                return

    def state(self, plan_id: str) -> plan_pb2.PlanState:
        request = api.GetPlanRequest(plan_id=plan_id, view=api.PLAN_VIEW_FULL)
        reply: api.GetPlanResponse = self._again(self._stub.GetPlan, request)
        return reply.state

    def events(self, plan_id: str) -> list[plan_pb2.PlanEvent]:
        """The whole history, read anew."""
        request = api.StreamPlanEventsRequest(plan_id=plan_id)
        stream = self._stub.StreamPlanEvents(request, timeout=_CALL_SECONDS, wait_for_ready=True)
        return [response.event for response in stream]

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise GaveUp(f"the plans have not ended within {_RUN_SECONDS:.0f} s")
        return left

    def _again(self, method: Callable[..., Reply], request: object) -> Reply:
        while True:
            try:
                timeout = min(_CALL_SECONDS, self._left())
                return method(request, timeout=timeout, wait_for_ready=True)
            except grpc.RpcError as error:
                self._check_again(error)

    def _check_again(self, error: grpc.RpcError) -> None:
        code = error.code()
        if code not in _AGAIN:
            raise GaveUp(f"{code}: {error.details()}") from error
        self._left()
