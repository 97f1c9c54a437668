from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_FAILURE_UNSPECIFIED: _ClassVar[OnFailure]
    ON_FAILURE_FAIL: _ClassVar[OnFailure]
    ON_FAILURE_CONTINUE: _ClassVar[OnFailure]

class ErrorClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_CLASS_UNSPECIFIED: _ClassVar[ErrorClass]
    ERROR_CLASS_TRANSIENT: _ClassVar[ErrorClass]
    ERROR_CLASS_PERMANENT: _ClassVar[ErrorClass]
    ERROR_CLASS_RATE_LIMITED: _ClassVar[ErrorClass]
    ERROR_CLASS_TIMEOUT: _ClassVar[ErrorClass]
    ERROR_CLASS_CANCELLED: _ClassVar[ErrorClass]
    ERROR_CLASS_INVALID_OUTPUT: _ClassVar[ErrorClass]
    ERROR_CLASS_UNSUPPORTED: _ClassVar[ErrorClass]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_SUCCEEDED: _ClassVar[Outcome]
    OUTCOME_FAILED: _ClassVar[Outcome]
    OUTCOME_CANCELLED: _ClassVar[Outcome]
    OUTCOME_WAITING_INPUT: _ClassVar[Outcome]

class PlanStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAN_STATUS_UNSPECIFIED: _ClassVar[PlanStatus]
    PLAN_STATUS_CREATED: _ClassVar[PlanStatus]
    PLAN_STATUS_RUNNING: _ClassVar[PlanStatus]
    PLAN_STATUS_PAUSED: _ClassVar[PlanStatus]
    PLAN_STATUS_COMPLETED: _ClassVar[PlanStatus]
    PLAN_STATUS_FAILED: _ClassVar[PlanStatus]
    PLAN_STATUS_CANCELLED: _ClassVar[PlanStatus]

class TaskStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATUS_UNSPECIFIED: _ClassVar[TaskStatus]
    TASK_STATUS_PENDING: _ClassVar[TaskStatus]
    TASK_STATUS_READY: _ClassVar[TaskStatus]
    TASK_STATUS_DISPATCHED: _ClassVar[TaskStatus]
    TASK_STATUS_RUNNING: _ClassVar[TaskStatus]
    TASK_STATUS_WAITING_RETRY: _ClassVar[TaskStatus]
    TASK_STATUS_WAITING_INPUT: _ClassVar[TaskStatus]
    TASK_STATUS_SUCCEEDED: _ClassVar[TaskStatus]
    TASK_STATUS_FAILED: _ClassVar[TaskStatus]
    TASK_STATUS_CANCELLED: _ClassVar[TaskStatus]
    TASK_STATUS_SKIPPED: _ClassVar[TaskStatus]
ON_FAILURE_UNSPECIFIED: OnFailure
ON_FAILURE_FAIL: OnFailure
ON_FAILURE_CONTINUE: OnFailure
ERROR_CLASS_UNSPECIFIED: ErrorClass
ERROR_CLASS_TRANSIENT: ErrorClass
ERROR_CLASS_PERMANENT: ErrorClass
ERROR_CLASS_RATE_LIMITED: ErrorClass
ERROR_CLASS_TIMEOUT: ErrorClass
ERROR_CLASS_CANCELLED: ErrorClass
ERROR_CLASS_INVALID_OUTPUT: ErrorClass
ERROR_CLASS_UNSUPPORTED: ErrorClass
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_SUCCEEDED: Outcome
OUTCOME_FAILED: Outcome
OUTCOME_CANCELLED: Outcome
OUTCOME_WAITING_INPUT: Outcome
PLAN_STATUS_UNSPECIFIED: PlanStatus
PLAN_STATUS_CREATED: PlanStatus
PLAN_STATUS_RUNNING: PlanStatus
PLAN_STATUS_PAUSED: PlanStatus
PLAN_STATUS_COMPLETED: PlanStatus
PLAN_STATUS_FAILED: PlanStatus
PLAN_STATUS_CANCELLED: PlanStatus
TASK_STATUS_UNSPECIFIED: TaskStatus
TASK_STATUS_PENDING: TaskStatus
TASK_STATUS_READY: TaskStatus
TASK_STATUS_DISPATCHED: TaskStatus
TASK_STATUS_RUNNING: TaskStatus
TASK_STATUS_WAITING_RETRY: TaskStatus
TASK_STATUS_WAITING_INPUT: TaskStatus
TASK_STATUS_SUCCEEDED: TaskStatus
TASK_STATUS_FAILED: TaskStatus
TASK_STATUS_CANCELLED: TaskStatus
TASK_STATUS_SKIPPED: TaskStatus

class Plan(_message.Message):
    __slots__ = ("name", "owner", "labels", "metadata", "inputs_json", "tasks", "adapter", "retry", "timeouts", "priority", "max_parallel", "deadline_after_ms", "deadline_at_ms", "budget")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    INPUTS_JSON_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUTS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    MAX_PARALLEL_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    name: str
    owner: str
    labels: _containers.ScalarMap[str, str]
    metadata: _containers.ScalarMap[str, str]
    inputs_json: bytes
    tasks: _containers.RepeatedCompositeFieldContainer[Task]
    adapter: str
    retry: RetryPolicy
    timeouts: Timeouts
    priority: int
    max_parallel: int
    deadline_after_ms: int
    deadline_at_ms: int
    budget: Budget
    def __init__(self, name: _Optional[str] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., inputs_json: _Optional[bytes] = ..., tasks: _Optional[_Iterable[_Union[Task, _Mapping]]] = ..., adapter: _Optional[str] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., timeouts: _Optional[_Union[Timeouts, _Mapping]] = ..., priority: _Optional[int] = ..., max_parallel: _Optional[int] = ..., deadline_after_ms: _Optional[int] = ..., deadline_at_ms: _Optional[int] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("tokens", "soft_tokens", "tasks", "soft_tasks", "pause_at_soft")
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SOFT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    SOFT_TASKS_FIELD_NUMBER: _ClassVar[int]
    PAUSE_AT_SOFT_FIELD_NUMBER: _ClassVar[int]
    tokens: int
    soft_tokens: int
    tasks: int
    soft_tasks: int
    pause_at_soft: bool
    def __init__(self, tokens: _Optional[int] = ..., soft_tokens: _Optional[int] = ..., tasks: _Optional[int] = ..., soft_tasks: _Optional[int] = ..., pause_at_soft: _Optional[bool] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("id", "type", "payload_json", "depends_on", "adapter", "retry", "timeouts", "priority", "on_failure", "max_deliveries", "metadata", "when", "output_schema_json", "map")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUTS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    MAX_DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    MAP_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: str
    payload_json: bytes
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    adapter: str
    retry: RetryPolicy
    timeouts: Timeouts
    priority: int
    on_failure: OnFailure
    max_deliveries: int
    metadata: _containers.ScalarMap[str, str]
    when: str
    output_schema_json: bytes
    map: MapOptions
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., payload_json: _Optional[bytes] = ..., depends_on: _Optional[_Iterable[str]] = ..., adapter: _Optional[str] = ..., retry: _Optional[_Union[RetryPolicy, _Mapping]] = ..., timeouts: _Optional[_Union[Timeouts, _Mapping]] = ..., priority: _Optional[int] = ..., on_failure: _Optional[_Union[OnFailure, str]] = ..., max_deliveries: _Optional[int] = ..., metadata: _Optional[_Mapping[str, str]] = ..., when: _Optional[str] = ..., output_schema_json: _Optional[bytes] = ..., map: _Optional[_Union[MapOptions, _Mapping]] = ...) -> None: ...

class MapOptions(_message.Message):
    __slots__ = ("over", "max_parallel")
    OVER_FIELD_NUMBER: _ClassVar[int]
    MAX_PARALLEL_FIELD_NUMBER: _ClassVar[int]
    over: str
    max_parallel: int
    def __init__(self, over: _Optional[str] = ..., max_parallel: _Optional[int] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("max_attempts", "initial_delay_ms", "multiplier", "max_delay_ms", "jitter")
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    MULTIPLIER_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    JITTER_FIELD_NUMBER: _ClassVar[int]
    max_attempts: int
    initial_delay_ms: int
    multiplier: float
    max_delay_ms: int
    jitter: float
    def __init__(self, max_attempts: _Optional[int] = ..., initial_delay_ms: _Optional[int] = ..., multiplier: _Optional[float] = ..., max_delay_ms: _Optional[int] = ..., jitter: _Optional[float] = ...) -> None: ...

class Timeouts(_message.Message):
    __slots__ = ("schedule_to_start_ms", "start_to_close_ms", "heartbeat_ms")
    SCHEDULE_TO_START_MS_FIELD_NUMBER: _ClassVar[int]
    START_TO_CLOSE_MS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_MS_FIELD_NUMBER: _ClassVar[int]
    schedule_to_start_ms: int
    start_to_close_ms: int
    heartbeat_ms: int
    def __init__(self, schedule_to_start_ms: _Optional[int] = ..., start_to_close_ms: _Optional[int] = ..., heartbeat_ms: _Optional[int] = ...) -> None: ...

class TaskError(_message.Message):
    __slots__ = ("error_class", "code", "message", "diagnostics", "retry_after_ms")
    ERROR_CLASS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DIAGNOSTICS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    error_class: ErrorClass
    code: str
    message: str
    diagnostics: str
    retry_after_ms: int
    def __init__(self, error_class: _Optional[_Union[ErrorClass, str]] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., diagnostics: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "model", "calls")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    model: str
    calls: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., model: _Optional[str] = ..., calls: _Optional[int] = ...) -> None: ...

class TaskResult(_message.Message):
    __slots__ = ("task_id", "outcome", "output_json", "error", "usage", "prompt_json")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    PROMPT_JSON_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    outcome: Outcome
    output_json: bytes
    error: TaskError
    usage: Usage
    prompt_json: bytes
    def __init__(self, task_id: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., output_json: _Optional[bytes] = ..., error: _Optional[_Union[TaskError, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., prompt_json: _Optional[bytes] = ...) -> None: ...

class TaskState(_message.Message):
    __slots__ = ("id", "type", "status", "attempt", "delivery", "adapter", "instance", "depends_on", "started_at_ms", "finished_at_ms", "retry_at_ms", "error", "usage", "output_json", "output_bytes", "prompt_json", "waiting_since_ms", "waiting_until_ms", "index", "item_count", "ended_item_count", "sub_plan_id", "question")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    DEPENDS_ON_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROMPT_JSON_FIELD_NUMBER: _ClassVar[int]
    WAITING_SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    WAITING_UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENDED_ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUB_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: str
    status: TaskStatus
    attempt: int
    delivery: int
    adapter: str
    instance: str
    depends_on: _containers.RepeatedScalarFieldContainer[str]
    started_at_ms: int
    finished_at_ms: int
    retry_at_ms: int
    error: TaskError
    usage: Usage
    output_json: bytes
    output_bytes: int
    prompt_json: bytes
    waiting_since_ms: int
    waiting_until_ms: int
    index: int
    item_count: int
    ended_item_count: int
    sub_plan_id: str
    question: int
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., status: _Optional[_Union[TaskStatus, str]] = ..., attempt: _Optional[int] = ..., delivery: _Optional[int] = ..., adapter: _Optional[str] = ..., instance: _Optional[str] = ..., depends_on: _Optional[_Iterable[str]] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ..., retry_at_ms: _Optional[int] = ..., error: _Optional[_Union[TaskError, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., output_json: _Optional[bytes] = ..., output_bytes: _Optional[int] = ..., prompt_json: _Optional[bytes] = ..., waiting_since_ms: _Optional[int] = ..., waiting_until_ms: _Optional[int] = ..., index: _Optional[int] = ..., item_count: _Optional[int] = ..., ended_item_count: _Optional[int] = ..., sub_plan_id: _Optional[str] = ..., question: _Optional[int] = ...) -> None: ...

class PlanState(_message.Message):
    __slots__ = ("plan_id", "namespace", "name", "owner", "labels", "metadata", "status", "revision", "created_at_ms", "started_at_ms", "finished_at_ms", "error", "usage", "task_count", "counts", "tasks", "plan", "deadline_at_ms", "priority", "budget", "attempts", "hold", "parent_plan_id", "parent_task_id", "parent_index", "parent_attempt")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TASK_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    PARENT_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_INDEX_FIELD_NUMBER: _ClassVar[int]
    PARENT_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    namespace: str
    name: str
    owner: str
    labels: _containers.ScalarMap[str, str]
    metadata: _containers.ScalarMap[str, str]
    status: PlanStatus
    revision: int
    created_at_ms: int
    started_at_ms: int
    finished_at_ms: int
    error: TaskError
    usage: Usage
    task_count: int
    counts: _containers.RepeatedCompositeFieldContainer[TaskCount]
    tasks: _containers.RepeatedCompositeFieldContainer[TaskState]
    plan: Plan
    deadline_at_ms: int
    priority: int
    budget: Budget
    attempts: int
    hold: PlanHold
    parent_plan_id: str
    parent_task_id: str
    parent_index: int
    parent_attempt: int
    def __init__(self, plan_id: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., status: _Optional[_Union[PlanStatus, str]] = ..., revision: _Optional[int] = ..., created_at_ms: _Optional[int] = ..., started_at_ms: _Optional[int] = ..., finished_at_ms: _Optional[int] = ..., error: _Optional[_Union[TaskError, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., task_count: _Optional[int] = ..., counts: _Optional[_Iterable[_Union[TaskCount, _Mapping]]] = ..., tasks: _Optional[_Iterable[_Union[TaskState, _Mapping]]] = ..., plan: _Optional[_Union[Plan, _Mapping]] = ..., deadline_at_ms: _Optional[int] = ..., priority: _Optional[int] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., attempts: _Optional[int] = ..., hold: _Optional[_Union[PlanHold, _Mapping]] = ..., parent_plan_id: _Optional[str] = ..., parent_task_id: _Optional[str] = ..., parent_index: _Optional[int] = ..., parent_attempt: _Optional[int] = ...) -> None: ...

class PlanHold(_message.Message):
    __slots__ = ("code", "message", "since_ms", "until_ms")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    since_ms: int
    until_ms: int
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., since_ms: _Optional[int] = ..., until_ms: _Optional[int] = ...) -> None: ...

class TaskCount(_message.Message):
    __slots__ = ("status", "count")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    status: TaskStatus
    count: int
    def __init__(self, status: _Optional[_Union[TaskStatus, str]] = ..., count: _Optional[int] = ...) -> None: ...

class PlanEvent(_message.Message):
    __slots__ = ("seq", "time_ms", "kind", "task_id", "attempt", "delivery", "adapter", "instance", "code", "message", "error_class", "delay_ms", "index", "item_count", "sub_plan_id", "parent_plan_id")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_CLASS_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    ITEM_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUB_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    seq: int
    time_ms: int
    kind: str
    task_id: str
    attempt: int
    delivery: int
    adapter: str
    instance: str
    code: str
    message: str
    error_class: ErrorClass
    delay_ms: int
    index: int
    item_count: int
    sub_plan_id: str
    parent_plan_id: str
    def __init__(self, seq: _Optional[int] = ..., time_ms: _Optional[int] = ..., kind: _Optional[str] = ..., task_id: _Optional[str] = ..., attempt: _Optional[int] = ..., delivery: _Optional[int] = ..., adapter: _Optional[str] = ..., instance: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., error_class: _Optional[_Union[ErrorClass, str]] = ..., delay_ms: _Optional[int] = ..., index: _Optional[int] = ..., item_count: _Optional[int] = ..., sub_plan_id: _Optional[str] = ..., parent_plan_id: _Optional[str] = ...) -> None: ...
