from baton_adapter._generated.baton.v1 import orchestrator_pb2 as _orchestrator_pb2
from baton_adapter._generated.baton.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ResultMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESULT_MODE_UNSPECIFIED: _ClassVar[ResultMode]
    RESULT_MODE_CALLBACK: _ClassVar[ResultMode]
    RESULT_MODE_POLL: _ClassVar[ResultMode]

class RunState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATE_UNSPECIFIED: _ClassVar[RunState]
    RUN_STATE_RUNNING: _ClassVar[RunState]
    RUN_STATE_FINISHED: _ClassVar[RunState]

class AdapterHealth(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ADAPTER_HEALTH_UNSPECIFIED: _ClassVar[AdapterHealth]
    ADAPTER_HEALTH_ALIVE: _ClassVar[AdapterHealth]
    ADAPTER_HEALTH_DRAINING: _ClassVar[AdapterHealth]
    ADAPTER_HEALTH_LOST: _ClassVar[AdapterHealth]
RESULT_MODE_UNSPECIFIED: ResultMode
RESULT_MODE_CALLBACK: ResultMode
RESULT_MODE_POLL: ResultMode
RUN_STATE_UNSPECIFIED: RunState
RUN_STATE_RUNNING: RunState
RUN_STATE_FINISHED: RunState
ADAPTER_HEALTH_UNSPECIFIED: AdapterHealth
ADAPTER_HEALTH_ALIVE: AdapterHealth
ADAPTER_HEALTH_DRAINING: AdapterHealth
ADAPTER_HEALTH_LOST: AdapterHealth

class RunReport(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "token", "state")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    token: int
    state: RunState
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., state: _Optional[_Union[RunState, str]] = ...) -> None: ...

class RunList(_message.Message):
    __slots__ = ("runs", "epoch", "answered")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[RunReport]
    epoch: str
    answered: int
    def __init__(self, runs: _Optional[_Iterable[_Union[RunReport, _Mapping]]] = ..., epoch: _Optional[str] = ..., answered: _Optional[int] = ...) -> None: ...

class RegisterAdapterRequest(_message.Message):
    __slots__ = ("adapter", "instance", "address", "framework", "framework_version", "task_types", "capabilities", "max_concurrency", "protocol_version", "result_mode", "runs")
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESULT_MODE_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    instance: str
    address: str
    framework: str
    framework_version: str
    task_types: _containers.RepeatedScalarFieldContainer[str]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    max_concurrency: int
    protocol_version: int
    result_mode: ResultMode
    runs: RunList
    def __init__(self, adapter: _Optional[str] = ..., instance: _Optional[str] = ..., address: _Optional[str] = ..., framework: _Optional[str] = ..., framework_version: _Optional[str] = ..., task_types: _Optional[_Iterable[str]] = ..., capabilities: _Optional[_Iterable[str]] = ..., max_concurrency: _Optional[int] = ..., protocol_version: _Optional[int] = ..., result_mode: _Optional[_Union[ResultMode, str]] = ..., runs: _Optional[_Union[RunList, _Mapping]] = ...) -> None: ...

class RegisterAdapterResponse(_message.Message):
    __slots__ = ("session_id", "lease_ms", "heartbeat_interval_ms", "cancel", "forget")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    lease_ms: int
    heartbeat_interval_ms: int
    cancel: _containers.RepeatedCompositeFieldContainer[RunRef]
    forget: _containers.RepeatedCompositeFieldContainer[RunRef]
    def __init__(self, session_id: _Optional[str] = ..., lease_ms: _Optional[int] = ..., heartbeat_interval_ms: _Optional[int] = ..., cancel: _Optional[_Iterable[_Union[RunRef, _Mapping]]] = ..., forget: _Optional[_Iterable[_Union[RunRef, _Mapping]]] = ...) -> None: ...

class RunRef(_message.Message):
    __slots__ = ("idempotency_key", "attempt")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class HeartbeatRequest(_message.Message):
    __slots__ = ("session_id", "runs", "in_flight", "last_error")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    runs: RunList
    in_flight: int
    last_error: str
    def __init__(self, session_id: _Optional[str] = ..., runs: _Optional[_Union[RunList, _Mapping]] = ..., in_flight: _Optional[int] = ..., last_error: _Optional[str] = ...) -> None: ...

class HeartbeatResponse(_message.Message):
    __slots__ = ("lease_ms", "cancel", "forget")
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    lease_ms: int
    cancel: _containers.RepeatedCompositeFieldContainer[RunRef]
    forget: _containers.RepeatedCompositeFieldContainer[RunRef]
    def __init__(self, lease_ms: _Optional[int] = ..., cancel: _Optional[_Iterable[_Union[RunRef, _Mapping]]] = ..., forget: _Optional[_Iterable[_Union[RunRef, _Mapping]]] = ...) -> None: ...

class ReportTaskResultRequest(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "token", "result")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    token: int
    result: _plan_pb2.TaskResult
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., result: _Optional[_Union[_plan_pb2.TaskResult, _Mapping]] = ...) -> None: ...

class ReportTaskResultResponse(_message.Message):
    __slots__ = ("already_recorded", "attempt", "token")
    ALREADY_RECORDED_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    already_recorded: bool
    attempt: int
    token: int
    def __init__(self, already_recorded: _Optional[bool] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ...) -> None: ...

class ReportTaskProgressRequest(_message.Message):
    __slots__ = ("session_id", "items")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    items: _containers.RepeatedCompositeFieldContainer[RunProgress]
    def __init__(self, session_id: _Optional[str] = ..., items: _Optional[_Iterable[_Union[RunProgress, _Mapping]]] = ...) -> None: ...

class RunProgress(_message.Message):
    __slots__ = ("idempotency_key", "attempt", "token", "started", "progress")
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    idempotency_key: str
    attempt: int
    token: int
    started: bool
    progress: _orchestrator_pb2.TaskProgress
    def __init__(self, idempotency_key: _Optional[str] = ..., attempt: _Optional[int] = ..., token: _Optional[int] = ..., started: _Optional[bool] = ..., progress: _Optional[_Union[_orchestrator_pb2.TaskProgress, _Mapping]] = ...) -> None: ...

class ReportTaskProgressResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeregisterAdapterRequest(_message.Message):
    __slots__ = ("session_id", "hand_back")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    HAND_BACK_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    hand_back: bool
    def __init__(self, session_id: _Optional[str] = ..., hand_back: _Optional[bool] = ...) -> None: ...

class DeregisterAdapterResponse(_message.Message):
    __slots__ = ("in_flight",)
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    in_flight: int
    def __init__(self, in_flight: _Optional[int] = ...) -> None: ...

class ListAdaptersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAdaptersResponse(_message.Message):
    __slots__ = ("adapters",)
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    adapters: _containers.RepeatedCompositeFieldContainer[AdapterState]
    def __init__(self, adapters: _Optional[_Iterable[_Union[AdapterState, _Mapping]]] = ...) -> None: ...

class AdapterState(_message.Message):
    __slots__ = ("adapter", "instance", "address", "framework", "framework_version", "task_types", "capabilities", "max_concurrency", "in_flight", "health", "registered_at_ms", "last_heartbeat_at_ms", "last_error", "result_mode")
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_FIELD_NUMBER: _ClassVar[int]
    FRAMEWORK_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_HEARTBEAT_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    RESULT_MODE_FIELD_NUMBER: _ClassVar[int]
    adapter: str
    instance: str
    address: str
    framework: str
    framework_version: str
    task_types: _containers.RepeatedScalarFieldContainer[str]
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    max_concurrency: int
    in_flight: int
    health: AdapterHealth
    registered_at_ms: int
    last_heartbeat_at_ms: int
    last_error: str
    result_mode: ResultMode
    def __init__(self, adapter: _Optional[str] = ..., instance: _Optional[str] = ..., address: _Optional[str] = ..., framework: _Optional[str] = ..., framework_version: _Optional[str] = ..., task_types: _Optional[_Iterable[str]] = ..., capabilities: _Optional[_Iterable[str]] = ..., max_concurrency: _Optional[int] = ..., in_flight: _Optional[int] = ..., health: _Optional[_Union[AdapterHealth, str]] = ..., registered_at_ms: _Optional[int] = ..., last_heartbeat_at_ms: _Optional[int] = ..., last_error: _Optional[str] = ..., result_mode: _Optional[_Union[ResultMode, str]] = ...) -> None: ...
