import Engine
import Plan

@testable import Orchestrator

/// What the orchestrator answers is compared with what is committed at that moment.
extension World {
  // MARK: Adapters

  func check(
    _ result: Result<Decision.Answer, OrchestratorError>, _ run: RunName, _ digest: Digest,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive else { return }
    guard let plan = ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID) else {
      return
    }
    let row = plan.tasks[ordinal]
    let accepted = row.accepted.first { $0.token == run.token }
    switch result {
    case .success(.done), .success(.alreadyRecorded):
      require(
        accepted?.digest == digest, .durable,
        "a result of \(run.key) \(run.attempt)/\(run.token) was acknowledged and is not stored")
    case .success(.refused(let refusal)):
      let isRight: Bool
      switch refusal {
      case .conflictingResult: isRight = accepted.map { $0.digest != digest } ?? false
      case .alreadyTerminal:
        // A RetryPlan of this turn may have come after it.
        let wasFinal = run.attempt <= row.attemptsBefore && plan.askedAt == now
        isRight =
          accepted == nil
          && (plan.status(ordinal).isFinal || wasFinal || plan.isNews(to: process))
      case .staleLease:
        isRight = accepted?.attempt != run.attempt && !isWanted(plan, ordinal, run)
      case .unknownToken: isRight = plan.isNews(to: process) || !isKnown(plan, ordinal, run)
      default: isRight = false
      }
      require(
        isRight, .verdicts,
        "\(refusal.rawValue) for \(run.key) \(run.attempt)/\(run.token), which stands at "
          + "\(row.status) \(row.attempt)/\(row.token)\(row.tokenClosed ? " closed" : "")")
    case .failure(let error) where error.code == .planNotFound || error.code == .taskNotFound:
      violate(.acknowledged, "a result of \(run.key) was refused: \(error)")
    case .failure: break
    }
  }

  /// The token is the current one, and nothing was accepted under it.
  private func isWanted(_ plan: LedgerPlan, _ ordinal: Int, _ run: RunName) -> Bool {
    let row = plan.tasks[ordinal]
    return run.token == row.token && run.attempt == row.attempt && !row.tokenClosed
      && !plan.status(ordinal).isFinal
  }

  /// The token was handed out before this moment.
  private func isKnown(_ plan: LedgerPlan, _ ordinal: Int, _ run: RunName) -> Bool {
    guard let record = plan.handOuts[ordinal][run.token] else { return false }
    return record.at.time < now && run.attempt <= record.attempt
  }

  /// The answer to a list as it leaves the process. One that was taken over from may know a plan only
  /// as it ended, though another owner retried it since; that is kept from it here, see
  /// docs/simulation.md.
  func fenced(_ reply: Shard.ListReply, _ process: OrchestratorProcess) -> Shard.ListReply {
    guard process.isRival else { return reply }
    let isKnown = { [self] (run: RunReference) -> Bool in
      guard let plan = ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID) else {
        return true
      }
      return plan.isOver(ordinal, attempt: run.attempt)
    }
    var reply = reply
    reply.cancel = reply.cancel.filter(isKnown)
    reply.forget = reply.forget.filter(isKnown)
    return reply
  }

  func check(_ reply: Shard.ListReply, _ process: OrchestratorProcess) {
    guard process.isAlive else { return }
    for run in reply.cancel { checkOver(run, .cancels) }
    for run in reply.forget { checkOver(run, .forgets) }
  }

  private func checkOver(_ run: RunReference, _ check: Check) {
    guard let plan = ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID) else {
      return
    }
    // What was never handed out was invented; a RetryPlan of this turn may have come after the answer.
    let isInvented = run.attempt > plan.tasks[ordinal].attempt && plan.askedAt == now
    require(
      plan.isOver(ordinal, attempt: run.attempt) || isInvented, check,
      "\(run.key) \(run.attempt) is not over: \(plan.tasks[ordinal])")
  }

  /// CompleteTask.
  func check(
    _ answer: Result<CompletionAnswer, OrchestratorError>, of id: PlanID, _ ordinal: Int,
    _ digest: Digest, _ process: OrchestratorProcess
  ) {
    guard process.isAlive, let plan = ledger[id] else { return }
    let row = plan.tasks[ordinal]
    switch answer {
    case .success:
      require(
        row.accepted.contains { $0.digest == digest }, .decisions,
        "a decision on task \(ordinal) of plan \(plan.number) was acknowledged and is not stored")
    case .failure(let error) where error.code == .notWaiting:
      let isAsked =
        plan.status(ordinal) == .waitingInput
        && plan.handOuts[ordinal][row.token].map { $0.at.time < now } == true
      require(
        !isAsked || plan.isNews(to: process), .decisions,
        "task \(ordinal) of plan \(plan.number) asks, and a decision was refused: \(error)")
    case .failure: break
    }
  }

  /// UpdatePlan: the answer shows what was asked for, unless somebody else asked for more in this turn.
  func check(
    _ answer: Result<PlanSnapshot, OrchestratorError>, of id: PlanID, _ update: PlanUpdate,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive, !process.isRival, case .success(let snapshot) = answer,
      let plan = ledger[id], plan.askedAt == now, plan.askedCount == 1
    else { return }
    let labels = snapshot.creation.plan.labels
    require(
      snapshot.creation.plan.priority == update.priority ?? snapshot.creation.plan.priority
        && update.setLabels.allSatisfy { labels[$0] == $1 },
      .updates, "plan \(plan.number) was updated and is not as asked")
  }

  // MARK: Callers

  func check(
    _ answer: Result<SubmitAnswer, OrchestratorError>, _ submission: Shard.Submission,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive else { return }
    switch answer {
    case .success(let answer):
      note("  plan \(answer.planID) is acknowledged", 20)
      ledger.acknowledge(answer.planID)
      require(
        ledger[answer.planID] != nil, .acknowledged, "plan \(answer.planID) is not stored")
      guard let key = submission.creation.requestKey else { return }
      require(
        ledger.keys[key] == answer.planID
          && answer.isNew == (answer.planID == submission.planID)
          && ledger[answer.planID]?.creation.requestDigest == submission.creation.requestDigest,
        .requestKeys, "key \(key) gave plan \(answer.planID)")
    case .failure(let error) where error.code == .requestKeyReused:
      let plan = submission.creation.requestKey.flatMap { ledger.keys[$0] }.flatMap { ledger[$0] }
      require(
        plan.map { $0.creation.requestDigest != submission.creation.requestDigest } ?? false,
        .requestKeys, "\(error)")
    case .failure: break
    }
  }

  func check(
    _ answer: Result<PlanSnapshot, OrchestratorError>, of id: PlanID, _ verb: Verb,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive, case .success(let snapshot) = answer else {
      checkAbsence(answer, id, process)
      return
    }
    checkSnapshot(snapshot, since: 0, process)
    ledger[id]?.answered(snapshot.plan.status)
    guard verb.holds(snapshot.plan.status) else {
      // Another call of the same turn may have had its way since.
      require(
        ledger[id].map { $0.askedAt == now } ?? false, .durable,
        "\(verb.name) was answered with \(snapshot.plan.status)")
      return
    }
  }

  func check(
    _ answer: Result<PlanSnapshot, OrchestratorError>, of id: PlanID, since revision: Int64,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive, case .success(let snapshot) = answer else {
      checkAbsence(answer, id, process)
      return
    }
    checkSnapshot(snapshot, since: revision, process)
    guard let plan = ledger[id], snapshot.plan.revision == plan.row.revision else { return }
    require(
      snapshot.outputs == plan.outputs, .durable,
      "outputs of plan \(plan.number): \(snapshot.outputs.count), \(plan.outputs.count) stored")
  }

  private func checkAbsence(
    _ answer: Result<PlanSnapshot, OrchestratorError>, _ id: PlanID, _ process: OrchestratorProcess
  ) {
    guard process.isAlive, case .failure(let error) = answer, error.code == .planNotFound else {
      return
    }
    require(ledger[id] == nil, .acknowledged, "\(error)")
  }

  private func checkSnapshot(
    _ snapshot: PlanSnapshot, since revision: Int64, _ process: OrchestratorProcess
  ) {
    guard let plan = ledger[snapshot.planID] else {
      violate(.durable, "plan \(snapshot.planID) was shown and is not stored")
      return
    }
    let shown = snapshot.plan.revision
    require(
      shown <= plan.row.revision && (plan.isNews(to: process) || shown >= revision), .durable,
      "plan \(plan.number) was shown at revision \(shown); stored are \(revision) and "
        + "\(plan.row.revision)")
    guard shown == plan.row.revision else { return }
    let isSame = snapshot.tasks.allSatisfy { task in
      plan.mayShow(task.status, task.row.ordinal)
        && plan.tasks[task.row.ordinal].accepted == task.row.accepted
    }
    require(
      snapshot.plan == plan.row && isSame
        && snapshot.creation.plan.priority == plan.creation.plan.priority
        && snapshot.creation.plan.labels == plan.creation.plan.labels,
      .durable,
      "plan \(plan.number) was shown at revision \(shown) as it is not")
  }

  func check(
    _ answer: Result<WatchBatch, OrchestratorError>, of id: PlanID, from cursor: WatchCursor,
    _ process: OrchestratorProcess
  ) {
    guard process.isAlive else { return }
    switch answer {
    case .success(let batch):
      guard let plan = ledger[id] else {
        violate(.readers, "events of plan \(id), which is not stored")
        return
      }
      var seq = cursor.seq
      for event in batch.events {
        let isStored = seq <= Int64(plan.events.count) && plan.events[Int(seq - 1)] == event
        require(isStored, .readers, "plan \(plan.number): event \(event.seq) where \(seq) belongs")
        seq += 1
      }
      require(batch.next.seq == seq, .readers, "a reader goes on at \(batch.next.seq), not \(seq)")
      require(
        !batch.isEnd || (plan.row.finishedAt != nil && seq > plan.row.lastSeq), .readers,
        "the events of plan \(plan.number) end at \(seq), before its end")
    case .failure(let error) where error.code == .planNotFound:
      require(ledger[id] == nil, .acknowledged, "\(error)")
    case .failure: break
    }
  }
}

extension LedgerPlan {
  /// A call that steers the plan is being taken.
  func asked(_ verb: Verb) {
    asked()
    if verb.restarts { stopAnswered = false }
    if verb.cancels { cancelAsked = true }
  }

  /// Whether people may see the task in this state: a condition may have been decided or not.
  func mayShow(_ shown: TaskStatus, _ ordinal: Int) -> Bool {
    let known = status(ordinal)
    return shown == known
      || (shown == .ready && known == .pending && blueprint.gates[ordinal] != nil)
  }

  /// The call was answered with the plan in this state.
  func answered(_ status: PlanStatus) {
    if status == .paused || status == .cancelled { stopAnswered = true }
  }
}
