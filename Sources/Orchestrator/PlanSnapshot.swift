public import Plan

/// The state of a plan at one revision, with one page of its tasks.
public struct PlanSnapshot: Sendable {
  /// A task as it stands.
  public struct Task: Sendable {
    public var row: TaskRow
    /// What people see; `row` knows neither PENDING nor the first READY.
    public var status: TaskStatus
    /// Place of the task in the plan's list.
    public var home: Int
    /// Of an instance of a mapped task.
    public var index: Int32?
    /// Of a mapped task: how many of its instances have ended.
    public var endedItems: Int32 = 0
  }

  public var planID: PlanID
  public var creation: PlanCreation
  public var plan: PlanRow
  public var counts: [TaskStatus: Int]
  public var tasks: [Task]
  /// Ordinal of the next page's first task; nil on the last page.
  public var next: Int?
  /// Set where the namespace's budget keeps a running plan from handing anything out.
  public var namespaceHold: NamespaceHold?
  /// JSON by ordinal, where it was asked for.
  public var outputs: [Int: [UInt8]] = [:]
  /// What tasks ask that wait for input: JSON by ordinal.
  public var prompts: [Int: [UInt8]] = [:]
}

/// Why nothing of a namespace is handed out.
public struct NamespaceHold: Sendable, Equatable {
  /// A sentence for people.
  public var message: String
  /// Milliseconds since the Unix epoch; nil: until its budget is raised.
  public var until: Int64?
}

/// What became of a submission.
public struct SubmitAnswer: Sendable, Equatable {
  public var planID: PlanID
  /// False where the request key had made the plan before.
  public var isNew: Bool
  /// For people.
  public var warnings: [String] = []
}

/// A registered instance, for people.
public struct AdapterSnapshot: Sendable {
  public enum Health: String, Sendable {
    case alive, draining, lost
  }

  public var registration: Registration
  public var health: Health
  public var inFlight: Int
  /// Milliseconds since the Unix epoch.
  public var registeredAt: Int64
  public var lastHeartbeatAt: Int64
  public var lastError: String
}
