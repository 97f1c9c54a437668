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
  public static let legal: Set<Transition> = [
    .plan(.created, .running),
    .plan(.running, .paused), .plan(.running, .completed), .plan(.running, .failed),
    .plan(.running, .cancelled),
    .plan(.paused, .running), .plan(.paused, .completed), .plan(.paused, .failed),
    .plan(.paused, .cancelled),
    .task(.pending, .ready), .task(.pending, .skipped), .task(.pending, .cancelled),
    // Handed out; nobody took it in time.
    .task(.ready, .dispatched), .task(.ready, .failed), .task(.ready, .cancelled),
    // A hand-out that was taken for lost gave a result after all.
    .task(.ready, .running), .task(.ready, .succeeded), .task(.ready, .waitingRetry),
    .task(.dispatched, .running), .task(.dispatched, .ready), .task(.dispatched, .waitingRetry),
    .task(.dispatched, .failed), .task(.dispatched, .cancelled),
    .task(.running, .succeeded), .task(.running, .failed), .task(.running, .waitingRetry),
    .task(.running, .ready), .task(.running, .cancelled),
    .task(.waitingRetry, .ready), .task(.waitingRetry, .cancelled),
  ]
}

extension EventKind {
  /// The status a task has after the event; nil for events that say something else.
  var taskStatus: TaskStatus? {
    switch self {
    case .taskDispatched, .taskRedelivered: .dispatched
    case .taskRunning: .running
    case .taskSucceeded: .succeeded
    case .taskFailed: .failed
    case .taskRetryScheduled: .waitingRetry
    case .taskCancelled: .cancelled
    case .taskSkipped: .skipped
    default: nil
    }
  }
}
