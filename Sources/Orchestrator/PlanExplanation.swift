public import Engine
public import Plan

/// Why the tasks of a plan are not running, at one revision.
public struct PlanExplanation: Sendable {
  /// Tasks that wait for the same.
  public struct Group: Sendable {
    public var wait: TaskWait
    public var count: Int
    /// The first of them, by the ordinals of the plan's tasks; instances of one count as it.
    public var first: [Int]
  }

  /// One task that waits.
  public struct Task: Sendable {
    public var ordinal: Int
    /// The plan's task: itself, or the mapped one that it is an instance of, with its index there.
    public var home: Int
    public var index: Int32?
    public var status: TaskStatus
    public var wait: TaskWait
    /// The first tasks that it waits for, with their states, and how many there are.
    public var dependencies: [(ordinal: Int, status: TaskStatus)] = []
    public var dependencyCount = 0
    /// When the wait is over by itself or tried again, in milliseconds since the Unix epoch; nil: that
    /// is not known.
    public var until: Int64?
    /// For a task that is handed out.
    public var handOut: HandOutState?
  }

  /// How far a hand-out has come.
  public enum HandOutState: Sendable, Hashable {
    /// Stored; about to be sent.
    case queued
    /// Its instance is not connected now.
    case waitingForInstance
    /// Sent; not answered yet.
    case calling
    /// It is sent again.
    case repeated
    /// The adapter has it and has not said that the run began.
    case taken
  }

  public var planID: PlanID
  public var creation: PlanCreation
  public var plan: PlanRow
  public var namespaceHold: NamespaceHold?
  /// All that wait, the largest group first.
  public var groups: [Group]
  public var tasks: [Task]
  /// Ordinal from which the next page looks on; nil on the last page.
  public var next: Int?
  /// Adapters that are registered, with the types that they take.
  public var adapters: [String: Set<String>] = [:]
}
