import Engine
import Orchestrator
import Plan

/// Checks one change against what was committed before it.
struct CommitCheck {
  let world: World
  let plan: LedgerPlan
  let change: PlanChange

  func run() {
    checkSequence()
    checkPlan()
    if isRetried { checkRetry() }
    for row in change.tasks { check(row, events(of: row.ordinal)) }
  }

  func events(of ordinal: Int) -> [TraceEvent] {
    let id = plan.blueprint.plan.tasks[ordinal].id
    return change.events.filter { $0.taskID == id }
  }

  func require(_ holds: Bool, _ check: Check, _ message: @autoclosure () -> String) {
    if !holds { world.violate(check, "plan \(plan.number): \(message())") }
  }

  private func checkSequence() {
    let row = plan.row
    require(
      change.plan.revision == row.revision + 1, .sequence,
      "revision \(change.plan.revision) after \(row.revision)")
    var seq = row.lastSeq
    for event in change.events {
      seq += 1
      require(event.seq == seq, .sequence, "event \(event.seq) where \(seq) belongs")
    }
    require(change.plan.lastSeq == seq, .sequence, "last seq \(change.plan.lastSeq), not \(seq)")
  }

  /// RetryPlan opens an ended plan again.
  private var isRetried: Bool { change.events.contains { $0.kind == .planRetried } }

  private func checkPlan() {
    let (before, after) = (plan.row, change.plan)
    let isUpdate = change.tasks.isEmpty && change.events.allSatisfy { $0.kind == .planUpdated }
    require(
      before.finishedAt == nil || isRetried || (isUpdate && before.status == .failed), .terminal,
      "a change after its end: \(change.events)")
    if before.status != after.status {
      world.ledger.add(.plan(before.status, after.status))
      require(
        !before.status.isFinal || isRetried, .terminal, "\(before.status) became \(after.status)")
    }
    let hasEnded = after.finishedAt != nil && (before.finishedAt == nil || isRetried)
    let ends = change.events.filter(\.kind.endsPlan)
    // What a deadline has just ended may be retried in the same change.
    let endsMost = isRetried ? 2 : 1
    require(
      hasEnded ? (1...endsMost).contains(ends.count) : ends.count < endsMost, .terminal,
      "\(ends.count) ends, finished at \(String(describing: after.finishedAt))")
    if after.status == .cancelled, before.status != .cancelled {
      require(plan.cancelAsked, .transitions, "nobody cancelled it")
    }
    if after.error?.code == "PLAN_DEADLINE", before.error != after.error { checkDeadline() }
    if change.created != nil {
      let deadline = plan.blueprint.plan.deadline?.time(from: after.createdAt)
      require(
        after.deadlineAt == deadline, .deadlines,
        "its deadline is \(String(describing: after.deadlineAt))")
    }
  }

  private func checkDeadline() {
    guard let due = plan.deadline else {
      require(false, .timers, "it has no deadline, and one passed")
      return
    }
    let early = due.time - world.now - (world.forwardSteps - due.steps)
    require(early <= 0, .timers, "its deadline comes \(early) ms early")
  }

  // MARK: Tasks

  private func check(_ row: TaskRow, _ events: [TraceEvent]) {
    let before = plan.tasks[row.ordinal]
    require(
      !before.status.isFinal || before == row || isRetried, .terminal,
      "task \(row.ordinal) was \(before.status) and is \(row.status)")
    if plan.blueprint.gates[row.ordinal] != nil { checkCondition(row, events) }
    checkPath(row, events)
    checkWithdrawn(row)
    checkCounters(before, row, events)
    checkAccepted(before, row)
    if events.contains(where: \.raisesToken) { checkHandOut(before, row) }
    checkTimers(before, row, events)
    checkCause(before, row)
  }

  /// The statuses that the events go through.
  private func checkPath(_ row: TaskRow, _ events: [TraceEvent]) {
    var status = plan.status(row.ordinal)
    if status == .pending, isReadyNow(row.ordinal) { status = go(.pending, .ready) }
    for event in events {
      guard let next = event.kind.taskStatus else { continue }
      if next == .dispatched || next == .waitingInput, status != .ready {
        status = go(status, .ready)
      }
      status = go(status, next)
    }
    if row.status != status, row.status != .pending || status != .ready {
      _ = go(status, row.status)
    }
  }

  /// Its dependencies ended in this very change.
  private func isReadyNow(_ ordinal: Int) -> Bool {
    isMet(ordinal) && verdict(ordinal) == .runs
  }

  /// All that the task depends on has ended well, by the end of this change.
  func isMet(_ ordinal: Int) -> Bool {
    plan.blueprint.compiled.graph.dependencies[ordinal].allSatisfy { dependency in
      if plan.endedWell(dependency) { return true }
      guard let row = change.tasks.first(where: { $0.ordinal == dependency }) else { return false }
      return row.status == .succeeded || row.isDeclined
        || (row.status == .failed
          && plan.blueprint.plan.tasks[dependency].onFailure == .continue)
    }
  }

  private func go(_ from: TaskStatus, _ to: TaskStatus) -> TaskStatus {
    if from != to { world.ledger.add(.task(from, to)) }
    return to
  }

  private func checkCounters(_ before: TaskRow, _ row: TaskRow, _ events: [TraceEvent]) {
    let handOuts = Int64(events.count(where: \.raisesToken))
    require(
      row.token == before.token + handOuts, .tokens,
      "task \(row.ordinal): token \(before.token) became \(row.token) by \(handOuts) hand-outs")
    let ordinal = row.ordinal
    require(
      (0...1).contains(row.attempt - before.attempt)
        && row.attempt - row.attemptsBefore
          <= plan.blueprint.compiled.retries[ordinal].maxAttempts
        && (row.attemptsBefore == before.attemptsBefore || isRetried)
        && (row.attempt == before.attempt || before.attempt == 0 || before.tokenClosed),
      .attempts, "task \(ordinal): attempt \(before.attempt) became \(row.attempt)")
    require(
      row.delivery <= plan.blueprint.compiled.maxDeliveries(ordinal), .attempts,
      "task \(ordinal): delivery \(row.delivery)")
    if row.attempt > before.attempt, !isRetried, let last = plan.ends[ordinal].last {
      require(
        last.errorClass?.isRetried == true, .attempts,
        "task \(ordinal): attempt \(row.attempt) after \(last)")
    }
  }

  private func checkAccepted(_ before: TaskRow, _ row: TaskRow) {
    let ordinal = row.ordinal
    guard row.accepted != before.accepted else {
      require(row.usage == before.usage, .acceptance, "task \(ordinal): usage without a result")
      return
    }
    require(
      row.accepted.starts(with: before.accepted)
        && row.accepted.count == before.accepted.count + 1
        && Set(row.accepted.map(\.attempt)).count == row.accepted.count
        && Set(row.accepted.map(\.token)).count == row.accepted.count
        && !before.tokenClosed,
      .acceptance, "task \(ordinal): \(row.accepted) after \(before.accepted)")
    guard let last = row.accepted.last else { return }
    require(
      last.attempt == before.attempt && last.token == before.token, .acceptance,
      "task \(ordinal): \(last.attempt)/\(last.token) accepted, \(before.attempt)/\(before.token) is out"
    )
    checkGiven(before, row, last)
  }

  private func checkGiven(_ before: TaskRow, _ row: TaskRow, _ accepted: AcceptedResult) {
    let ordinal = row.ordinal
    let output = change.outputs.first { $0.ordinal == ordinal }?.json
    let given = world.scripts.given(plan.id, ordinal).filter { $0.fits(accepted) }
    require(
      !given.isEmpty, .given,
      "task \(ordinal): nobody gave what was accepted of \(accepted.attempt)")
    let isStored = given.contains { giving in
      var usage = before.usage
      usage.add(giving.usage)
      return usage == row.usage && output == (row.status == .succeeded ? giving.output : nil)
    }
    require(isStored, .given, "task \(ordinal): stored is not what was given")
    let mustFit = row.status == .succeeded && plan.blueprint.plan.tasks[ordinal].outputSchema != nil
    require(
      !mustFit || output.map(GivenResult.hasText) == true, .schemas,
      "task \(ordinal): an output that does not fit was accepted")
  }

  private func checkHandOut(_ before: TaskRow, _ row: TaskRow) {
    let ordinal = row.ordinal
    require(
      isReadyNow(ordinal), .dependencies, "task \(ordinal) is handed out before what it waits for")
    require(
      change.plan.status == .running, .stopped,
      "task \(ordinal) is handed out while \(change.plan.status)")
    require(
      !plan.stopAnswered || isRetried, .stopped, "task \(ordinal) is handed out after the answer")
    require(
      world.committing?.handOutsAreOver != true || row.status == .waitingInput, .stopped,
      "task \(ordinal) is handed out by a server that has taken everything back")
    guard row.attempt > before.attempt, before.attempt > 0, !isRetried else { return }
    let due = plan.retryAfter[ordinal]
    let earliest = due.time - (world.forwardSteps - due.steps)
    require(
      world.now >= earliest, .timers,
      "task \(ordinal): attempt \(row.attempt) comes \(earliest - world.now) ms early")
  }

  // MARK: Time

  private func checkTimers(_ before: TaskRow, _ row: TaskRow, _ events: [TraceEvent]) {
    let ordinal = row.ordinal
    if row.status == .waitingRetry, before.status != .waitingRetry { checkDelay(row) }
    guard row.accepted == before.accepted,
      let event = events.first(where: { $0.kind == .taskFailed || $0.kind == .taskRetryScheduled })
    else { return }
    let timeouts = plan.blueprint.compiled.timeouts[ordinal]
    switch event.code {
    case "START_TO_CLOSE":
      guard let record = plan.handOuts[ordinal][before.token] else { return }
      checkPassed(record.at, timeouts.startToCloseMilliseconds, ordinal, event.code)
    case "SCHEDULE_TO_START":
      checkPassed(
        plan.readySince[ordinal], timeouts.scheduleToStartMilliseconds, ordinal, event.code)
    case "HEARTBEAT":
      // After a load all of it counts again.
      let key = IdempotencyKey(planID: plan.id, taskID: plan.blueprint.plan.tasks[ordinal].id)
      let run = RunName(key: key, attempt: before.attempt, token: before.token)
      let sign = world.committing?.signs[run]
      let passed = world.now - max(sign ?? 0, world.committing?.startedAt ?? 0)
      require(
        passed >= timeouts.heartbeatMilliseconds, .timers,
        "task \(ordinal): \(event.code) after \(passed) ms")
    case "INPUT_TIMEOUT":
      guard let record = plan.handOuts[ordinal][before.token] else { return }
      checkPassed(record.at, timeouts.startToCloseMilliseconds, ordinal, event.code)
    default: break
    }
  }

  private func checkPassed(
    _ since: LedgerPlan.Marker, _ limit: Int64, _ ordinal: Int, _ code: String
  ) {
    let passed = world.now - since.time + world.forwardSteps - since.steps
    require(passed >= limit, .timers, "task \(ordinal): \(code) after \(passed) of \(limit) ms")
  }

  /// S5: the delay lies within its bounds.
  private func checkDelay(_ row: TaskRow) {
    let policy = plan.blueprint.compiled.retries[row.ordinal]
    let wanted = row.error?.retryAfterMilliseconds ?? 0
    let bounds = [0.0, 1.0].map {
      policy.delayMilliseconds(
        afterAttempt: row.attempt - row.attemptsBefore, entropy: $0, retryAfterMilliseconds: wanted)
    }
    require(
      bounds[0]...bounds[1] ~= row.timerDelayMilliseconds, .timers,
      "task \(row.ordinal): a delay of \(row.timerDelayMilliseconds) ms, not \(bounds)")
  }

  /// P1: a hand-out is given up only for a reason that the world knows of.
  private func checkCause(_ before: TaskRow, _ row: TaskRow) {
    guard before.status.isOut, !before.tokenClosed, !row.tokenClosed,
      row.token > before.token || row.status == .ready
    else { return }
    require(
      plan.causes.contains(LedgerPlan.TaskToken(ordinal: row.ordinal, token: before.token))
        || world.committing?.hasSessionEnded(before.instance) == true,
      .redelivery, "task \(row.ordinal): token \(before.token) is given up without a cause")
  }
}
