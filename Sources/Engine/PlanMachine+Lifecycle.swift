internal import Plan

/// How a plan begins, stops for a while, and ends.
extension PlanMachine {
  mutating func submit() {
    guard plan.status == .created else { return }
    plan.createdAt = draft.now
    let parent = creation.parent
    record(.planCreated) { event in
      guard let parent else { return }
      event.relatedPlanID = parent.planID
      event.message = "of task \"\(parent.key.taskID)\" of plan \(parent.planID)"
    }
    plan.status = .running
    plan.startedAt = draft.now
    record(.planStarted)
    plan.deadlineAt = creation.plan.deadline?.time(from: draft.now)
    armDeadline()
    for ordinal in rows.indices where unmet[ordinal] == 0 { becomeReady(ordinal) }
    askAll()
  }

  /// Makes timers and ready tasks live again, and says what to send once more (P1).
  mutating func recover(_ pool: inout AdapterPool) {
    for row in rows where row.status.isOut {
      pool.occupy(adapter: row.adapter, instance: row.instance)
      outCount += 1
    }
    guard !plan.status.isFinal else { return }
    armDeadline()
    for ordinal in rows.indices {
      switch rows[ordinal].status {
      case .dispatched, .running:
        rearm(ordinal)
        draft.commands.append(.resume(ordinal: ordinal))
      case .waitingRetry: rearm(ordinal)
      case .delegated:
        rearm(ordinal)
        draft.commands.append(.findSubPlan(ordinal: ordinal))
      case .waitingInput:
        rearm(ordinal)
        // What runs ask is stored, and was read before.
        if rows[ordinal].question == 0 { draft.commands.append(.ask(ordinal: ordinal)) }
      case .ready:
        enterLane(ordinal)
        rearm(ordinal)
      case .pending where unmet[ordinal] == 0:
        enterLane(ordinal)
        recoverScheduleToStart(ordinal)
      case .failed, .skipped: if !isInstance(ordinal) { skipDependents(of: ordinal) }
      case .pending, .expanded, .succeeded, .cancelled: break
      }
    }
    askAll()
  }

  /// The rest of a stored timer, neither negative nor longer than it was armed with, so that a
  /// clock that was set while nobody ran delays nothing for ever (S10).
  private mutating func rearm(_ ordinal: Int) {
    guard let due = rows[ordinal].timerDueAt else { return }
    let rest = min(max(due - draft.now, 0), rows[ordinal].timerDelayMilliseconds)
    armInMemory(ordinal, dueAt: draft.now + rest)
  }

  /// The first READY has no row: its timer runs from the last dependency's end, or the plan's start.
  mutating func recoverScheduleToStart(_ ordinal: Int) {
    let delay = compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds
    let freed =
      isInstance(ordinal)
      ? begunAt(ordinal)
      : compiled.graph.dependencies[ordinal].compactMap { rows[$0].finishedAt }.max()
    let since = freed ?? plan.startedAt ?? draft.now
    let due = max(since, plan.resumedAt ?? since) + delay
    armInMemory(ordinal, dueAt: draft.now + min(max(due - draft.now, 0), delay))
  }

  mutating func pause(_ reason: String) {
    guard plan.status == .running else { return }
    pause(PlanPause(.requested, message: reason, since: draft.now))
  }

  mutating func resume() {
    guard plan.status == .paused else { return }
    guard exhaustion == nil else { return refuse(.budgetExhausted) }
    plan.status = .running
    plan.pause = nil
    plan.resumedAt = draft.now
    record(.planResumed)
    orderAll(.resume)
    // Time spent paused does not count against schedule_to_start.
    for ordinal in rows.indices where status(of: ordinal) == .ready {
      let delay = compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds
      if rows[ordinal].status == .ready {
        arm(ordinal, afterMilliseconds: delay)
        touch(ordinal)
      } else {
        armInMemory(ordinal, dueAt: draft.now + delay)
      }
    }
  }

  /// Runs again what failed and what that blocked; everything else stays as it is, failed tasks that
  /// the plan went on without among it.
  mutating func retry(_ reason: String, _ pool: inout AdapterPool) {
    guard plan.status.isFinal else { return }
    guard plan.status == .failed else { return refuse(.notFailed) }
    guard creation.parent == nil else { return refuse(.isSubPlan) }
    guard plan.deadlineAt ?? .max > draft.now else { return refuse(.deadlinePassed) }
    guard exhaustion == nil else { return refuse(.budgetExhausted) }
    // A deadline may have ended it only just now.
    while openCount > 0 { cancelChunk(&pool) }
    endIfDone()
    plan.status = .running
    plan.finishedAt = nil
    plan.resumedAt = draft.now
    plan.error = nil
    record(.planRetried) { $0.message = reason }
    armDeadline()
    for ordinal in rows.indices where rows[ordinal].status.isFinal && !endedWell(ordinal) {
      openCount += 1
      runAgain(ordinal)
    }
    for task in compiled.mapped where rows[task].status == .expanded {
      recordExpansion(of: task)
      resumeExpansion(task)
    }
  }

  /// A change that is not made; a plan that has ended may go from memory again.
  mutating func refuse(_ refusal: Refusal) {
    draft.answer = .refused(refusal)
    if plan.finishedAt != nil { draft.commands.append(.ended) }
  }

  /// A failed, skipped or cancelled task waits once more, with a fresh allowance of attempts.
  private mutating func runAgain(_ ordinal: Int) {
    // What the last attempt did wrong may be told to the next one.
    if rows[ordinal].status != .failed { rows[ordinal].error = nil }
    rows[ordinal].finishedAt = nil
    rows[ordinal].attemptsBefore = rows[ordinal].attempt
    rows[ordinal].status = .pending
    if isInstance(ordinal) {
      touch(ordinal)
    } else if rows[ordinal].itemCount != nil {
      rows[ordinal].status = .expanded
      touch(ordinal)
    } else if isGated(ordinal) {
      touch(ordinal)
      closeGate(ordinal)
    } else if unmet[ordinal] == 0 {
      becomeReadyAgain(ordinal)
    } else {
      touch(ordinal)
    }
  }

  mutating func cancel(_ reason: String) {
    let message = reason.isEmpty ? "the plan was cancelled" : reason
    fence(.cancelled, TaskError(.cancelled, code: "CANCELLED", message: message))
  }

  /// Ends the plan: every open task is fenced at once; the rows follow in chunks.
  mutating func fence(_ status: PlanStatus, _ error: TaskError) {
    guard !plan.status.isFinal else { return }
    plan.status = status
    plan.error = error
    plan.pause = nil
    toSkip = []
    orderAll(.cancel(reason: "the plan around it has ended: \(error.message)"))
  }

  /// Writes the rows of an ended plan's open tasks, a chunk at a time.
  mutating func cancelChunk(_ pool: inout AdapterPool) {
    guard plan.status.isFinal, openCount > 0 else { return }
    let reason = plan.status == .cancelled ? "the plan was cancelled" : "the plan's deadline passed"
    var left = Self.chunkSize
    for ordinal in rows.indices where !rows[ordinal].status.isFinal {
      guard left > 0 else { return }
      left -= 1
      if rows[ordinal].status.isOut {
        leave(ordinal, &pool)
        cancelRun(ordinal, reason: reason)
      } else if rows[ordinal].status == .delegated {
        subPlanCount -= 1
      } else if isParked(ordinal) {
        cancelRun(ordinal, reason: reason)
      }
      rows[ordinal].tokenClosed = true
      end(ordinal, .cancelled)
      record(.taskCancelled, task: ordinal)
    }
  }

  /// Queues everything that waits for a task that did not end well.
  mutating func skipDependents(of ordinal: Int) {
    guard !endedWell(ordinal) else { return }
    for dependent in compiled.graph.dependents[ordinal] where !rows[dependent].status.isFinal {
      toSkip.append((dependent, ordinal))
    }
  }

  mutating func skipChunk() {
    guard !toSkip.isEmpty, !plan.status.isFinal else { return }
    var left = Self.chunkSize
    var next = 0
    while next < toSkip.count, left > 0 {
      let (ordinal, because) = toSkip[next]
      next += 1
      guard !rows[ordinal].status.isFinal else { continue }
      left -= 1
      let error = skipReason(because: because)
      rows[ordinal].error = error
      end(ordinal, .skipped)
      record(.taskSkipped, task: ordinal, error)
      if isInstance(ordinal) { settleInstance(ordinal) } else { skipDependents(of: ordinal) }
    }
    toSkip.removeFirst(next)
  }

  /// The plan ends with its last task.
  mutating func endIfDone() {
    guard openCount == 0, plan.finishedAt == nil, plan.status != .created else { return }
    plan.finishedAt = draft.now
    plan.pause = nil
    if plan.status == .cancelled {
      let message = plan.error?.message ?? ""
      record(.planCancelled) { $0.message = message }
    } else if let error = plan.error {
      endFailed(error)
    } else if let failed = rows.first(where: { $0.status == .failed && !endedWell($0.ordinal) }) {
      let id = compiled.plan.tasks[home(failed.ordinal)].id
      let error = TaskError(
        failed.error?.errorClass ?? .permanent, code: failed.error?.code ?? "UNKNOWN",
        message: "task \"\(id)\" failed: \(failed.error?.message ?? "no reason was given")")
      endFailed(error)
    } else {
      plan.status = .completed
      record(.planCompleted)
    }
    draft.commands.append(.ended)
  }

  private mutating func endFailed(_ error: TaskError) {
    plan.status = .failed
    plan.error = error
    record(.planFailed) { event in
      event.code = error.code
      event.message = error.message
      event.errorClass = error.errorClass
    }
  }

  /// A task's final transition.
  mutating func end(_ ordinal: Int, _ status: TaskStatus) {
    rows[ordinal].status = status
    rows[ordinal].finishedAt = draft.now
    arm(ordinal, afterMilliseconds: nil)
    openCount -= 1
    touch(ordinal)
  }

  /// Tells dependents that a task has ended.
  mutating func settleDependents(of ordinal: Int) {
    if isInstance(ordinal) { return settleInstance(ordinal) }
    guard endedWell(ordinal) else {
      skipDependents(of: ordinal)
      return
    }
    for dependent in compiled.graph.dependents[ordinal] {
      unmet[dependent] -= 1
      if unmet[dependent] > 1 { continue }
      if unmet[dependent] == 1 {
        askIfGated(dependent)
      } else if rows[dependent].status == .pending {
        becomeReady(dependent)
      }
    }
  }
}
