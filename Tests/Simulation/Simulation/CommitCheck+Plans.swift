import Engine
import Plan

/// What the rules say that come from plans and their callers: conditions, RetryPlan, a stopping server.
extension CommitCheck {
  /// What the task's condition comes to by the end of this change; without one it runs.
  func verdict(_ ordinal: Int) -> Gate.Verdict {
    guard let gate = plan.blueprint.gates[ordinal] else { return .runs }
    return gate.verdict { other in
      change.outputs.first { $0.ordinal == other }?.json ?? plan.outputs[other]
    }
  }

  func checkCondition(_ row: TaskRow, _ events: [TraceEvent]) {
    for event in events {
      let expected: Gate.Verdict
      switch (event.kind, event.code) {
      case (.taskSkipped, "CONDITION_FALSE"): expected = .isSkipped
      case (.taskFailed, "CONDITION_ERROR"): expected = .fails
      case (.taskDispatched, _), (.taskRedelivered, _), (.taskWaitingInput, _): expected = .runs
      default: continue
      }
      let found = isMet(row.ordinal) ? verdict(row.ordinal) : nil
      require(
        found == expected, .conditions,
        "task \(row.ordinal): \(event.kind.rawValue) \(event.code), and its condition comes to "
          + (found.map { "\($0)" } ?? "nothing yet"))
    }
  }

  /// Everything that did not end well runs again, and nothing else.
  func checkRetry() {
    require(
      change.plan.error == nil && change.plan.finishedAt == nil, .retries,
      "it goes on as \(change.plan.status) with \(String(describing: change.plan.error))")
    var rows = plan.tasks
    for row in change.tasks { rows[row.ordinal] = row }
    for before in plan.tasks {
      let row = rows[before.ordinal]
      guard !plan.endedWell(before.ordinal) else {
        require(row == before, .retries, "task \(row.ordinal) had ended well and is \(row.status)")
        continue
      }
      require(
        !row.status.isFinal && row.attemptsBefore == before.attempt, .retries,
        "task \(row.ordinal) is \(row.status) after \(row.attemptsBefore) attempts, "
          + "not \(before.attempt)")
    }
  }

  /// The delivery that was taken back is not the task's last.
  func checkWithdrawn(_ row: TaskRow) {
    guard row.status == .ready, row.error?.code == "SERVER_STOPPED" else { return }
    require(
      row.delivery < plan.blueprint.compiled.maxDeliveries(row.ordinal), .withdrawal,
      "task \(row.ordinal) has had its last delivery, \(row.delivery)")
  }
}
