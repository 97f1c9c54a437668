internal import Plan

/// What becomes of results and failures (S4, S5, S6).
extension PlanMachine {
  mutating func result(
    _ lease: TaskLease, _ summary: ResultSummary, _ entropy: inout Entropy,
    _ pool: inout AdapterPool
  ) {
    guard rows.indices.contains(lease.ordinal) else {
      draft.answer = .refused(.unknownTask)
      return
    }
    let row = rows[lease.ordinal]
    let isOwn = compiled.plan.tasks[home(lease.ordinal)].isOwn
    // Under an open question's token no run was ever handed out.
    let isQuestion = row.status == .waitingInput && lease.token == row.token
    if lease.token > row.token || lease.token < 1 || row.attempt < lease.attempt || isOwn
      || isQuestion
    {
      draft.answer = .refused(.unknownToken)
    } else if let accepted = row.accepted.first(where: { $0.token == lease.token }) {
      if accepted.digest == summary.digest {
        draft.answer = .alreadyRecorded
      } else {
        refuse(lease, .conflictingResult)
      }
    } else if row.status.isFinal || plan.status.isFinal {
      refuse(lease, row.accepted.last?.token == row.token ? .staleLease : .alreadyTerminal)
    } else if lease.token < row.token || row.tokenClosed || row.attempt != lease.attempt {
      refuse(lease, .staleLease)
    } else {
      accept(lease, summary, &entropy, &pool)
    }
  }

  /// Refused results are traced, not applied. The record of a plan that has ended is closed.
  private mutating func refuse(_ lease: TaskLease, _ refusal: Refusal) {
    draft.answer = .refused(refusal)
    guard plan.finishedAt == nil else { return }
    record(.resultRefused, task: lease.ordinal) { event in
      event.attempt = lease.attempt
      event.code = refusal.rawValue
      event.message = "a result under token \(lease.token) was refused"
    }
  }

  private mutating func accept(
    _ lease: TaskLease, _ summary: ResultSummary, _ entropy: inout Entropy,
    _ pool: inout AdapterPool
  ) {
    let ordinal = lease.ordinal
    rows[ordinal].accepted.append(
      AcceptedResult(attempt: lease.attempt, token: lease.token, digest: summary.digest))
    settleUsage(ordinal, summary.usage)
    if rows[ordinal].status.isOut { leave(ordinal, &pool) }
    if !rows[ordinal].hasBegun { markRunning(ordinal) }
    settle(ordinal, summary, &entropy)
  }

  /// What an attempt's result makes of the task.
  mutating func settle(_ ordinal: Int, _ summary: ResultSummary, _ entropy: inout Entropy) {
    switch summary.outcome {
    case .succeeded: succeed(ordinal, outputBytes: summary.outputBytes, &entropy)
    case .waitingInput: park(ordinal)
    case .failed, .cancelled:
      fail(ordinal, Self.error(of: summary), &entropy)
    }
  }

  /// A run that was cancelled without our asking is not tried again, whatever its error's class.
  private static func error(of summary: ResultSummary) -> TaskError {
    guard summary.outcome == .cancelled else {
      return summary.error
        ?? TaskError(.transient, code: "UNKNOWN", message: "the adapter gave no reason")
    }
    var error =
      summary.error
      ?? TaskError(.cancelled, code: "CANCELLED", message: "the adapter cancelled the run")
    error.errorClass = .cancelled
    return error
  }

  private mutating func succeed(
    _ ordinal: Int, outputBytes: Int64, _ entropy: inout Entropy
  ) {
    if let error = tooLarge(outputBytes) { return fail(ordinal, error, &entropy) }
    succeed(ordinal, outputBytes: outputBytes)
  }

  /// Why one more output does not fit into the plan; nil: it does.
  func tooLarge(_ outputBytes: Int64) -> TaskError? {
    let limit = PlanLimits().maxPlanOutputBytes
    guard plan.outputBytes + outputBytes > limit else { return nil }
    return TaskError(
      .permanent, code: "OUTPUT_TOO_LARGE",
      message: "the outputs of the plan would be \(plan.outputBytes + outputBytes) bytes; "
        + "the limit is \(limit)")
  }

  mutating func succeed(_ ordinal: Int, outputBytes: Int64) {
    plan.outputBytes += outputBytes
    rows[ordinal].outputBytes = outputBytes
    rows[ordinal].error = nil
    rows[ordinal].tokenClosed = true
    draft.storesOutput = true
    end(ordinal, .succeeded)
    record(.taskSucceeded, task: ordinal)
    settleDependents(of: ordinal)
  }

  /// An attempt failed: the next one, or the task's end.
  mutating func fail(_ ordinal: Int, _ error: TaskError, _ entropy: inout Entropy) {
    let policy = compiled.retries[home(ordinal)]
    rows[ordinal].tokenClosed = true
    let attempt = rows[ordinal].attempt - rows[ordinal].attemptsBefore
    guard error.errorClass.isRetried, attempt < policy.maxAttempts else {
      failForGood(ordinal, error)
      return
    }
    let delay = policy.delayMilliseconds(
      afterAttempt: attempt, entropy: entropy.unit(),
      retryAfterMilliseconds: error.retryAfterMilliseconds)
    rows[ordinal].status = .waitingRetry
    rows[ordinal].error = error
    record(.taskRetryScheduled, task: ordinal, error) { $0.delayMilliseconds = delay }
    rows[ordinal].handle = ""
    rows[ordinal].handleEpoch = ""
    rows[ordinal].handleAnswered = 0
    arm(ordinal, afterMilliseconds: delay)
    touch(ordinal)
  }

  mutating func failForGood(_ ordinal: Int, _ error: TaskError) {
    rows[ordinal].error = error
    rows[ordinal].tokenClosed = true
    end(ordinal, .failed)
    record(.taskFailed, task: ordinal, error)
    settleDependents(of: ordinal)
  }
}
