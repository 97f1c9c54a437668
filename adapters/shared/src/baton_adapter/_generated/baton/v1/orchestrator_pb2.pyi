from baton_adapter._generated.baton.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlanView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLAN_VIEW_UNSPECIFIED: _ClassVar[PlanView]
    PLAN_VIEW_BASIC: _ClassVar[PlanView]
    PLAN_VIEW_FULL: _ClassVar[PlanView]
PLAN_VIEW_UNSPECIFIED: PlanView
PLAN_VIEW_BASIC: PlanView
PLAN_VIEW_FULL: PlanView

class SubmitPlanRequest(_message.Message):
    __slots__ = ("plan", "namespace", "request_key")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_KEY_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    namespace: str
    request_key: str
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., namespace: _Optional[str] = ..., request_key: _Optional[str] = ...) -> None: ...

class SubmitPlanResponse(_message.Message):
    __slots__ = ("plan_id", "created", "warnings")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    created: bool
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, plan_id: _Optional[str] = ..., created: _Optional[bool] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class ValidatePlanRequest(_message.Message):
    __slots__ = ("plan", "namespace")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    plan: _plan_pb2.Plan
    namespace: str
    def __init__(self, plan: _Optional[_Union[_plan_pb2.Plan, _Mapping]] = ..., namespace: _Optional[str] = ...) -> None: ...

class ValidatePlanResponse(_message.Message):
    __slots__ = ("problems", "warnings", "levels", "critical_path")
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    CRITICAL_PATH_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    levels: _containers.RepeatedCompositeFieldContainer[TaskLevel]
    critical_path: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., levels: _Optional[_Iterable[_Union[TaskLevel, _Mapping]]] = ..., critical_path: _Optional[_Iterable[str]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("field", "reason", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    reason: str
    message: str
    def __init__(self, field: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class TaskLevel(_message.Message):
    __slots__ = ("task_ids",)
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetPlanRequest(_message.Message):
    __slots__ = ("plan_id", "view", "page_size", "page_token")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    view: PlanView
    page_size: int
    page_token: str
    def __init__(self, plan_id: _Optional[str] = ..., view: _Optional[_Union[PlanView, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetPlanResponse(_message.Message):
    __slots__ = ("state", "next_page_token")
    STATE_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    next_page_token: str
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListPlansRequest(_message.Message):
    __slots__ = ("namespace", "statuses", "owner", "labels", "name_prefix", "created_after_ms", "created_before_ms", "page_size", "page_token", "parent_plan_id")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    NAME_PREFIX_FIELD_NUMBER: _ClassVar[int]
    CREATED_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    CREATED_BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PARENT_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    statuses: _containers.RepeatedScalarFieldContainer[_plan_pb2.PlanStatus]
    owner: str
    labels: _containers.ScalarMap[str, str]
    name_prefix: str
    created_after_ms: int
    created_before_ms: int
    page_size: int
    page_token: str
    parent_plan_id: str
    def __init__(self, namespace: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_plan_pb2.PlanStatus, str]]] = ..., owner: _Optional[str] = ..., labels: _Optional[_Mapping[str, str]] = ..., name_prefix: _Optional[str] = ..., created_after_ms: _Optional[int] = ..., created_before_ms: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., parent_plan_id: _Optional[str] = ...) -> None: ...

class ListPlansResponse(_message.Message):
    __slots__ = ("plans", "next_page_token")
    PLANS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plans: _containers.RepeatedCompositeFieldContainer[_plan_pb2.PlanState]
    next_page_token: str
    def __init__(self, plans: _Optional[_Iterable[_Union[_plan_pb2.PlanState, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CancelPlanRequest(_message.Message):
    __slots__ = ("plan_id", "reason")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    reason: str
    def __init__(self, plan_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelPlanResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ...) -> None: ...

class PausePlanRequest(_message.Message):
    __slots__ = ("plan_id", "reason")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    reason: str
    def __init__(self, plan_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PausePlanResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ...) -> None: ...

class ResumePlanRequest(_message.Message):
    __slots__ = ("plan_id",)
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    def __init__(self, plan_id: _Optional[str] = ...) -> None: ...

class ResumePlanResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ...) -> None: ...

class RetryPlanRequest(_message.Message):
    __slots__ = ("plan_id", "reason")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    reason: str
    def __init__(self, plan_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RetryPlanResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ...) -> None: ...

class UpdatePlanRequest(_message.Message):
    __slots__ = ("plan_id", "expected_revision", "priority", "deadline_after_ms", "deadline_at_ms", "no_deadline", "set_labels", "remove_labels", "budget")
    class SetLabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_AT_MS_FIELD_NUMBER: _ClassVar[int]
    NO_DEADLINE_FIELD_NUMBER: _ClassVar[int]
    SET_LABELS_FIELD_NUMBER: _ClassVar[int]
    REMOVE_LABELS_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    expected_revision: int
    priority: int
    deadline_after_ms: int
    deadline_at_ms: int
    no_deadline: bool
    set_labels: _containers.ScalarMap[str, str]
    remove_labels: _containers.RepeatedScalarFieldContainer[str]
    budget: BudgetUpdate
    def __init__(self, plan_id: _Optional[str] = ..., expected_revision: _Optional[int] = ..., priority: _Optional[int] = ..., deadline_after_ms: _Optional[int] = ..., deadline_at_ms: _Optional[int] = ..., no_deadline: _Optional[bool] = ..., set_labels: _Optional[_Mapping[str, str]] = ..., remove_labels: _Optional[_Iterable[str]] = ..., budget: _Optional[_Union[BudgetUpdate, _Mapping]] = ...) -> None: ...

class BudgetUpdate(_message.Message):
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

class UpdatePlanResponse(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: _plan_pb2.PlanState
    def __init__(self, state: _Optional[_Union[_plan_pb2.PlanState, _Mapping]] = ...) -> None: ...

class CompleteTaskRequest(_message.Message):
    __slots__ = ("plan_id", "task_id", "attempt", "value_json", "rejection", "question", "index")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    REJECTION_FIELD_NUMBER: _ClassVar[int]
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    task_id: str
    attempt: int
    value_json: bytes
    rejection: str
    question: int
    index: int
    def __init__(self, plan_id: _Optional[str] = ..., task_id: _Optional[str] = ..., attempt: _Optional[int] = ..., value_json: _Optional[bytes] = ..., rejection: _Optional[str] = ..., question: _Optional[int] = ..., index: _Optional[int] = ...) -> None: ...

class CompleteTaskResponse(_message.Message):
    __slots__ = ("already_recorded", "task")
    ALREADY_RECORDED_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    already_recorded: bool
    task: _plan_pb2.TaskState
    def __init__(self, already_recorded: _Optional[bool] = ..., task: _Optional[_Union[_plan_pb2.TaskState, _Mapping]] = ...) -> None: ...

class StreamPlanEventsRequest(_message.Message):
    __slots__ = ("plan_id", "from_seq", "include_progress")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_PROGRESS_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    from_seq: int
    include_progress: bool
    def __init__(self, plan_id: _Optional[str] = ..., from_seq: _Optional[int] = ..., include_progress: _Optional[bool] = ...) -> None: ...

class StreamPlanEventsResponse(_message.Message):
    __slots__ = ("event", "progress")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    event: _plan_pb2.PlanEvent
    progress: TaskProgress
    def __init__(self, event: _Optional[_Union[_plan_pb2.PlanEvent, _Mapping]] = ..., progress: _Optional[_Union[TaskProgress, _Mapping]] = ...) -> None: ...

class TaskProgress(_message.Message):
    __slots__ = ("task_id", "attempt", "time_ms", "chunk", "message", "log", "usage", "index")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    TIME_MS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    attempt: int
    time_ms: int
    chunk: OutputChunk
    message: AgentMessage
    log: LogLine
    usage: _plan_pb2.Usage
    index: int
    def __init__(self, task_id: _Optional[str] = ..., attempt: _Optional[int] = ..., time_ms: _Optional[int] = ..., chunk: _Optional[_Union[OutputChunk, _Mapping]] = ..., message: _Optional[_Union[AgentMessage, _Mapping]] = ..., log: _Optional[_Union[LogLine, _Mapping]] = ..., usage: _Optional[_Union[_plan_pb2.Usage, _Mapping]] = ..., index: _Optional[int] = ...) -> None: ...

class OutputChunk(_message.Message):
    __slots__ = ("offset", "text")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    offset: int
    text: str
    def __init__(self, offset: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class AgentMessage(_message.Message):
    __slots__ = ("agent", "role", "content")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    agent: str
    role: str
    content: str
    def __init__(self, agent: _Optional[str] = ..., role: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("severity", "text")
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    severity: str
    text: str
    def __init__(self, severity: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GetPlanTraceRequest(_message.Message):
    __slots__ = ("plan_id", "from_seq", "page_size")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    from_seq: int
    page_size: int
    def __init__(self, plan_id: _Optional[str] = ..., from_seq: _Optional[int] = ..., page_size: _Optional[int] = ...) -> None: ...

class GetPlanTraceResponse(_message.Message):
    __slots__ = ("events", "next_seq")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_plan_pb2.PlanEvent]
    next_seq: int
    def __init__(self, events: _Optional[_Iterable[_Union[_plan_pb2.PlanEvent, _Mapping]]] = ..., next_seq: _Optional[int] = ...) -> None: ...

class ExplainPlanRequest(_message.Message):
    __slots__ = ("plan_id", "page_size", "page_token")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    page_size: int
    page_token: str
    def __init__(self, plan_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ExplainPlanResponse(_message.Message):
    __slots__ = ("plan_id", "status", "revision", "hold", "groups", "tasks", "next_page_token")
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    HOLD_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plan_id: str
    status: _plan_pb2.PlanStatus
    revision: int
    hold: _plan_pb2.PlanHold
    groups: _containers.RepeatedCompositeFieldContainer[WaitGroup]
    tasks: _containers.RepeatedCompositeFieldContainer[TaskWait]
    next_page_token: str
    def __init__(self, plan_id: _Optional[str] = ..., status: _Optional[_Union[_plan_pb2.PlanStatus, str]] = ..., revision: _Optional[int] = ..., hold: _Optional[_Union[_plan_pb2.PlanHold, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[WaitGroup, _Mapping]]] = ..., tasks: _Optional[_Iterable[_Union[TaskWait, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WaitGroup(_message.Message):
    __slots__ = ("reason", "count", "task_ids")
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TASK_IDS_FIELD_NUMBER: _ClassVar[int]
    reason: WaitReason
    count: int
    task_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, reason: _Optional[_Union[WaitReason, _Mapping]] = ..., count: _Optional[int] = ..., task_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class TaskWait(_message.Message):
    __slots__ = ("task_id", "status", "reason", "index")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    status: _plan_pb2.TaskStatus
    reason: WaitReason
    index: int
    def __init__(self, task_id: _Optional[str] = ..., status: _Optional[_Union[_plan_pb2.TaskStatus, str]] = ..., reason: _Optional[_Union[WaitReason, _Mapping]] = ..., index: _Optional[int] = ...) -> None: ...

class WaitReason(_message.Message):
    __slots__ = ("code", "message", "dependencies", "dependency_count", "until_ms", "adapter")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCY_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_MS_FIELD_NUMBER: _ClassVar[int]
    ADAPTER_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    dependencies: _containers.RepeatedCompositeFieldContainer[OpenDependency]
    dependency_count: int
    until_ms: int
    adapter: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., dependencies: _Optional[_Iterable[_Union[OpenDependency, _Mapping]]] = ..., dependency_count: _Optional[int] = ..., until_ms: _Optional[int] = ..., adapter: _Optional[str] = ...) -> None: ...

class OpenDependency(_message.Message):
    __slots__ = ("task_id", "status")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    status: _plan_pb2.TaskStatus
    def __init__(self, task_id: _Optional[str] = ..., status: _Optional[_Union[_plan_pb2.TaskStatus, str]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "store", "durability", "routes", "limits", "uptime_ms")
    class LimitsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    DURABILITY_FIELD_NUMBER: _ClassVar[int]
    ROUTES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_MS_FIELD_NUMBER: _ClassVar[int]
    version: str
    store: str
    durability: str
    routes: _containers.RepeatedCompositeFieldContainer[Route]
    limits: _containers.ScalarMap[str, int]
    uptime_ms: int
    def __init__(self, version: _Optional[str] = ..., store: _Optional[str] = ..., durability: _Optional[str] = ..., routes: _Optional[_Iterable[_Union[Route, _Mapping]]] = ..., limits: _Optional[_Mapping[str, int]] = ..., uptime_ms: _Optional[int] = ...) -> None: ...

class Route(_message.Message):
    __slots__ = ("type", "adapters")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ADAPTERS_FIELD_NUMBER: _ClassVar[int]
    type: str
    adapters: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, type: _Optional[str] = ..., adapters: _Optional[_Iterable[str]] = ...) -> None: ...
