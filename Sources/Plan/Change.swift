/// The rows and events of one transition of one plan: what a store persists, whole or not at all.
public struct PlanChange: Sendable, Equatable {
  public var planID: PlanID
  /// Set by the transition that makes the plan.
  public var created: PlanCreation?
  /// What the transition changes of what was submitted.
  public var amendment: PlanAmendment?
  /// What the transition used of the budget of the plan's namespace: added to what is stored.
  public var spending: NamespaceSpending?
  /// The plan's row after the transition; its revision is one above the stored one (or 1).
  public var plan: PlanRow
  /// Exactly the task rows that changed, whole.
  public var tasks: [TaskRow] = []
  /// Outputs that were accepted, at most one per task for the life of a plan.
  public var outputs: [TaskOutput] = []
  /// What attempts have asked and were told, each whole and in place of what there was.
  public var dialogs: [TaskDialog] = []
  /// The transition's events; their `seq`s go on from the stored `lastSeq` without a gap.
  public var events: [TraceEvent] = []

  public init(planID: PlanID, plan: PlanRow) {
    self.planID = planID
    self.plan = plan
  }

  /// About how many rows the change writes.
  public var rowCount: Int {
    1 + tasks.count + outputs.count + dialogs.count + (events.isEmpty ? 0 : 1)
      + (created == nil ? 0 : 1) + (amendment == nil ? 0 : 1) + (spending == nil ? 0 : 1)
  }
}

/// What UpdatePlan makes of a plan's fields that its row does not hold.
public struct PlanAmendment: Sendable, Equatable {
  public var priority: Int32
  public var labels: [String: String]
  public var budget: Budget?

  public init(priority: Int32, labels: [String: String], budget: Budget?) {
    self.priority = priority
    self.labels = labels
    self.budget = budget
  }
}

extension Plan {
  /// Takes over what was changed.
  public mutating func amend(_ amendment: PlanAmendment) {
    priority = amendment.priority
    labels = amendment.labels
    budget = amendment.budget
  }
}

/// What a plan was submitted with; of it only what a `PlanAmendment` holds changes.
public struct PlanCreation: Sendable, Equatable {
  public var namespace: String
  /// Nil: the call was not made idempotent.
  public var requestKey: String?
  /// Of the request's body; compared when the key comes again.
  public var requestDigest: Digest
  public var plan: Plan
  public var defaults: PlanDefaults
  /// The task that runs the plan; nil for a plan that a caller submitted.
  public var parent: ParentTask?

  public init(
    namespace: String, requestKey: String?, requestDigest: Digest, plan: Plan,
    defaults: PlanDefaults, parent: ParentTask? = nil
  ) {
    self.parent = parent
    self.namespace = namespace
    self.requestKey = requestKey
    self.requestDigest = requestDigest
    self.plan = plan
    self.defaults = defaults
  }
}

/// The task that a sub-plan belongs to.
public struct ParentTask: Sendable, Hashable {
  public var key: IdempotencyKey
  /// Of the task; each attempt has a sub-plan of its own.
  public var attempt: Int32

  public init(key: IdempotencyKey, attempt: Int32) {
    self.key = key
    self.attempt = attempt
  }

  public var planID: PlanID { key.planID }
}

/// The accepted output of a task.
public struct TaskOutput: Sendable, Equatable {
  public var ordinal: Int
  /// One JSON value.
  public var json: [UInt8]

  public init(ordinal: Int, json: [UInt8]) {
    self.ordinal = ordinal
    self.json = json
  }
}

/// A plan as a store gives it back.
public struct StoredPlan: Sendable, Equatable {
  public var planID: PlanID
  public var creation: PlanCreation
  public var plan: PlanRow
  /// Rows of the tasks that have had a transition, by ordinal.
  public var tasks: [TaskRow]

  public init(planID: PlanID, creation: PlanCreation, plan: PlanRow, tasks: [TaskRow]) {
    self.planID = planID
    self.creation = creation
    self.plan = plan
    self.tasks = tasks
  }
}
