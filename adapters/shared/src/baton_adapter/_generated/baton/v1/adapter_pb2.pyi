from baton_adapter._generated.baton.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CancelOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_OUTCOME_UNSPECIFIED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_ACCEPTED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_ALREADY_FINISHED: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_NOT_FOUND: _ClassVar[CancelOutcome]
    CANCEL_OUTCOME_UNSUPPORTED: _ClassVar[CancelOutcome]
CANCEL_OUTCOME_UNSPECIFIED: CancelOutcome
CANCEL_OUTCOME_ACCEPTED: CancelOutcome
CANCEL_OUTCOME_ALREADY_FINISHED: CancelOutcome
CANCEL_OUTCOME_NOT_FOUND: CancelOutcome
CANCEL_OUTCOME_UNSUPPORTED: CancelOutcome

class DispatchTaskRequest(_message.Message):
    __slots__ = ("namespace", "plan_id", "task_id", "index", "type", "payload_json", "attempt", "delivery", "token", "idempotency_key", "timeout_ms", "feedback", "traceparent", "metadata", "output_schema_json", "dialog")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DIALOG_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    plan_id: str
    task_id: str
    index: int
    type: str
    payload_json: bytes
    attempt: int
    delivery: int
    token: int
    idempotency_key: str
    timeout_ms: int
    feedback: str
    traceparent: str
    metadata: _containers.ScalarMap[str, str]
    output_schema_json: bytes
    dialog: _containers.RepeatedCompositeFieldContainer[DialogTurn]
    def __init__(self, namespace: _Optional[str] = ..., plan_id: _Optional[str] = ..., task_id: _Optional[str] = ..., index: _Optional[int] = ..., type: _Optional[str] = ..., payload_json: _Optional[bytes] = ..., attempt: _Optional[int] = ..., delivery: _Optional[int] = ..., token: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., feedback: _Optional[str] = ..., traceparent: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., output_schema_json: _Optional[bytes] = ..., dialog: _Optional[_Iterable[_Union[DialogTurn, _Mapping]]] = ...) -> None: ...

class DialogTurn(_message.Message):
    __slots__ = ("prompt_json", "value_json")
    PROMPT_JSON_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    prompt_json: bytes
    value_json: bytes
    def __init__(self, prompt_json: _Optional[bytes] = ..., value_json: _Optional[bytes] = ...) -> None: ...

class ResumeTaskRequest(_message.Message):
    __slots__ = ("task", "handle")
    TASK_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    task: DispatchTaskRequest
    handle: str
    def __init__(self, task: _Optional[_Union[DispatchTaskRequest, _Mapping]] = ..., handle: _Optional[str] = ...) -> None: ...

class TaskHandle(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "token", "handle", "epoch", "answered")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    token: int
    handle: str
    epoch: str
    answered: int
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., handle: _Optional[str] = ..., epoch: _Optional[str] = ..., answered: _Optional[int] = ...) -> None: ...

class GetTaskResultRequest(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "token", "handle", "wait_ms")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    token: int
    handle: str
    wait_ms: int
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., handle: _Optional[str] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class GetTaskResultResponse(_message.Message):
    __slots__ = ("attempt", "token", "pending", "result", "started")
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    token: int
    pending: bool
    result: _plan_pb2.TaskResult
    started: bool
    def __init__(self, attempt: _Optional[int] = ..., token: _Optional[int] = ..., pending: _Optional[bool] = ..., result: _Optional[_Union[_plan_pb2.TaskResult, _Mapping]] = ..., started: _Optional[bool] = ...) -> None: ...

class CancelTaskRequest(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "handle", "reason", "hand_back")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HAND_BACK_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    handle: str
    reason: str
    hand_back: bool
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., handle: _Optional[str] = ..., reason: _Optional[str] = ..., hand_back: _Optional[bool] = ...) -> None: ...

class CancelTaskResponse(_message.Message):
    __slots__ = ("outcome",)
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    outcome: CancelOutcome
    def __init__(self, outcome: _Optional[_Union[CancelOutcome, str]] = ...) -> None: ...

class AdapterHealthCheckRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AdapterHealthCheckResponse(_message.Message):
    __slots__ = ("healthy", "message", "in_flight", "last_error")
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    healthy: bool
    message: str
    in_flight: int
    last_error: str
    def __init__(self, healthy: _Optional[bool] = ..., message: _Optional[str] = ..., in_flight: _Optional[int] = ..., last_error: _Optional[str] = ...) -> None: ...

class GetAdapterInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAdapterInfoResponse(_message.Message):
    __slots__ = ("adapter", "instance", "framework", "framework_version", "task_types", "capabilities", "max_concurrency", "protocol_version")
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    instance: str
    framework: str
    framework_version: str
    task_types: _containers.RepeatedScalarFieldContainer[str]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    max_concurrency: int
    protocol_version: int
    def __init__(self, adapter: _Optional[str] = ..., instance: _Optional[str] = ..., framework: _Optional[str] = ..., framework_version: _Optional[str] = ..., task_types: _Optional[_Iterable[str]] = ..., capabilities: _Optional[_Iterable[str]] = ..., max_concurrency: _Optional[int] = ..., protocol_version: _Optional[int] = ...) -> None: ...
