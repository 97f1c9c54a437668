public import Plan

/// Keeps plans. The store is the truth: what it has committed has happened.
///
/// Calls block, and come from one thread at a time except `list` and `events`, which may come from
/// others while a commit runs. A store persists changes and decides nothing.
public protocol PlanStore: AnyObject, Sendable {
  /// "memory", "sqlite" …
  var name: String { get }
  /// Whether a commit that was answered survives a restart and a loss of power.
  var isDurable: Bool { get }

  /// Makes all changes in one transaction; on return they are as durable as the store can make
  /// them.
  ///
  /// For each change the stored revision must be `plan.revision - 1` (no row for a creation), else
  /// the whole group fails with `.conflict`. Any error leaves the group either whole or absent;
  /// only `.outcomeUnknown` leaves open which.
  func commit(_ group: [PlanChange]) throws(StoreError)

  /// The plan with its task rows and without outputs; nil where there is none.
  func load(_ id: PlanID) throws(StoreError) -> StoredPlan?

  /// The plan made under a request key.
  func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch?

  /// Ids of plans whose `finishedAt` is nil, ascending, after `id`, at most `limit`. (A plan that
  /// was cancelled has a final status before its last task row is written.)
  func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID]

  /// The accepted outputs of some tasks, in the order of `ordinals`; tasks without one are left
  /// out.
  func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput]

  /// The dialogs of some tasks, in the order of `ordinals`; tasks without one are left out.
  func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog]

  /// Events from `seq` on, at most `maxCount` of them and, after the first, `maxBytes` of them.
  func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent]

  /// What a namespace used in the period that began at `periodStart`; nil: nothing.
  func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending?

  /// Plans that match, newest first, at most `limit`, older than `before`.
  func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary]

  /// Ends the store; no call follows.
  func close()
}

/// A plan found by its request key.
public struct PlanKeyMatch: Sendable, Equatable {
  public var planID: PlanID
  public var requestDigest: Digest

  public init(planID: PlanID, requestDigest: Digest) {
    self.planID = planID
    self.requestDigest = requestDigest
  }
}

/// Which plans to list; empty and nil fields match everything.
public struct PlanFilter: Sendable, Equatable {
  public var namespace = ""
  public var statuses: Set<PlanStatus> = []
  public var owner = ""
  /// All of these pairs.
  public var labels: [String: String] = [:]
  public var namePrefix = ""
  /// Only sub-plans of this plan.
  public var parent: PlanID?
  /// Milliseconds since the Unix epoch, both exclusive.
  public var createdAfter: Int64?
  public var createdBefore: Int64?

  public init() {}
}

/// A plan in a list.
public struct PlanSummary: Sendable, Equatable {
  public var planID: PlanID
  public var namespace: String
  public var name: String
  public var owner: String
  public var labels: [String: String]
  public var taskCount: Int
  public var plan: PlanRow
  /// The task that runs the plan; nil for a plan that a caller submitted.
  public var parent: ParentTask?

  public init(
    planID: PlanID, namespace: String, name: String, owner: String, labels: [String: String],
    taskCount: Int, parent: ParentTask? = nil, plan: PlanRow
  ) {
    self.parent = parent
    self.planID = planID
    self.namespace = namespace
    self.name = name
    self.owner = owner
    self.labels = labels
    self.taskCount = taskCount
    self.plan = plan
  }
}

/// Why a store did not do what it was asked.
public struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What kind of failure it is.
  public struct Code: Sendable, Hashable {
    public let name: String

    /// Somebody else changed the plan, or a request key is taken; nothing was written.
    public static let conflict = Code(name: "CONFLICT")
    /// Nothing was written; the same call may succeed later.
    public static let unavailable = Code(name: "UNAVAILABLE")
    /// The commit may or may not have happened.
    public static let outcomeUnknown = Code(name: "OUTCOME_UNKNOWN")
    /// What is stored cannot be read.
    public static let corrupt = Code(name: "CORRUPT")
    /// A change that no stored state could take: a mistake of the caller; nothing was written.
    public static let invalid = Code(name: "INVALID")
    /// The store cannot be opened or used at all.
    public static let unusable = Code(name: "UNUSABLE")
  }

  public var code: Code
  /// What happened and what to do.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { "\(code.name): \(message)" }
}
