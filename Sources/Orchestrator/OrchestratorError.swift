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
}
