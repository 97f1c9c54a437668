public import Messages
public import Plan

extension PlanStatus {
  public var message: BatonV1.PlanStatus {
    switch self {
    case .created: .created
    case .running: .running
    case .paused: .paused
    case .completed: .completed
    case .failed: .failed
    case .cancelled: .cancelled
    }
  }

  /// Nil for UNSPECIFIED and for values of a later version.
  public init?(_ message: BatonV1.PlanStatus) {
    guard let status = Self.allCases.first(where: { $0.message == message }) else { return nil }
    self = status
  }
}

extension TaskStatus {
  public var message: BatonV1.TaskStatus {
    switch self {
    case .pending: .pending
    case .ready: .ready
    case .dispatched: .dispatched
    case .running, .expanded, .delegated: .running
    case .waitingRetry: .waitingRetry
    case .waitingInput: .waitingInput
    case .succeeded: .succeeded
    case .failed: .failed
    case .cancelled: .cancelled
    case .skipped: .skipped
    }
  }
}

extension ErrorClass {
  public var message: BatonV1.ErrorClass {
    switch self {
    case .transient: .transient
    case .permanent: .permanent
    case .rateLimited: .rateLimited
    case .timeout: .timeout
    case .cancelled: .cancelled
    case .invalidOutput: .invalidOutput
    case .unsupported: .unsupported
    }
  }

  /// Nil for UNSPECIFIED and for values of a later version.
  public init?(_ message: BatonV1.ErrorClass) {
    guard let known = Self.allCases.first(where: { $0.message == message }) else { return nil }
    self = known
  }
}

extension BatonV1.TaskError {
  public init(_ error: TaskError) {
    self.init()
    errorClass = error.errorClass.message
    code = error.code
    message = error.message
    diagnostics = error.diagnostics
    retryAfterMs = error.retryAfterMilliseconds
  }
}

extension TaskError {
  /// An adapter's error; a class that is not set or not known counts as TRANSIENT.
  public init(_ message: BatonV1.TaskError) {
    self.init(
      ErrorClass(message.errorClass) ?? .transient,
      code: message.code.isEmpty ? "UNKNOWN" : message.code, message: message.message,
      diagnostics: message.diagnostics, retryAfterMilliseconds: max(0, message.retryAfterMs))
  }
}

extension BatonV1.Usage {
  public init(_ usage: Usage) {
    self.init()
    inputTokens = usage.inputTokens
    outputTokens = usage.outputTokens
    model = usage.model
    calls = usage.calls
  }
}

extension Usage {
  public init(_ message: BatonV1.Usage?) {
    self.init()
    guard let message else { return }
    inputTokens = max(0, message.inputTokens)
    outputTokens = max(0, message.outputTokens)
    model = message.model
    calls = max(0, message.calls)
  }
}

extension BatonV1.PlanEvent {
  public init(_ event: TraceEvent) {
    self.init()
    seq = event.seq
    timeMs = event.time
    kind = event.kind.rawValue
    taskId = event.taskID
    instanceIndex = event.index.map { .index($0) }
    itemCount = event.itemCount
    if let other = event.relatedPlanID {
      if event.kind == .planCreated {
        parentPlanId = "\(other)"
      } else {
        subPlanId = "\(other)"
      }
    }
    attempt = event.attempt
    delivery = event.delivery
    adapter = event.adapter
    instance = event.instance
    code = event.code
    message = event.message
    errorClass = event.errorClass?.message ?? .unspecified
    delayMs = event.delayMilliseconds
  }
}

extension BatonV1.TaskState {
  /// - Parameter status: As people see it; `row` knows neither PENDING nor the first READY.
  public init(
    _ task: PlanTask, _ row: TaskRow, index: Int32? = nil, endedItems: Int32 = 0,
    status: TaskStatus, output: [UInt8]?, prompt: [UInt8]? = nil
  ) {
    self.init()
    id = task.id
    type = task.type
    self.status = status.message
    attempt = row.attempt
    delivery = row.delivery
    adapter = row.adapter
    instance = row.instance
    dependsOn = task.dependsOn
    startedAtMs = row.startedAt ?? 0
    finishedAtMs = row.finishedAt ?? 0
    retryAtMs = status == .waitingRetry ? row.timerDueAt ?? 0 : 0
    error = row.error.map { BatonV1.TaskError($0) }
    usage = BatonV1.Usage(row.usage)
    outputJson = output ?? []
    outputBytes = row.outputBytes
    instanceIndex = index.map { .index($0) }
    itemCount = row.itemCount ?? 0
    endedItemCount = endedItems
    if task.isSubPlan { subPlanId = row.handle }
    guard status == .waitingInput else { return }
    promptJson = prompt ?? []
    question = row.question
    waitingSinceMs = row.dispatchedAt ?? 0
    waitingUntilMs = row.timerDueAt ?? 0
  }
}

extension PlanUpdate {
  public init(_ message: BatonV1.UpdatePlanRequest) {
    self.init()
    if message.expectedRevision != 0 { expectedRevision = message.expectedRevision }
    if case .priority(let value)? = message.priorityValue { priority = value }
    switch message.deadline {
    case .deadlineAfterMs(let milliseconds)?: deadline = .set(.after(milliseconds: milliseconds))
    case .deadlineAtMs(let milliseconds)?: deadline = .set(.at(milliseconds: milliseconds))
    case .noDeadline(true)?: deadline = .remove
    case .noDeadline(false)?, nil: break
    }
    if let change = message.budget { budget = BudgetUpdate(change) }
    setLabels = message.setLabels
    removeLabels = message.removeLabels
  }
}

extension BatonV1.PlanState {
  /// What lists show of a plan.
  public init(
    planID: PlanID, namespace: String, name: String, owner: String, labels: [String: String],
    taskCount: Int, plan: PlanRow, parent: ParentTask?
  ) {
    self.init()
    planId = planID.description
    self.namespace = namespace
    self.name = name
    self.owner = owner
    self.labels = labels
    self.taskCount = Int32(taskCount)
    status = plan.status.message
    revision = plan.revision
    createdAtMs = plan.createdAt
    startedAtMs = plan.startedAt ?? 0
    finishedAtMs = plan.finishedAt ?? 0
    deadlineAtMs = plan.deadlineAt ?? 0
    error = plan.error.map { BatonV1.TaskError($0) }
    usage = BatonV1.Usage(plan.usage)
    attempts = plan.attempts
    hold = plan.pause.map { BatonV1.PlanHold($0) }
    guard let parent else { return }
    parentPlanId = "\(parent.planID)"
    parentTaskId = parent.key.taskID
    parentIndex = parent.key.index
    parentAttempt = parent.attempt
  }
}

extension BatonV1.PlanHold {
  public init(_ pause: PlanPause) {
    self.init()
    code = pause.code.rawValue
    message = pause.message
    sinceMs = pause.since
  }
}
