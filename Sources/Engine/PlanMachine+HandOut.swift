internal import Plan

/// How a task gets to an adapter, and what may happen on the way (S3, P1-P12).
extension PlanMachine {
  /// The first READY of a task: no row, no event; only the timer is armed.
  mutating func becomeReady(_ ordinal: Int) {
    enterLane(ordinal)
    if compiled.plan.tasks[home(ordinal)].isOwn { return }
    armInMemory(
      ordinal, dueAt: draft.now + compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds)
  }

  mutating func enterLane(_ ordinal: Int) {
    let task = compiled.plan.tasks[home(ordinal)]
    if task.isApproval {
      toAsk.append(ordinal)
      return
    }
    if task.isSubPlan {
      toBegin.append(ordinal)
      return
    }
    if goesOn(ordinal) {
      toResume.append(ordinal)
      return
    }
    ready.insert(
      ordinal: ordinal, rank: compiled.rank[home(ordinal)], type: task.type,
      adapter: task.adapter ?? compiled.plan.adapter)
  }

  /// READY again, after a retry's delay, a RetryPlan or a hand-out that came to nothing.
  ///
  /// - Parameter rest: What is left of schedule_to_start; nil: all of it.
  mutating func becomeReadyAgain(_ ordinal: Int, rest: Int64? = nil) {
    rows[ordinal].status = .ready
    if !goesOn(ordinal) { rows[ordinal].handle = "" }
    rows[ordinal].handleEpoch = ""
    rows[ordinal].handleAnswered = 0
    arm(
      ordinal,
      afterMilliseconds: rest ?? compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds)
    touch(ordinal)
    enterLane(ordinal)
  }

  /// Hands out what is ready while there are places, at most `most` tasks.
  mutating func handOutReady(_ pool: inout AdapterPool, most: Int) {
    guard !pool.budgets.isExhausted(creation.namespace) else { return }
    var left = most - handOutAnswers(&pool, most: most)
    guard !ready.isEmpty else { return }
    var lanes = ready
    ready = ReadyLanes()
    let limit = Int(compiled.maxParallel)
    var attemptsLeft = min(attemptAllowance, pool.budgets.tasksLeft(creation.namespace))
    var wantsAttempt = false
    lanes.drain(
      isReady: { status(of: $0) == .ready },
      take: { ordinal, type, adapter in
        let isNew = isNewAttempt(ordinal)
        guard left > 0, outCount < limit, !isNew || attemptsLeft > 0,
          let instance = pool.take(type: type, adapter: adapter, now: draft.now)
        else {
          wantsAttempt = wantsAttempt || isNew
          return false
        }
        left -= 1
        if isNew { attemptsLeft -= 1 }
        handOut(ordinal, to: instance)
        return true
      })
    ready = lanes
    checkAttempts(isDenied: wantsAttempt && attemptsLeft == 0)
  }

  /// Whether a hand-out begins the next attempt; otherwise it goes on with the current one.
  private func isNewAttempt(_ ordinal: Int) -> Bool {
    rows[ordinal].attempt == 0 || rows[ordinal].tokenClosed
  }

  /// Records a hand-out; it is sent after the commit (S3).
  mutating func handOut(_ ordinal: Int, to instance: AdapterPool.Instance) {
    let previousAdapter = rows[ordinal].adapter
    let isNewAttempt = isNewAttempt(ordinal)
    let isRedelivery = !isNewAttempt && rows[ordinal].delivery > 0
    // What was wrong with an output is for the adapter; any other error says why it goes out again.
    let error = isRedelivery ? rows[ordinal].error : nil
    let reason = error?.errorClass == .invalidOutput ? nil : error
    if isNewAttempt {
      rows[ordinal].attempt += 1
      rows[ordinal].delivery = 0
      rows[ordinal].reported = Usage()
      plan.attempts += 1
      rows[ordinal].question = 0
      rows[ordinal].resumes = false
    }
    // An answer is no further delivery of the attempt: it poisons nobody.
    let isAnswer = rows[ordinal].resumes
    if !isAnswer { rows[ordinal].delivery += 1 }
    rows[ordinal].token += 1
    rows[ordinal].tokenClosed = false
    rows[ordinal].hasBegun = false
    rows[ordinal].status = .dispatched
    rows[ordinal].adapter = instance.adapter
    rows[ordinal].instance = instance.name
    rows[ordinal].dispatchedAt = draft.now
    rows[ordinal].startedAt = rows[ordinal].startedAt ?? draft.now
    outCount += 1
    startDueAt[ordinal] = timersDueAt[ordinal]
    arm(ordinal, afterMilliseconds: compiled.timeouts[home(ordinal)].startToCloseMilliseconds)
    touch(ordinal)
    if !previousAdapter.isEmpty && previousAdapter != instance.adapter {
      record(.adapterSwitched, task: ordinal) { $0.message = "was with \(previousAdapter)" }
    }
    let kind: EventKind =
      isAnswer ? .taskResumed : isRedelivery ? .taskRedelivered : .taskDispatched
    record(kind, task: ordinal, reason)
    draft.commands.append(.handOut(ordinal: ordinal))
  }

  /// The current lease of a task that is out; everything else is late and says nothing (P6).
  func isCurrent(_ lease: TaskLease) -> Bool {
    guard rows.indices.contains(lease.ordinal), !plan.status.isFinal else { return false }
    let row = rows[lease.ordinal]
    return row.status.isOut && row.token == lease.token && row.attempt == lease.attempt
  }

  mutating func accepted(_ lease: TaskLease, _ handle: Handle, isPolled: Bool) {
    guard isCurrent(lease) else { return }
    rows[lease.ordinal].handle = handle.text
    rows[lease.ordinal].handleEpoch = handle.epoch
    rows[lease.ordinal].handleAnswered = handle.answered
    // In callback mode the handle rides in the task's next commit; a lost one is asked for again.
    if isPolled { touch(lease.ordinal) }
  }

  /// Counters stay as they were: a refused hand-out does not count.
  mutating func refused(_ lease: TaskLease, _ pool: inout AdapterPool) {
    guard isCurrent(lease), rows[lease.ordinal].status == .dispatched else { return }
    leave(lease.ordinal, &pool)
    if !rows[lease.ordinal].resumes { rows[lease.ordinal].delivery -= 1 }
    // An adapter that always refuses does not put off schedule_to_start for ever.
    becomeReadyAgain(
      lease.ordinal, rest: startDueAt[lease.ordinal].map { max(0, $0 - draft.now) })
  }

  mutating func rejected(
    _ lease: TaskLease, _ error: TaskError, _ entropy: inout Entropy, _ pool: inout AdapterPool
  ) {
    if isWaitingForInput(lease) { return failForGood(lease.ordinal, error) }
    if isDelegated(lease) {
      subPlanCount -= 1
      return fail(lease.ordinal, error, &entropy)
    }
    guard isCurrent(lease) else { return }
    leave(lease.ordinal, &pool)
    fail(lease.ordinal, error, &entropy)
  }

  mutating func started(_ lease: TaskLease) {
    guard isCurrent(lease), rows[lease.ordinal].status == .dispatched else { return }
    markRunning(lease.ordinal)
  }

  mutating func markRunning(_ ordinal: Int) {
    rows[ordinal].status = .running
    rows[ordinal].hasBegun = true
    touch(ordinal)
    record(.taskRunning, task: ordinal)
  }

  /// The run is gone: another delivery of the same attempt, or the end of a poisoned task.
  mutating func lost(
    _ lease: TaskLease, _ code: String, _ message: String, _ pool: inout AdapterPool,
    canPoison: Bool = true
  ) {
    guard isCurrent(lease) else { return }
    let ordinal = lease.ordinal
    rows[ordinal].resumes = false
    leave(ordinal, &pool)
    let isLast = rows[ordinal].delivery >= compiled.maxDeliveries(home(ordinal))
    // The last delivery that a task has is not used up by us.
    if isLast && !canPoison { rows[ordinal].delivery -= 1 }
    guard isLast && canPoison else {
      if rows[ordinal].error?.errorClass != .invalidOutput {
        rows[ordinal].error = TaskError(.transient, code: code, message: message)
      }
      becomeReadyAgain(ordinal)
      return
    }
    let error = TaskError(
      .permanent, code: "POISONED",
      message: "handed out \(rows[ordinal].delivery) times without a result; last: \(message)")
    record(.taskPoisoned, task: ordinal, error)
    failForGood(ordinal, error)
  }

  /// Gives the task's place back.
  mutating func leave(_ ordinal: Int, _ pool: inout AdapterPool) {
    pool.release(adapter: rows[ordinal].adapter, instance: rows[ordinal].instance)
    outCount -= 1
  }

  mutating func cancelRun(_ ordinal: Int, reason: String) {
    draft.commands.append(
      .cancelRun(
        ordinal: ordinal, attempt: rows[ordinal].attempt, instance: rows[ordinal].instance,
        reason: reason))
  }

  mutating func timer(
    _ ordinal: Int, _ generation: UInt32, _ entropy: inout Entropy, _ pool: inout AdapterPool
  ) {
    // A timer that comes early was armed for a machine that is gone: generations begin anew when a
    // plan is loaded again.
    guard rows.indices.contains(ordinal), timerGenerations[ordinal] == generation,
      draft.now >= timersDueAt[ordinal], !plan.status.isFinal
    else { return }
    switch status(of: ordinal) {
    case .waitingRetry: becomeReadyAgain(ordinal)
    case .waitingInput: inputPassed(ordinal)
    case .dispatched, .running: startToClosePassed(ordinal, &entropy, &pool)
    case .delegated: subPlanTimedOut(ordinal, &entropy)
    case .ready where plan.status == .running && !compiled.plan.tasks[home(ordinal)].isOwn:
      scheduleToStartPassed(ordinal, pool)
    default: break
    }
  }

  /// The committed timeout closes the token before anybody is told (P12).
  private mutating func startToClosePassed(
    _ ordinal: Int, _ entropy: inout Entropy, _ pool: inout AdapterPool
  ) {
    let limit = compiled.timeouts[home(ordinal)].startToCloseMilliseconds
    leave(ordinal, &pool)
    cancelRun(ordinal, reason: "start_to_close passed")
    fail(
      ordinal,
      TaskError(
        .timeout, code: "START_TO_CLOSE",
        message: "no result within \(DurationText.text(limit)) of the hand-out"),
      &entropy)
  }

  /// A run that has said nothing for too long. Whoever counts that time was told of the run's
  /// beginning.
  mutating func silent(
    _ lease: TaskLease, _ entropy: inout Entropy, _ pool: inout AdapterPool
  ) {
    let ordinal = lease.ordinal
    guard isCurrent(lease), rows[ordinal].status == .running else { return }
    let limit = compiled.timeouts[home(ordinal)].heartbeatMilliseconds
    guard limit > 0 else { return }
    leave(ordinal, &pool)
    cancelRun(ordinal, reason: "the heartbeat timeout passed")
    fail(
      ordinal,
      TaskError(
        .timeout, code: "HEARTBEAT",
        message: "the run said nothing for \(DurationText.text(limit))"),
      &entropy)
  }

  private mutating func scheduleToStartPassed(_ ordinal: Int, _ pool: AdapterPool) {
    let task = compiled.plan.tasks[home(ordinal)]
    let limit = compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds
    // Time in which the namespace's budget held the plan back does not count.
    if let since = pool.budgets.waitsCountFrom(creation.namespace, now: draft.now),
      since + limit > draft.now
    {
      return armInMemory(ordinal, dueAt: since + limit)
    }
    failForGood(
      ordinal,
      TaskError(
        .timeout, code: "SCHEDULE_TO_START",
        message: "not handed out within \(DurationText.text(limit)): no adapter with a free place "
          + "for type \"\(task.type)\""))
  }
}
