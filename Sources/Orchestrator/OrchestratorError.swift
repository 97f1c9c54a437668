internal import Engine
internal import Plan

/// Why the orchestrator did not do what it was asked.
public struct OrchestratorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of refusal it is; the raw value is the stable reason callers see.
  public struct Code: Sendable, Hashable {
    public let reason: String

    public static let planNotFound = Code(reason: "PLAN_NOT_FOUND")
    public static let taskNotFound = Code(reason: "TASK_NOT_FOUND")
    public static let requestKeyReused = Code(reason: "REQUEST_KEY_REUSED")
    public static let unknownSession = Code(reason: "UNKNOWN_SESSION")
    public static let unknownToken = Code(reason: "UNKNOWN_TOKEN")
    public static let staleLease = Code(reason: "STALE_LEASE")
    public static let alreadyTerminal = Code(reason: "ALREADY_TERMINAL")
    public static let notFailed = Code(reason: "NOT_FAILED")
    public static let revisionMismatch = Code(reason: "REVISION_MISMATCH")
    public static let tooManyLabels = Code(reason: "TOO_MANY_LABELS")
    public static let notWaiting = Code(reason: "NOT_WAITING")
    /// The value is too large beside what the attempt has asked and was told before.
    public static let answerTooLarge = Code(reason: "ANSWER_TOO_LARGE")
    public static let planEnded = Code(reason: "PLAN_ENDED")
    public static let budgetExhausted = Code(reason: "BUDGET_EXHAUSTED")
    public static let deadlinePassed = Code(reason: "DEADLINE_PASSED")
    public static let isSubPlan = Code(reason: "IS_SUB_PLAN")
    public static let conflictingResult = Code(reason: "CONFLICTING_RESULT")
    /// The store did not answer; nothing was acknowledged, the call may be repeated.
    public static let storeUnavailable = Code(reason: "STORE_UNAVAILABLE")
    public static let stopping = Code(reason: "STOPPING")
    public static let cancelled = Code(reason: "CANCELLED")
  }

  public var code: Code
  /// What happened, to which plan and task, and what to do.
  public var message: String
  /// The ids that it is about, for programs: `plan_id`, `task_id`, `session_id` ...
  public var metadata: [String: String]

  public init(_ code: Code, _ message: String, about metadata: [String: String] = [:]) {
    self.code = code
    self.message = message
    self.metadata = metadata
  }

  public var description: String { message }

  static func reloading(_ id: PlanID) -> OrchestratorError {
    OrchestratorError(
      .storeUnavailable, "plan \(id) cannot be read from the store now; repeat the call",
      about: ["plan_id": "\(id)"])
  }

  static let stopping = OrchestratorError(
    .stopping, "the server is stopping; repeat the call when it is back")

  static func planNotFound(_ id: PlanID) -> OrchestratorError {
    OrchestratorError(.planNotFound, "there is no plan \(id)", about: ["plan_id": "\(id)"])
  }

  /// A decision on a task that the engine does not take.
  static func refused(_ plan: PlanMachine, task: String, _ refusal: Refusal) -> OrchestratorError {
    let status = plan.compiled.ordinals[task].map { " (\(plan.status(of: $0).rawValue))" } ?? ""
    return OrchestratorError(
      refusal.code, "task \"\(task)\"\(status) of plan \(plan.id): \(refusal.sentence)",
      about: ["plan_id": "\(plan.id)", "task_id": task])
  }

  /// A change of a plan that the engine does not make.
  static func refused(_ plan: PlanMachine, _ refusal: Refusal) -> OrchestratorError {
    OrchestratorError(
      refusal.code,
      "plan \(plan.id) is \(plan.plan.status.rawValue), revision \(plan.plan.revision): "
        + (plan.exhaustion.map { "\($0); " } ?? "") + refusal.sentence,
      about: ["plan_id": "\(plan.id)"])
  }
}

extension Refusal {
  var code: OrchestratorError.Code {
    switch self {
    case .staleLease: .staleLease
    case .alreadyTerminal: .alreadyTerminal
    case .conflictingResult: .conflictingResult
    case .unknownTask: .taskNotFound
    case .unknownToken: .unknownToken
    case .notFailed: .notFailed
    case .revisionMismatch: .revisionMismatch
    case .planEnded: .planEnded
    case .notWaiting: .notWaiting
    case .tooManyLabels: .tooManyLabels
    case .budgetExhausted: .budgetExhausted
    case .deadlinePassed: .deadlinePassed
    case .isSubPlan: .isSubPlan
    }
  }

  var sentence: String {
    switch self {
    case .staleLease: "a later hand-out has taken its place, or the attempt is settled"
    case .alreadyTerminal: "the task has ended without a result"
    case .conflictingResult: "another result was accepted under this token"
    case .unknownTask: "there is no such task"
    case .unknownToken: "no such attempt or token was ever handed out"
    case .notFailed: "only a plan that failed can be retried"
    case .revisionMismatch: "it has changed since the revision that was named; read it again"
    case .planEnded: "it can no longer be changed"
    case .tooManyLabels: "it would have too many labels (GetServerInfo says how many it may have)"
    case .notWaiting: "it does not wait for input now, or in another attempt"
    case .budgetExhausted: "raise its budget with UpdatePlan first"
    case .isSubPlan: "it is a sub-plan, and its task has ended; retry the plan around it"
    case .deadlinePassed: "its deadline lies in the past; set a later one"
    }
  }
}
