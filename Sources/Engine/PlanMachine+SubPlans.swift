internal import Plan

/// Tasks of type `plan`: each attempt runs a plan of its own, whose end is the attempt's result.
///
/// The id of that plan is part of the row that says the task is DELEGATED, so that it is known before
/// the plan is made and nothing can make a second one.
extension PlanMachine {
  /// Whether the task's sub-plan is under way under this lease.
  public func isDelegated(_ lease: TaskLease) -> Bool {
    guard rows.indices.contains(lease.ordinal), !plan.status.isFinal else { return false }
    let row = rows[lease.ordinal]
    return row.status == .delegated && row.token == lease.token && row.attempt == lease.attempt
  }

  /// Begins what is ready while the plan may have more under way at one time.
  mutating func beginReady(_ entropy: inout Entropy) {
    guard !toBegin.isEmpty else { return }
    let limit = Int(compiled.maxParallel)
    var next = 0
    while next < toBegin.count, subPlanCount < limit {
      if status(of: toBegin[next]) == .ready { begin(toBegin[next], &entropy) }
      next += 1
    }
    toBegin.removeFirst(next)
  }

  private mutating func begin(_ ordinal: Int, _ entropy: inout Entropy) {
    let id = PlanID(unixMilliseconds: draft.now, randomness: (entropy.next(), entropy.next()))
    rows[ordinal].attempt += 1
    rows[ordinal].delivery = 1
    rows[ordinal].token += 1
    rows[ordinal].tokenClosed = false
    rows[ordinal].hasBegun = true
    rows[ordinal].status = .delegated
    rows[ordinal].handle = "\(id)"
    rows[ordinal].dispatchedAt = draft.now
    rows[ordinal].startedAt = rows[ordinal].startedAt ?? draft.now
    subPlanCount += 1
    // A plan takes as long as it takes, but for who says otherwise for this very task.
    arm(
      ordinal,
      afterMilliseconds: compiled.plan.tasks[home(ordinal)].timeouts.startToCloseMilliseconds)
    touch(ordinal)
    record(.taskDispatched, task: ordinal)
    record(.taskRunning, task: ordinal)
    draft.commands.append(.beginSubPlan(ordinal: ordinal))
  }

  mutating func subPlanEnded(
    _ lease: TaskLease, _ summary: ResultSummary, _ entropy: inout Entropy
  ) {
    guard isDelegated(lease) else { return }
    subPlanCount -= 1
    rows[lease.ordinal].usage.add(summary.usage)
    let tokens = plan.usage.tokens
    plan.usage.add(summary.usage)
    // The namespace's budget has them from the sub-plan.
    draft.accountedTokens += plan.usage.tokens - tokens
    settle(lease.ordinal, summary, &entropy)
  }

  mutating func subPlanTimedOut(_ ordinal: Int, _ entropy: inout Entropy) {
    let limit = rows[ordinal].timerDelayMilliseconds
    order(ordinal, .cancel(reason: "start_to_close of its task passed"))
    subPlanCount -= 1
    fail(
      ordinal,
      TaskError(
        .timeout, code: "START_TO_CLOSE",
        message: "the sub-plan did not end within \(DurationText.text(limit))"),
      &entropy)
  }

  /// Tells every sub-plan that is under way.
  mutating func orderAll(_ event: PlanEvent) {
    guard subPlanCount > 0 else { return }
    for ordinal in rows.indices where rows[ordinal].status == .delegated { order(ordinal, event) }
  }

  private mutating func order(_ ordinal: Int, _ event: PlanEvent) {
    guard let id = rows[ordinal].subPlan else { return }
    draft.orders.append(SubPlanOrder(planID: id, event))
  }
}
