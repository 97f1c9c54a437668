/// What may be changed of a plan while it runs; what is nil or empty stays as it is.
public struct PlanUpdate: Sendable, Equatable {
  /// What becomes of the deadline.
  public enum DeadlineChange: Sendable, Equatable {
    case keep
    case set(Deadline)
    case remove
  }

  /// The revision that the change was made for; nil: whatever there is.
  public var expectedRevision: Int64?
  public var priority: Int32?
  public var deadline = DeadlineChange.keep
  public var budget = BudgetUpdate()
  /// Added, or put in the place of what these keys had.
  public var setLabels: [String: String] = [:]
  /// Keys; those that are not there are passed over.
  public var removeLabels: [String] = []

  public init() {}

  /// Throws everything that is wrong with the values.
  public func check(limits: PlanLimits) throws(PlanProblems) {
    var validator = PlanValidator(limits: limits)
    validator.check(self)
    guard validator.problems.isEmpty else { throw PlanProblems(validator.problems) }
  }

  /// What `labels` become.
  public func labels(from labels: [String: String]) -> [String: String] {
    var labels = labels
    for key in removeLabels { labels[key] = nil }
    return labels.merging(setLabels) { $1 }
  }
}
