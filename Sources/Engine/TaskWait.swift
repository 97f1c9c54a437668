public import Plan

/// What a task waits for that is neither running nor over.
public enum TaskWait: Sendable, Hashable {
  /// Tasks that it depends on, by ordinal.
  case dependencies
  /// Its condition is evaluated, or its list is looked for.
  case condition
  /// Other instances of its mapped task: so many run at one time.
  case instances(limit: Int)
  /// Its plan is paused.
  case plan(PlanPause.Code)
  /// The budget of its namespace is used up.
  case namespace
  /// READY, and not handed out.
  case handOut(HandOutObstacle)
  /// The delay before its next attempt.
  case retry
  /// Somebody's answer.
  case input
  /// Handed out, and the run has not begun.
  case start
}

extension PlanMachine {
  /// What the task waits for, by what decides on its hand-out; nil where it runs or has ended.
  public func wait(of ordinal: Int, _ pool: AdapterPool, now: Int64) -> TaskWait? {
    switch status(of: ordinal) {
    case .running, .expanded, .delegated, .succeeded, .failed, .cancelled, .skipped: return nil
    case .dispatched: return .start
    case .waitingInput: return .input
    case .waitingRetry: return .retry
    case .pending where isInstance(ordinal):
      return .instances(limit: Int(compiled.maps[home(ordinal)]?.maxParallel ?? .max))
    case .pending: return waitsForAnswer(ordinal) ? .condition : .dependencies
    case .ready: break
    }
    if let pause = plan.pause { return .plan(pause.code) }
    if pool.budgets.isExhausted(creation.namespace) { return .namespace }
    // An approval is asked in the same step as it becomes ready.
    return .handOut(obstacle(ordinal, pool, now: now) ?? .turn)
  }

  /// The dependencies that the task waits for, by ordinal.
  public func openDependencies(of ordinal: Int) -> [Int] {
    compiled.graph.dependencies[ordinal].filter { !endedWell($0) }
  }
}
