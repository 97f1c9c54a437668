internal import Plan

/// Why a task that is READY is not handed out now. Times are milliseconds since the Unix epoch.
public enum HandOutObstacle: Error, Sendable, Hashable {
  /// Plans are being loaded again: nothing goes out before their tasks are counted.
  case loading
  /// `limits.in_flight`: as many tasks are with adapters, over all plans.
  case server(limit: Int)
  /// The plan's own limit: `max_parallel` or `limits.per_plan`.
  case plan(limit: Int)
  /// None of these adapters is registered for the type, or all of them are ending.
  case noAdapter(route: [String])
  /// `limits.per_adapter`.
  case adapter(String, limit: Int)
  /// Every instance of the adapter has as many tasks as it takes.
  case busy(adapter: String)
  /// The instances with room have refused a hand-out, or were not reached.
  case paused(adapter: String, until: Int64)
  /// Nothing but the turns of plans that wait, too, for the places that are free.
  case turn
}

extension PlanMachine {
  /// Why a task is not handed out now; nil where it is not READY, or its plan is not RUNNING.
  public func obstacle(
    _ ordinal: Int, _ pool: AdapterPool, now: Int64
  ) -> HandOutObstacle? {
    guard plan.status == .running, status(of: ordinal) == .ready else { return nil }
    let task = compiled.plan.tasks[home(ordinal)]
    guard !task.isApproval else { return nil }
    if task.isSubPlan {
      let limit = Int(compiled.maxParallel)
      return subPlanCount >= limit ? .plan(limit: limit) : .turn
    }
    if outCount >= Int(compiled.maxParallel) { return .plan(limit: Int(compiled.maxParallel)) }
    switch pool.find(type: task.type, adapter: task.adapter ?? compiled.plan.adapter, now: now) {
    case .success: return .turn
    case .failure(let obstacle): return obstacle
    }
  }
}
