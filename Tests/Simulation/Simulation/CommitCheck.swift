import Engine
import Plan

/// Checks one change against what was committed before it.
struct CommitCheck {
  let world: World
  let plan: LedgerPlan
  let change: PlanChange

  func run() {
    checkSequence()
    checkPlan()
    for row in change.tasks { check(row, events(of: row.ordinal)) }
  }

  private func events(of ordinal: Int) -> [TraceEvent] {
    let id = plan.blueprint.plan.tasks[ordinal].id
    return change.events.filter { $0.taskID == id }
  }

  private func require(_ holds: Bool, _ check: Check, _ message: @autoclosure () -> String) {
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

  private func checkPlan() {
    let (before, after) = (plan.row, change.plan)
    require(before.finishedAt == nil, .terminal, "a change after its end: \(change.events)")
    if before.status != after.status {
      world.ledger.add(.plan(before.status, after.status))
      require(!before.status.isFinal, .terminal, "\(before.status) became \(after.status)")
    }
    // A plan may run and end in one change; otherwise what it is told is what it becomes.
    let ends = change.events.filter(\.kind.endsPlan)
    require(
      ends.count == (after.finishedAt == nil ? 0 : 1), .terminal,
      "\(ends.count) ends, finished at \(String(describing: after.finishedAt))")
    if after.status == .cancelled, before.status != .cancelled {
      require(plan.cancelAsked, .transitions, "nobody cancelled it")
    }
  }

  // MARK: Tasks

  private func check(_ row: TaskRow, _ events: [TraceEvent]) {
    let before = plan.tasks[row.ordinal]
    require(
      !before.status.isFinal || before == row, .terminal,
      "task \(row.ordinal) was \(before.status) and is \(row.status)")
    checkPath(row, events)
    checkCounters(before, row, events)
    checkAccepted(before, row)
    if let event = events.first(where: \.isHandOut) { checkHandOut(before, row, event) }
    checkTimers(before, row, events)
    checkCause(before, row)
  }

  /// The statuses that the events go through.
  private func checkPath(_ row: TaskRow, _ events: [TraceEvent]) {
    var status = plan.status(row.ordinal)
    if status == .pending, isReadyNow(row.ordinal) { status = go(.pending, .ready) }
    for event in events {
      guard let next = event.kind.taskStatus else { continue }
      if next == .dispatched, status != .ready { status = go(status, .ready) }
      status = go(status, next)
    }
    if row.status != status, row.status != .pending { _ = go(status, row.status) }
  }

  /// Its dependencies ended in this very change.
  private func isReadyNow(_ ordinal: Int) -> Bool {
    plan.blueprint.compiled.graph.dependencies[ordinal].allSatisfy { dependency in
      if plan.endedWell(dependency) { return true }
      guard let row = change.tasks.first(where: { $0.ordinal == dependency }) else { return false }
      return row.status == .succeeded
        || (row.status == .failed
          && plan.blueprint.plan.tasks[dependency].onFailure == .continue)
    }
  }

  private func go(_ from: TaskStatus, _ to: TaskStatus) -> TaskStatus {
    if from != to { world.ledger.add(.task(from, to)) }
    return to
  }

  private func checkCounters(_ before: TaskRow, _ row: TaskRow, _ events: [TraceEvent]) {
    let handOuts = Int64(events.count(where: \.isHandOut))
    require(
      row.token == before.token + handOuts, .tokens,
      "task \(row.ordinal): token \(before.token) became \(row.token) by \(handOuts) hand-outs")
    let ordinal = row.ordinal
    require(
      (0...1).contains(row.attempt - before.attempt)
        && row.attempt <= plan.blueprint.compiled.retries[ordinal].maxAttempts
        && (row.attempt == before.attempt || before.attempt == 0 || before.tokenClosed),
      .attempts, "task \(ordinal): attempt \(before.attempt) became \(row.attempt)")
    require(
      row.delivery <= plan.blueprint.compiled.maxDeliveries(ordinal), .attempts,
      "task \(ordinal): delivery \(row.delivery)")
    if row.attempt > before.attempt, let last = plan.ends[ordinal].last {
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
    let given = world.scripts.given(plan.id, ordinal).first {
      $0.attempt == accepted.attempt && $0.token == accepted.token
        && $0.result.digest == accepted.digest
    }
    guard let given else {
      require(
        false, .given, "task \(ordinal): nobody gave what was accepted of \(accepted.attempt)")
      return
    }
    let isStored = row.status == .succeeded ? output == given.result.output : output == nil
    var usage = before.usage
    usage.add(given.result.usage)
    require(
      isStored && usage == row.usage, .given, "task \(ordinal): stored is not what was given")
  }

  private func checkHandOut(_ before: TaskRow, _ row: TaskRow, _ event: TraceEvent) {
    let ordinal = row.ordinal
    require(
      isReadyNow(ordinal), .dependencies, "task \(ordinal) is handed out before what it waits for")
    require(
      change.plan.status == .running, .stopped,
      "task \(ordinal) is handed out while \(change.plan.status)")
    require(!plan.stopAnswered, .stopped, "task \(ordinal) is handed out after the answer")
    guard row.attempt > before.attempt, before.attempt > 0 else { return }
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
        afterAttempt: row.attempt, entropy: $0, retryAfterMilliseconds: wanted)
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
