"""Calls Baton from Python: submits a plan, follows it, cancels one, reads refusals.

usage: client.py HOST:PORT
"""

from __future__ import annotations

import json
import sys
import uuid

import grpc
from baton.v1 import orchestrator_pb2 as api
from baton.v1 import orchestrator_pb2_grpc, plan_pb2
from google.rpc import error_details_pb2, status_pb2

# Every call has a deadline: without one it may wait for ever.
TIMEOUT_S = 30.0


def task(
    task_id: str,
    payload: dict[str, str],
    depends_on: tuple[str, ...] = (),
    metadata: dict[str, str] | None = None,
) -> plan_pb2.Task:
    return plan_pb2.Task(
        id=task_id,
        type="prompt",
        payload_json=json.dumps(payload).encode(),
        depends_on=depends_on,
        metadata=metadata,
    )


def note() -> plan_pb2.Plan:
    """Two tasks; the second one reads what the first one wrote."""
    draft = task("draft", {"prompt": "Write a note about tea."})
    review = task("review", {"prompt": "Shorten: ${{ tasks.draft.output.text }}"}, ("draft",))
    return plan_pb2.Plan(name="note", tasks=[draft, review])


def endless() -> plan_pb2.Plan:
    """A task that the mock adapter runs until it is cancelled."""
    wait = task("wait", {"prompt": "Wait."}, metadata={"mock.hang": "true"})
    return plan_pb2.Plan(name="endless", tasks=[wait])


def circle() -> plan_pb2.Plan:
    """Two tasks that wait for each other."""
    tasks = [task("a", {"prompt": "A"}, ("b",)), task("b", {"prompt": "B"}, ("a",))]
    return plan_pb2.Plan(name="circle", tasks=tasks)


def show_event(event: plan_pb2.PlanEvent) -> None:
    print(event.seq, event.kind, event.task_id or "-")


def show_refusal(error: grpc.RpcError, about: str) -> None:
    """The code, and from google.rpc.ErrorInfo the stable reason and what it is about."""
    code = error.code()
    for entry in error.trailing_metadata():
        if entry.key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(entry.value).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                print("refused:", code.name, info.reason, info.metadata[about])
                return
    print("refused:", code.name)


def submit(orchestrator: orchestrator_pb2_grpc.OrchestratorStub) -> str:
    # With a key of our own a submission can be repeated, whatever became of the first one.
    request = api.SubmitPlanRequest(plan=note(), request_key=str(uuid.uuid4()))
    first = orchestrator.SubmitPlan(request, timeout=TIMEOUT_S)
    print("submitted: created", str(first.created).lower())
    second = orchestrator.SubmitPlan(request, timeout=TIMEOUT_S)
    same = second.plan_id == first.plan_id
    print("again: created", str(second.created).lower(), "same", str(same).lower())
    request.plan.name = "another"
    try:
        orchestrator.SubmitPlan(request, timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        show_refusal(error, "namespace")
    return str(first.plan_id)


def follow(orchestrator: orchestrator_pb2_grpc.OrchestratorStub, plan_id: str) -> None:
    """Every event from the first one on; the stream ends with the plan."""
    request = api.StreamPlanEventsRequest(plan_id=plan_id)
    for item in orchestrator.StreamPlanEvents(request, timeout=TIMEOUT_S):
        show_event(item.event)
    whole = api.GetPlanRequest(plan_id=plan_id, view=api.PLAN_VIEW_FULL)
    state = orchestrator.GetPlan(whole, timeout=TIMEOUT_S).state
    print("plan:", plan_pb2.PlanStatus.Name(state.status))
    for each in state.tasks:
        print("task:", each.id, plan_pb2.TaskStatus.Name(each.status), each.output_json.decode())


def cancel(orchestrator: orchestrator_pb2_grpc.OrchestratorStub) -> None:
    request = api.SubmitPlanRequest(plan=endless())
    plan_id = orchestrator.SubmitPlan(request, timeout=TIMEOUT_S).plan_id
    following = api.StreamPlanEventsRequest(plan_id=plan_id)

    # Cancelling the call ends the watching, not the plan.
    watched = orchestrator.StreamPlanEvents(following, timeout=TIMEOUT_S)
    show_event(next(watched).event)
    watched.cancel()
    print("stopped watching:", watched.code().name)

    for item in orchestrator.StreamPlanEvents(following, timeout=TIMEOUT_S):
        show_event(item.event)
        if item.event.kind == "task_running":
            ending = api.CancelPlanRequest(plan_id=plan_id, reason="no longer needed")
            state = orchestrator.CancelPlan(ending, timeout=TIMEOUT_S).state
            print("cancelled:", plan_pb2.PlanStatus.Name(state.status))


def refusals(orchestrator: orchestrator_pb2_grpc.OrchestratorStub) -> None:
    try:
        orchestrator.SubmitPlan(api.SubmitPlanRequest(plan=circle()), timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        show_refusal(error, "field")
    nobody = "01890000-0000-7000-8000-000000000000"
    try:
        orchestrator.GetPlan(api.GetPlanRequest(plan_id=nobody), timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        show_refusal(error, "plan_id")


def main() -> None:
    with grpc.insecure_channel(sys.argv[1]) as channel:
        orchestrator = orchestrator_pb2_grpc.OrchestratorStub(channel)
        info = orchestrator.GetServerInfo(api.GetServerInfoRequest(), timeout=TIMEOUT_S)
        print("server: max_tasks", info.limits["max_tasks"])
        follow(orchestrator, submit(orchestrator))
        cancel(orchestrator)
        refusals(orchestrator)


if __name__ == "__main__":
    main()
