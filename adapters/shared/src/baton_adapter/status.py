"""gRPC statuses with details: `google.rpc.Status` in `grpc-status-details-bin`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

DETAILS_KEY = "grpc-status-details-bin"
_DOMAIN = "baton"


class Refusal(Exception):
    """A call that is answered with something other than OK."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        retry_after_s: float = 0.0,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.retry_after_s = retry_after_s
        self.metadata = dict(metadata or {})

    def details(self) -> bytes:
        """The serialized `google.rpc.Status`: ErrorInfo, and RetryInfo where a time is given."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(
            error_details_pb2.ErrorInfo(reason=self.reason, domain=_DOMAIN, metadata=self.metadata)
        )
        if self.retry_after_s > 0:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(round(self.retry_after_s * 1000))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        return bytes(status.SerializeToString())


async def abort(context: grpc.aio.ServicerContext[Any, Any], refusal: Refusal) -> NoReturn:
    """Ends the call of `context` with `refusal`."""
    await context.abort(
        refusal.code, refusal.message, trailing_metadata=((DETAILS_KEY, refusal.details()),)
    )
    raise AssertionError("abort always raises")


@dataclass(frozen=True)
class Details:
    """What a failed call of ours carries."""

    reason: str = ""
    # None: the status has no RetryInfo.
    retry_after_s: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


def details_of(error: grpc.aio.AioRpcError) -> Details:
    """The details of a failed call; empty where there are none or they are not readable."""
    # The stubs call a sequence of pairs one pair.
    trailers: Any = error.trailing_metadata()
    raw = next((value for key, value in trailers or () if key == DETAILS_KEY), None)
    if not isinstance(raw, bytes):
        return Details()
    status = status_pb2.Status()
    reason, retry_after_s, metadata = "", None, {}
    try:
        status.ParseFromString(raw)
        for detail in status.details:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(retry):
                retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
    except ValueError:  # DecodeError is one
        return Details()
    return Details(reason, retry_after_s, metadata)
