internal import Plan

/// Tasks that wait for a person or an outside system.
extension PlanMachine {
  /// Approvals need no place: each asks as soon as it is ready and its plan runs.
  mutating func askReady() {
    guard !toAsk.isEmpty else { return }
    let ordinals = toAsk
    toAsk = []
    for ordinal in ordinals where status(of: ordinal) == .ready { ask(ordinal) }
  }

  private mutating func ask(_ ordinal: Int) {
    rows[ordinal].attempt += 1
    rows[ordinal].delivery = 1
    rows[ordinal].token += 1
    rows[ordinal].tokenClosed = false
    rows[ordinal].status = .waitingInput
    rows[ordinal].dispatchedAt = draft.now
    rows[ordinal].startedAt = rows[ordinal].startedAt ?? draft.now
    // People are given ten minutes only by who says so for this very task.
    arm(
      ordinal,
      afterMilliseconds: compiled.plan.tasks[home(ordinal)].timeouts.startToCloseMilliseconds)
    touch(ordinal)
    record(.taskWaitingInput, task: ordinal)
    draft.commands.append(.ask(ordinal: ordinal))
  }

  /// Whether the task waits for input under this lease.
  public func isWaitingForInput(_ lease: TaskLease) -> Bool {
    guard rows.indices.contains(lease.ordinal), !plan.status.isFinal else { return false }
    let row = rows[lease.ordinal]
    return row.status == .waitingInput && row.token == lease.token && row.attempt == lease.attempt
  }

  /// CompleteTask: what comes first wins, and the same again is known.
  mutating func complete(_ ordinal: Int, _ attempt: Int32, _ completion: Completion) {
    guard rows.indices.contains(ordinal) else { return refuse(.unknownTask) }
    let row = rows[ordinal]
    guard row.status == .waitingInput, !plan.status.isFinal, attempt == 0 || attempt == row.attempt,
      completion.question == 0 || completion.question == row.question
    else {
      refuse(.notWaiting)
      // Digests of results never equal those of decisions.
      let isSame = row.accepted.contains {
        $0.digest == completion.digest && (attempt == 0 || attempt == $0.attempt)
      }
      if isSame { draft.answer = .alreadyRecorded }
      return
    }
    rows[ordinal].accepted.append(
      AcceptedResult(attempt: row.attempt, token: row.token, digest: completion.digest))
    if let rejection = completion.rejection {
      failForGood(
        ordinal,
        TaskError(
          .permanent, code: "REJECTED",
          message: rejection.isEmpty ? "it was rejected" : rejection))
      if row.question > 0 { cancelRun(ordinal, reason: "what it asked was rejected") }
    } else if row.question > 0 {
      answer(ordinal)
    } else if let error = tooLarge(completion.outputBytes) {
      failForGood(ordinal, error)
    } else {
      succeed(ordinal, outputBytes: completion.outputBytes)
    }
  }

  mutating func inputPassed(_ ordinal: Int) {
    let limit = rows[ordinal].timerDelayMilliseconds
    failForGood(
      ordinal,
      TaskError(
        .timeout, code: "INPUT_TIMEOUT",
        message: "nobody answered within \(DurationText.text(limit))"))
  }
}
