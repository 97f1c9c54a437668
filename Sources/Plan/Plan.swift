/// A plan as a caller submits it: a directed acyclic graph of agent tasks.
///
/// Values are as they were given; `PlanDefaults` fills in what was left out.
public struct Plan: Sendable, Equatable {
  public var name = ""
  public var owner = ""
  public var labels: [String: String] = [:]
  public var metadata: [String: String] = [:]
  /// A JSON object, read by tasks as `${{ inputs.NAME }}`.
  public var inputs: [UInt8] = Array("{}".utf8)
  public var tasks: [PlanTask] = []
  /// Adapter for tasks that name none; nil: the server's routes decide.
  public var adapter: String?
  public var retry = RetryOptions()
  public var timeouts = TimeoutOptions()
  /// Plans with a higher number are handed out first.
  public var priority: Int32 = 0
  /// Tasks that may be with adapters at one time; nil: the server's limit.
  public var maxParallel: Int32?
  /// When the plan must have ended; nil: it may take any time.
  public var deadline: Deadline?
  /// What its runs may use; nil: as much as they like.
  public var budget: Budget?

  public init() {}
}

/// One task of a plan.
public struct PlanTask: Sendable, Equatable {
  public var id = ""
  public var type = ""
  /// A JSON object; its strings may hold `${{ … }}` references.
  public var payload: [UInt8] = Array("{}".utf8)
  public var dependsOn: [String] = []
  public var adapter: String?
  public var retry = RetryOptions()
  public var timeouts = TimeoutOptions()
  public var priority: Int32 = 0
  public var onFailure = OnFailure.fail
  /// Whether the task is run, asked once everything it depends on has ended well; nil: always. See
  /// `Condition`.
  public var when: String?
  /// What the output must look like, as compact JSON; nil: anything. See `OutputSchema`.
  public var outputSchema: [UInt8]?
  /// Runs the task once for each element of a list; nil: once.
  public var map: MapOptions?
  /// Hand-outs of one attempt before the task fails as POISONED; nil: the server's default.
  public var maxDeliveries: Int32?
  /// Given to the adapter with the task, untouched.
  public var metadata: [String: String] = [:]

  public init() {}

  /// The type of tasks that wait for a person or an outside system; no adapter gets them.
  public static let approvalType = "approval"

  /// Whether the task waits for CompleteTask instead of an adapter.
  public var isApproval: Bool { type == Self.approvalType }

  /// The type of tasks that run a plan within the plan; no adapter gets them.
  public static let subPlanType = "plan"

  /// Whether the task runs a plan within the plan. See `SubPlan`.
  public var isSubPlan: Bool { type == Self.subPlanType }

  /// Whether the type is the engine's own: no adapter gets the task.
  public var isOwn: Bool { isApproval || isSubPlan }
}

/// When a plan must have ended.
public enum Deadline: Sendable, Equatable {
  /// So many milliseconds after the submission, or after the change that sets it.
  case after(milliseconds: Int64)
  /// Milliseconds since the Unix epoch.
  case at(milliseconds: Int64)

  /// The time itself, where the deadline is set `now`.
  public func time(from now: Int64) -> Int64 {
    switch self {
    case .after(let milliseconds): now + milliseconds
    case .at(let milliseconds): milliseconds
    }
  }
}

/// How a task is run once per element of a list.
public struct MapOptions: Sendable, Equatable {
  /// One reference: `${{ tasks.find.output.items }}`.
  public var over: String
  /// Instances that may be under way at one time; nil: as many as the plan's limits allow.
  public var maxParallel: Int32?

  public init(over: String, maxParallel: Int32? = nil) {
    self.over = over
    self.maxParallel = maxParallel
  }
}

/// What a failed task means for its plan.
public enum OnFailure: String, Sendable, CaseIterable {
  /// Descendants are skipped, independent branches finish, then the plan is FAILED.
  case fail
  /// Dependents run, references to the output are null, and the plan does not fail by it.
  case `continue`
}

/// The parts of a retry policy that a plan or task sets itself.
public struct RetryOptions: Sendable, Equatable {
  public var maxAttempts: Int32?
  public var initialDelayMilliseconds: Int64?
  public var multiplier: Double?
  public var maxDelayMilliseconds: Int64?
  public var jitter: Double?

  public init() {}
}

/// When a failed attempt is tried again.
public struct RetryPolicy: Sendable, Equatable {
  public var maxAttempts: Int32 = 3
  public var initialDelayMilliseconds: Int64 = 1_000
  public var multiplier = 2.0
  public var maxDelayMilliseconds: Int64 = 60_000
  /// Part of the delay that varies at random, 0 to 1.
  public var jitter = 0.2

  public init() {}

  /// This policy with what `options` sets.
  public func overridden(by options: RetryOptions) -> RetryPolicy {
    var policy = self
    policy.maxAttempts = options.maxAttempts ?? maxAttempts
    policy.initialDelayMilliseconds = options.initialDelayMilliseconds ?? initialDelayMilliseconds
    policy.multiplier = options.multiplier ?? multiplier
    policy.maxDelayMilliseconds = options.maxDelayMilliseconds ?? maxDelayMilliseconds
    policy.jitter = options.jitter ?? jitter
    return policy
  }

  /// Delay after failed attempt number `attempt` (1-based), in milliseconds.
  ///
  /// In [d(1-jitter), d(1+jitter)] with d = min(max, initial * multiplier^(attempt-1)); `entropy`
  /// in 0..<1 picks the place. A provider's `retryAfterMilliseconds` takes d's place, within max.
  public func delayMilliseconds(
    afterAttempt attempt: Int32, entropy: Double, retryAfterMilliseconds: Int64 = 0
  ) -> Int64 {
    if retryAfterMilliseconds > 0 { return min(retryAfterMilliseconds, maxDelayMilliseconds) }
    var delay = Double(initialDelayMilliseconds)
    let limit = Double(maxDelayMilliseconds)
    for _ in 1..<max(1, attempt) where delay < limit { delay *= multiplier }
    delay = min(delay, limit) * (1 - jitter + 2 * jitter * entropy)
    return Int64(delay.rounded())
  }
}

/// The timeouts that a plan or task sets itself.
public struct TimeoutOptions: Sendable, Equatable {
  public var scheduleToStartMilliseconds: Int64?
  public var startToCloseMilliseconds: Int64?
  public var heartbeatMilliseconds: Int64?

  public init() {}
}

/// How long each part of one attempt may take.
public struct Timeouts: Sendable, Equatable {
  /// From the moment the task is ready to its hand-out.
  public var scheduleToStartMilliseconds: Int64 = 3_600_000
  /// From the hand-out to the result.
  public var startToCloseMilliseconds: Int64 = 600_000
  /// How long a run may say nothing; 0: as long as it likes.
  public var heartbeatMilliseconds: Int64 = 0

  public init() {}

  public func overridden(by options: TimeoutOptions) -> Timeouts {
    var timeouts = self
    timeouts.scheduleToStartMilliseconds =
      options.scheduleToStartMilliseconds ?? scheduleToStartMilliseconds
    timeouts.startToCloseMilliseconds = options.startToCloseMilliseconds ?? startToCloseMilliseconds
    timeouts.heartbeatMilliseconds = options.heartbeatMilliseconds ?? heartbeatMilliseconds
    return timeouts
  }
}

/// What a plan and its tasks get where they leave something out; stored with the plan, so that a
/// changed configuration does not change plans that were accepted before.
public struct PlanDefaults: Sendable, Equatable {
  public var retry = RetryPolicy()
  public var timeouts = Timeouts()
  public var maxDeliveries: Int32 = 10
  /// Tasks of one plan that may be with adapters at one time.
  public var maxParallel: Int32 = 100

  public init() {}

  public func retry(of task: PlanTask, in plan: Plan) -> RetryPolicy {
    retry.overridden(by: plan.retry).overridden(by: task.retry)
  }

  public func timeouts(of task: PlanTask, in plan: Plan) -> Timeouts {
    timeouts.overridden(by: plan.timeouts).overridden(by: task.timeouts)
  }
}
