/// What the runs of a plan, or of a namespace, may use. Nil: no limit.
public struct Budget: Sendable, Equatable {
  /// Input and output tokens of all attempts: once so many are used nothing more is handed out.
  public var tokens: Int64?
  /// Tokens at which a warning is given, once.
  public var softTokens: Int64?
  /// Attempts that may be handed out, those of retries among them; never exceeded.
  public var tasks: Int64?
  /// Attempts at which a warning is given, once.
  public var softTasks: Int64?
  /// The plan is paused with the warning, until a person resumes it.
  public var pausesAtSoft = false

  public init() {}
}

/// What UpdatePlan changes of a budget. Nil: it stays; 0: there is no such limit any more.
public struct BudgetUpdate: Sendable, Equatable {
  public var tokens: Int64?
  public var softTokens: Int64?
  public var tasks: Int64?
  public var softTasks: Int64?
  public var pausesAtSoft: Bool?

  public init() {}

  /// What `budget` becomes; nil where nothing is left of it.
  public func applied(to budget: Budget?) -> Budget? {
    var changed = budget ?? Budget()
    func limit(_ new: Int64?, _ old: Int64?) -> Int64? { new.map { $0 == 0 ? nil : $0 } ?? old }
    changed.tokens = limit(tokens, changed.tokens)
    changed.softTokens = limit(softTokens, changed.softTokens)
    changed.tasks = limit(tasks, changed.tasks)
    changed.softTasks = limit(softTasks, changed.softTasks)
    changed.pausesAtSoft = pausesAtSoft ?? changed.pausesAtSoft
    return changed == Budget() ? nil : changed
  }
}

/// Limits that a plan has been warned of, so that it is once.
public struct BudgetWarnings: OptionSet, Sendable {
  public let rawValue: Int64

  public init(rawValue: Int64) { self.rawValue = rawValue }

  public static let tokens = BudgetWarnings(rawValue: 1)
  public static let tasks = BudgetWarnings(rawValue: 2)
}

/// Why a plan is PAUSED.
public struct PlanPause: Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    /// Somebody asked for it.
    case requested = "REQUESTED"
    /// A soft limit of its budget was reached.
    case budgetWarning = "BUDGET_WARNING"
    /// Its budget is used up.
    case budgetExhausted = "BUDGET_EXHAUSTED"
  }

  public var code: Code
  /// A sentence for people, or the reason that was given.
  public var message: String
  /// Milliseconds since the Unix epoch.
  public var since: Int64

  public init(_ code: Code, message: String, since: Int64) {
    self.code = code
    self.message = message
    self.since = since
  }
}
