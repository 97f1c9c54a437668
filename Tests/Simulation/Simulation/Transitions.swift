import Engine
import Plan

/// A change of a task's or a plan's status.
public struct Transition: Hashable, Comparable, Sendable, CustomStringConvertible {
  var subject: String
  var from: String
  var to: String

  public static func < (left: Transition, right: Transition) -> Bool {
    (left.subject, left.from, left.to) < (right.subject, right.from, right.to)
  }

  public var description: String { "\(subject) \(from) -> \(to)" }

  static func task(_ from: TaskStatus, _ to: TaskStatus) -> Transition {
    Transition(subject: "task", from: from.rawValue, to: to.rawValue)
  }

  static func plan(_ from: PlanStatus, _ to: PlanStatus) -> Transition {
    Transition(subject: "plan", from: from.rawValue, to: to.rawValue)
  }

  /// Every transition that there may be; all others are violations, and all of these are to be seen.
  /// Tasks with `map` and runs that ask are not simulated.
  public static let legal: Set<Transition> = Set(
    StateTable.plan.map { .plan($0.from, $0.to) }
      + StateTable.withoutMaps.map { .task($0.from, $0.to) })
}

extension EventKind {
  /// The status a task has after the event; nil for events that say something else.
  var taskStatus: TaskStatus? {
    switch self {
    case .taskDispatched, .taskRedelivered, .taskResumed: .dispatched
    case .taskRunning: .running
    case .taskSucceeded: .succeeded
    case .taskFailed: .failed
    case .taskRetryScheduled: .waitingRetry
    case .taskWaitingInput: .waitingInput
    case .taskCancelled: .cancelled
    case .taskSkipped: .skipped
    default: nil
    }
  }
}
