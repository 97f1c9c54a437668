/// What the plans of one namespace used in one period.
public struct NamespaceSpending: Sendable, Equatable {
  public var namespace: String
  /// Milliseconds since the Unix epoch; 0 where the budget has no period.
  public var periodStart: Int64
  public var tokens: Int64
  /// Attempts that were handed out.
  public var tasks: Int64

  public init(namespace: String, periodStart: Int64, tokens: Int64, tasks: Int64) {
    self.namespace = namespace
    self.periodStart = periodStart
    self.tokens = tokens
    self.tasks = tasks
  }

  /// Adds what was used since, less where a result told less than its run had. What is reported is
  /// not trusted: sums stop before they overflow.
  public mutating func add(tokens moreTokens: Int64, tasks moreTasks: Int64) {
    tokens = Self.sum(tokens, moreTokens)
    tasks = Self.sum(tasks, moreTasks)
  }

  /// The largest sum that is kept, and the largest part of one: stores add them up.
  public static let sumMax: Int64 = 1 << 61

  private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
    min(sumMax, left + max(-sumMax, min(sumMax, right)))
  }
}
