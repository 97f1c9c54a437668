internal import Plan

/// Tasks with a condition, and tasks that wait for a list to run over.
///
/// What is to be known first counts as one more dependency, the gate. When only that is left the
/// engine asks whoever sees outputs; an answer is a matter of what is stored alone, so that nothing
/// needs to be kept of a question: after a load it is asked again and answered the same.
extension PlanMachine {
  static let conditionFalse = "CONDITION_FALSE"

  /// The gates of tasks that have not passed them.
  mutating func closeGates() {
    guard compiled.hasGates else { return }
    for ordinal in 0..<compiled.taskCount
    where rows[ordinal].status == .pending && isGated(ordinal) {
      unmet[ordinal] += 1
    }
  }

  /// Once more after a RetryPlan: what the task waits for is counted anew, and it is asked again.
  mutating func closeGate(_ ordinal: Int) {
    unmet[ordinal] = 1 + compiled.graph.dependencies[ordinal].count { !endedWell($0) }
    askIfGated(ordinal)
  }

  func isGated(_ ordinal: Int) -> Bool {
    compiled.hasGates && (compiled.conditions[ordinal] != nil || compiled.maps[ordinal] != nil)
  }

  /// Whether the task was skipped by its own condition, and not for what happened upstream.
  func wasDeclined(_ ordinal: Int) -> Bool {
    isGated(ordinal) && rows[ordinal].error?.code == Self.conditionFalse
  }

  func waitsForAnswer(_ ordinal: Int) -> Bool {
    isGated(ordinal) && unmet[ordinal] == 1 && rows[ordinal].status == .pending
  }

  mutating func askIfGated(_ ordinal: Int) {
    if waitsForAnswer(ordinal) { draft.questions.append(ordinal) }
  }

  mutating func askAll() {
    guard compiled.hasGates else { return }
    for ordinal in 0..<compiled.taskCount { askIfGated(ordinal) }
  }

  /// An answer that comes twice, or too late, says nothing.
  mutating func decided(_ verdicts: [Verdict]) {
    guard !plan.status.isFinal else { return }
    for verdict in verdicts
    where rows.indices.contains(verdict.ordinal) && waitsForAnswer(verdict.ordinal) {
      let ordinal = verdict.ordinal
      unmet[ordinal] = 0
      switch verdict.outcome {
      case .run:
        enterLane(ordinal)
        if !compiled.plan.tasks[ordinal].isOwn { recoverScheduleToStart(ordinal) }
      case .skip: decline(ordinal)
      case .expand(let count): expand(ordinal, count)
      case .fail(let error): failForGood(ordinal, error)
      }
    }
  }

  private mutating func decline(_ ordinal: Int) {
    let text = compiled.conditions[ordinal]?.text ?? ""
    let error = TaskError(
      .permanent, code: Self.conditionFalse, message: "not run: its condition is false: \(text)")
    rows[ordinal].error = error
    end(ordinal, .skipped)
    record(.taskSkipped, task: ordinal, error)
    settleDependents(of: ordinal)
  }
}
