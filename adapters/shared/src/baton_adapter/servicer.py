"""ExecutionAdapter: what the orchestrator calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import grpc.aio

from baton_adapter import messages
from baton_adapter._generated.baton.v1 import adapter_pb2, adapter_pb2_grpc, plan_pb2
from baton_adapter.config import Config
from baton_adapter.host import RunHost
from baton_adapter.runs import Cancel, RunRef
from baton_adapter.runtime import Runtime
from baton_adapter.status import Refusal, abort

_T = TypeVar("_T")
_MAX_WAIT_S = 300.0
_OUTCOMES = {
    Cancel.ACCEPTED: adapter_pb2.CANCEL_OUTCOME_ACCEPTED,
    Cancel.ALREADY_FINISHED: adapter_pb2.CANCEL_OUTCOME_ALREADY_FINISHED,
    Cancel.NOT_FOUND: adapter_pb2.CANCEL_OUTCOME_NOT_FOUND,
}


class ExecutionAdapterServicer(adapter_pb2_grpc.ExecutionAdapterServicer):
    """Translates calls into those of `RunHost`; decides nothing."""

    def __init__(self, config: Config, runtime: Runtime, host: RunHost) -> None:
        self._config = config
        self._runtime = runtime
        self._host = host

    async def DispatchTask(
        self, request: adapter_pb2.DispatchTaskRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> adapter_pb2.TaskHandle:
        return await _answer(lambda: self._hand_out(request, resumes=False), context)

    async def ResumeTask(
        self, request: adapter_pb2.ResumeTaskRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> adapter_pb2.TaskHandle:
        return await _answer(lambda: self._hand_out(request.task, resumes=True), context)

    async def _hand_out(
        self, request: adapter_pb2.DispatchTaskRequest, *, resumes: bool
    ) -> adapter_pb2.TaskHandle:
        task = messages.read_request(request, resumes=resumes)
        handle, answered = await self._host.dispatch(task, request.token)
        return adapter_pb2.TaskHandle(
            idempotency_key=request.idempotency_key,
            attempt=request.attempt,
            token=request.token,
            handle=handle,
            epoch=self._host.epoch,
            answered=answered,
        )

    async def GetTaskResult(
        self, request: adapter_pb2.GetTaskResultRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> adapter_pb2.GetTaskResultResponse:
        async def answer() -> adapter_pb2.GetTaskResultResponse:
            wait_s = min(max(0, request.wait_ms) / 1000, _MAX_WAIT_S)
            polled = await self._host.poll(_ref(request), request.token, wait_s)
            if polled is None:
                raise Refusal(
                    grpc.StatusCode.NOT_FOUND, "UNKNOWN_RUN", "There is no such run here."
                )
            response = adapter_pb2.GetTaskResultResponse(
                attempt=request.attempt, token=request.token, started=polled.started
            )
            if polled.result is None:
                response.pending = True
            else:
                response.result.CopyFrom(plan_pb2.TaskResult.FromString(polled.result))
            return response

        return await _answer(answer, context)

    async def CancelTask(
        self, request: adapter_pb2.CancelTaskRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> adapter_pb2.CancelTaskResponse:
        async def answer() -> adapter_pb2.CancelTaskResponse:
            ref = _ref(request)
            if request.hand_back:
                outcome = self._host.hand_back(ref)
            else:
                outcome = await self._host.cancel(ref)
            return adapter_pb2.CancelTaskResponse(outcome=_OUTCOMES[outcome])

        return await _answer(answer, context)

    async def AdapterHealthCheck(
        self,
        request: adapter_pb2.AdapterHealthCheckRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> adapter_pb2.AdapterHealthCheckResponse:
        message = messages.clean(await self._runtime.health())
        return adapter_pb2.AdapterHealthCheckResponse(
            healthy=not message,
            message=message,
            in_flight=self._host.in_flight,
            last_error=self._host.last_error,
        )

    async def GetAdapterInfo(
        self,
        request: adapter_pb2.GetAdapterInfoRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> adapter_pb2.GetAdapterInfoResponse:
        return adapter_pb2.GetAdapterInfoResponse(
            adapter=self._config.adapter,
            instance=self._config.instance,
            framework=self._runtime.framework,
            framework_version=self._runtime.framework_version,
            task_types=self._runtime.task_types,
            capabilities=self._runtime.capabilities,
            max_concurrency=self._config.max_concurrency,
            protocol_version=messages.PROTOCOL_VERSION,
        )


def _ref(request: adapter_pb2.GetTaskResultRequest | adapter_pb2.CancelTaskRequest) -> RunRef:
    if not request.idempotency_key or request.attempt < 1:
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "BAD_REQUEST",
            "idempotency_key and attempt (from 1) are needed",
        )
    return RunRef(request.idempotency_key, request.attempt)


async def _answer(
    answer: Callable[[], Awaitable[_T]], context: grpc.aio.ServicerContext[Any, Any]
) -> _T:
    try:
        return await answer()
    except Refusal as refusal:
        await abort(context, refusal)
