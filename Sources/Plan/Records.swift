/// State of a plan. `completed`, `failed` and `cancelled` are final, but for RetryPlan of a failed
/// one.
public enum PlanStatus: String, Sendable, CaseIterable {
  case created, running, paused, completed, failed, cancelled

  public var isFinal: Bool { self == .completed || self == .failed || self == .cancelled }
}

/// State of a task.
///
/// `pending` and `ready` are derived from the tasks it depends on; rows hold the others, and
/// `ready` only once there has been an attempt or a RetryPlan.
public enum TaskStatus: String, Sendable, CaseIterable {
  case pending, ready, dispatched, running
  /// A task with `map` whose instances are under way; people see it RUNNING.
  case expanded
  /// A task of type `plan` whose sub-plan is under way; people see it RUNNING.
  case delegated
  case waitingRetry = "waiting_retry"
  /// Somebody is asked; the task holds no place with an adapter.
  case waitingInput = "waiting_input"
  case succeeded, failed, cancelled, skipped

  public var isFinal: Bool {
    switch self {
    case .succeeded, .failed, .cancelled, .skipped: true
    case .pending, .ready, .dispatched, .running, .expanded, .delegated, .waitingRetry,
      .waitingInput:
      false
    }
  }

  /// As people see it.
  public var shown: TaskStatus { self == .expanded || self == .delegated ? .running : self }

  /// With an adapter, as far as we know.
  public var isOut: Bool { self == .dispatched || self == .running }
}

/// How a failure is treated.
public enum ErrorClass: String, Sendable, CaseIterable {
  case transient = "TRANSIENT"
  case permanent = "PERMANENT"
  case rateLimited = "RATE_LIMITED"
  case timeout = "TIMEOUT"
  case cancelled = "CANCELLED"
  case invalidOutput = "INVALID_OUTPUT"
  case unsupported = "UNSUPPORTED"

  /// Whether another attempt may help.
  public var isRetried: Bool {
    switch self {
    case .transient, .rateLimited, .timeout, .invalidOutput: true
    case .permanent, .cancelled, .unsupported: false
    }
  }
}

/// Why an attempt, a task or a plan did not succeed.
public struct TaskError: Sendable, Equatable {
  public var errorClass: ErrorClass
  /// Stable and machine-readable, in capitals.
  public var code: String
  /// A sentence for people.
  public var message: String
  public var diagnostics: String
  /// The pause a provider asked for, in milliseconds; 0: none.
  public var retryAfterMilliseconds: Int64

  public init(
    _ errorClass: ErrorClass, code: String, message: String, diagnostics: String = "",
    retryAfterMilliseconds: Int64 = 0
  ) {
    self.errorClass = errorClass
    self.code = code
    self.message = message
    self.diagnostics = diagnostics
    self.retryAfterMilliseconds = retryAfterMilliseconds
  }
}

/// What runs consumed.
public struct Usage: Sendable, Equatable {
  public var inputTokens: Int64 = 0
  public var outputTokens: Int64 = 0
  public var calls: Int64 = 0
  /// Empty where several models were used or none is known.
  public var model = ""

  public init() {}

  /// Input and output.
  public var tokens: Int64 { Self.sum(inputTokens, outputTokens) }

  /// Nothing was used, or nothing was said of it.
  public var isEmpty: Bool { inputTokens == 0 && outputTokens == 0 && calls == 0 }

  /// What is reported is not trusted: negative counts are left out, sums stop at the largest number.
  public mutating func add(_ other: Usage) {
    inputTokens = Self.sum(inputTokens, other.inputTokens)
    outputTokens = Self.sum(outputTokens, other.outputTokens)
    if calls == 0 { model = other.model }
    if calls > 0 && other.calls > 0 && model != other.model { model = "" }
    calls = Self.sum(calls, other.calls)
  }

  /// Takes out what was added before and puts `other` in its place. A sum that had reached the largest
  /// number stays there.
  public mutating func replace(_ earlier: Usage, by other: Usage) {
    inputTokens = Self.difference(inputTokens, earlier.inputTokens)
    outputTokens = Self.difference(outputTokens, earlier.outputTokens)
    calls = Self.difference(calls, earlier.calls)
    add(other)
  }

  /// The larger of each count: reports of one run may come twice and in any order.
  public func raised(to other: Usage) -> Usage {
    var usage = other
    usage.inputTokens = max(inputTokens, other.inputTokens)
    usage.outputTokens = max(outputTokens, other.outputTokens)
    usage.calls = max(calls, other.calls)
    return usage
  }

  private static func difference(_ left: Int64, _ right: Int64) -> Int64 {
    left == .max ? left : max(0, left - max(0, right))
  }

  private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(max(0, right))
    return overflow ? .max : sum
  }
}

/// How an attempt ended.
public enum Outcome: String, Sendable, CaseIterable {
  case succeeded, failed, cancelled
  /// The run asks for input and is parked; the attempt goes on once it is answered.
  case waitingInput = "waiting_input"
}

/// What the store holds of a plan beside its definition.
public struct PlanRow: Sendable, Equatable {
  public var status = PlanStatus.created
  /// Rises by one with every committed transition.
  public var revision: Int64 = 0
  /// `seq` of the plan's last event.
  public var lastSeq: Int64 = 0
  /// Milliseconds since the Unix epoch; nil where it has not happened.
  public var createdAt: Int64 = 0
  public var startedAt: Int64?
  /// When it last went on, after a pause or by RetryPlan.
  public var resumedAt: Int64?
  public var finishedAt: Int64?
  /// When it must have ended; nil: it may take any time.
  public var deadlineAt: Int64?
  /// Why the plan failed or was cancelled.
  public var error: TaskError?
  /// Over all attempts of all tasks.
  public var usage = Usage()
  /// Bytes of all accepted outputs.
  public var outputBytes: Int64 = 0
  /// Attempts that were handed out, of all tasks.
  public var attempts: Int64 = 0
  public var budgetWarnings: BudgetWarnings = []
  /// Set while the plan is `paused`.
  public var pause: PlanPause?

  public init() {}
}

/// What the store holds of a task that has had its first transition.
public struct TaskRow: Sendable, Equatable {
  /// Place of the task in the plan's list.
  public var ordinal: Int
  public var status = TaskStatus.pending
  /// 1-based; 0 before the first attempt.
  public var attempt: Int32 = 0
  /// 1-based hand-out within the attempt; 0 before the first.
  public var delivery: Int32 = 0
  /// Lease token of the last hand-out; rises with every one of the task.
  public var token: Int64 = 0
  /// The token's attempt is settled: nothing more is accepted under it.
  public var tokenClosed = false
  /// An event says that the current hand-out's run began.
  public var hasBegun = false
  /// Questions that the current attempt has asked; 0: none.
  public var question: Int32 = 0
  /// The last question is answered, and its hand-out goes to the run that is parked.
  public var resumes = false
  /// Attempts before the last RetryPlan, which the retry policy no longer counts.
  public var attemptsBefore: Int32 = 0
  /// Where the task was last handed to.
  public var adapter = ""
  public var instance = ""
  /// The adapter's answer to the hand-out, or the id of the attempt's sub-plan; empty until it is known.
  public var handle = ""
  /// Orders the answer against the adapter's lists (P3, P4).
  public var handleEpoch = ""
  public var handleAnswered: Int64 = 0
  /// Milliseconds since the Unix epoch; nil where it has not happened.
  public var startedAt: Int64?
  public var dispatchedAt: Int64?
  public var finishedAt: Int64?
  /// The one durable timer: when the next attempt is due (`waitingRetry`) or the current one must
  /// have ended (`dispatched`, `running`, `waitingInput`), and the delay it was armed with.
  public var timerDueAt: Int64?
  public var timerDelayMilliseconds: Int64 = 0
  /// The last error, or why the last hand-out came to nothing; kept while the next one waits or runs.
  public var error: TaskError?
  public var usage = Usage()
  /// The part of `usage` that the current attempt has reported while it runs; its result's takes its
  /// place.
  public var reported = Usage()
  public var outputBytes: Int64 = 0
  /// Of a task with `map`, once it is known: how many instances it has, and the first one's ordinal;
  /// the others follow. Their rows stand after those of the plan's own tasks.
  public var itemCount: Int32?
  public var firstItem: Int?
  /// Ordinals of a mapped task's instances, in the order of the list; nil before they are known.
  public var items: Range<Int>? {
    guard let itemCount, let firstItem else { return nil }
    return firstItem..<(firstItem + Int(itemCount))
  }
  /// The sub-plan of the current attempt, of a task of type `plan`; nil where it has none.
  public var subPlan: PlanID? {
    // Adapters' handles are none.
    adapter.isEmpty && !handle.isEmpty ? PlanID(handle) : nil
  }
  /// One per attempt that ended with a result, and two per question: what asked it and its answer.
  public var accepted: [AcceptedResult] = []

  public init(ordinal: Int) { self.ordinal = ordinal }
}

/// A result that was accepted: what a repeated report is compared with.
public struct AcceptedResult: Sendable, Equatable {
  public var attempt: Int32
  public var token: Int64
  public var digest: Digest

  public init(attempt: Int32, token: Int64, digest: Digest) {
    self.attempt = attempt
    self.token = token
    self.digest = digest
  }
}

/// Kinds of committed events; `docs/contract.md` says when each is written.
public enum EventKind: String, Sendable, CaseIterable {
  case planCreated = "plan_created"
  case planStarted = "plan_started"
  case planPaused = "plan_paused"
  case planResumed = "plan_resumed"
  case planRetried = "plan_retried"
  case planUpdated = "plan_updated"
  case planCompleted = "plan_completed"
  case planFailed = "plan_failed"
  case planCancelled = "plan_cancelled"
  case taskDispatched = "task_dispatched"
  case taskRunning = "task_running"
  case taskSucceeded = "task_succeeded"
  case taskFailed = "task_failed"
  case taskRetryScheduled = "task_retry_scheduled"
  case taskWaitingInput = "task_waiting_input"
  case taskResumed = "task_resumed"
  case taskCancelled = "task_cancelled"
  case taskSkipped = "task_skipped"
  case taskExpanded = "task_expanded"
  case taskRedelivered = "task_redelivered"
  case taskPoisoned = "task_poisoned"
  case adapterSwitched = "adapter_switched"
  case resultRefused = "result_refused"
  case budgetWarning = "budget_warning"
  case budgetExhausted = "budget_exhausted"

  /// Nothing follows but what a later call of a person starts.
  public var endsPlan: Bool {
    self == .planCompleted || self == .planFailed || self == .planCancelled
  }
}

/// One committed event of a plan.
public struct TraceEvent: Sendable, Equatable {
  /// 1, 2, 3 … per plan, without gaps.
  public var seq: Int64
  /// Milliseconds since the Unix epoch.
  public var time: Int64
  public var kind: EventKind
  /// Empty for events of the plan itself.
  public var taskID = ""
  /// Of an instance of a mapped task; nil for the task itself and for all others.
  public var index: Int32?
  /// The sub-plan that a task's event is about; of `planCreated` the plan around.
  public var relatedPlanID: PlanID?
  /// For `taskExpanded`.
  public var itemCount: Int32 = 0
  public var attempt: Int32 = 0
  public var delivery: Int32 = 0
  public var adapter = ""
  public var instance = ""
  public var code = ""
  public var message = ""
  public var errorClass: ErrorClass?
  public var delayMilliseconds: Int64 = 0

  public init(seq: Int64, time: Int64, kind: EventKind) {
    self.seq = seq
    self.time = time
    self.kind = kind
  }
}
