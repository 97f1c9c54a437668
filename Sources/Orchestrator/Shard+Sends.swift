internal import Engine
internal import Plan
internal import Queue
internal import Store

/// Sending hand-outs and fetching results (S3, S8, P1, P2, P6, P7).
extension Shard {
  // MARK: What is out where

  func queued(_ entry: PlanEntry, _ ordinal: Int, _ hints: inout [HandOutHint]) {
    let row = entry.machine.rows[ordinal]
    guard row.status.isOut else { return }
    track(entry, makeSend(entry, row))
    hints.append(
      HandOutHint(
        planID: entry.id, ordinal: ordinal, attempt: row.attempt, delivery: row.delivery))
  }

  private func makeSend(_ entry: PlanEntry, _ row: TaskRow) -> Send {
    sendCount += 1
    return Send(lease: entry.lease(row.ordinal), instance: row.instance, number: sendCount)
  }

  private func track(_ entry: PlanEntry, _ send: Send) {
    let ordinal = send.lease.ordinal
    untrack(entry, ordinal)
    entry.sends[ordinal] = send
    outAt[send.instance, default: []].insert(OutTask(planID: entry.id, ordinal: ordinal))
  }

  private func untrack(_ entry: PlanEntry, _ ordinal: Int) {
    guard let send = entry.sends.removeValue(forKey: ordinal) else { return }
    outAt[send.instance]?.remove(OutTask(planID: entry.id, ordinal: ordinal))
    if outAt[send.instance]?.isEmpty == true { outAt[send.instance] = nil }
  }

  func forgetSends(_ entry: PlanEntry) {
    for ordinal in entry.sends.keys.sorted() { untrack(entry, ordinal) }
  }

  /// A committed row that is not out needs no sending any more.
  func followSend(_ entry: PlanEntry, _ row: TaskRow) {
    guard !row.status.isOut, let send = entry.sends[row.ordinal],
      send.lease.token <= row.token, !entry.machine.rows[row.ordinal].status.isOut
    else { return }
    untrack(entry, row.ordinal)
  }

  // MARK: Sending

  /// Offers hints to the queue; what it does not take, the sweep finds.
  func offer(_ hints: [HandOutHint]) {
    guard !hints.isEmpty else { return }
    do throws(QueueError) { try queue.enqueue(hints) } catch {
      arm(at: now + options.resendMilliseconds) { $0.take(hints) }
    }
  }

  /// Whoever takes a hint reads the current state and drops the hint if that has moved on.
  func take(_ hints: [HandOutHint]) {
    for hint in hints {
      guard let entry = plans[hint.planID], let send = entry.sends[hint.ordinal],
        send.phase == .queued
      else { continue }
      let row = entry.machine.rows[hint.ordinal]
      guard row.status.isOut, row.attempt == hint.attempt, row.delivery == hint.delivery
      else { continue }
      transmit(entry, hint.ordinal)
    }
  }

  /// A hand-out that may have been sent before a restart: the same record again (P1).
  func resumeSend(_ entry: PlanEntry, _ ordinal: Int) {
    let row = entry.machine.rows[ordinal]
    guard row.status.isOut else { return }
    var send = makeSend(entry, row)
    send.mayHaveArrived = true
    track(entry, send)
    if row.status == .running { expectSigns(entry, send.lease) }
    expectSession(row.instance, adapter: row.adapter)
    transmit(entry, ordinal)
  }

  /// Sends what the row says, or waits for the instance to be there.
  func transmit(_ entry: PlanEntry, _ ordinal: Int) {
    guard let send = entry.sends[ordinal], entry.isOut(send.lease) else { return }
    if sessions[send.instance]?.health == .lost {
      // The session ended while the hand-out was being committed.
      apply(
        .lost(
          send.lease, code: "INSTANCE_LOST", message: "instance \(send.instance) is gone"),
        to: entry)
      return
    }
    guard sessions[send.instance]?.isAlive == true else {
      entry.sends[ordinal]?.phase = .waitingForSession
      expectSession(send.instance, adapter: entry.machine.rows[ordinal].adapter)
      return
    }
    let handOut: HandOut
    switch render(entry, ordinal) {
    case .success(let rendered): handOut = rendered
    case .failure(.task(let error)):
      apply(.rejected(send.lease, error), to: entry)
      return
    case .failure(.store):
      sendLater(entry, ordinal)
      return
    }
    entry.sends[ordinal]?.phase = .calling
    let id = entry.id
    port.dispatch(handOut, to: send.instance) { [post] reply in
      post { $0.dispatched(id, send, reply) }
    }
  }

  enum RenderFailure: Error {
    case task(TaskError)
    case store
  }

  private func render(_ entry: PlanEntry, _ ordinal: Int) -> Result<HandOut, RenderFailure> {
    // Its parts, not the machine: a copy of it counts the references of all of them.
    let task = entry.machine.compiled.plan.tasks[entry.home(ordinal)]
    let row = entry.machine.rows[ordinal]
    let payload: [UInt8]
    switch renderPayload(entry, ordinal) {
    case .success(let rendered): payload = rendered
    case .failure(let failure): return .failure(failure)
    }
    guard let dialog = dialog(of: entry, ordinal) else { return .failure(.store) }
    let feedback = row.error.flatMap { $0.errorClass == .invalidOutput ? $0.message : nil }
    return .success(
      HandOut(
        namespace: entry.machine.creation.namespace, run: entry.run(ordinal), type: task.type,
        payload: payload, delivery: row.delivery,
        timeoutMilliseconds: timeLeft(row, deadlineAt: entry.machine.plan.deadlineAt),
        feedback: feedback ?? "", metadata: task.metadata,
        outputSchema: entry.schema(of: ordinal)?.json ?? [], dialog: dialog.turns,
        parkedHandle: row.resumes ? row.handle : nil))
  }

  /// The task's payload, its references resolved.
  func renderPayload(_ entry: PlanEntry, _ ordinal: Int) -> Result<[UInt8], RenderFailure> {
    let compiled = entry.machine.compiled
    let home = entry.home(ordinal)
    let template = compiled.templates[home]
    guard fetchOutputs(entry, template) else { return .failure(.store) }
    var item: MapItem?
    if let index = entry.index(of: ordinal), let map = compiled.maps[home] {
      switch items(entry, home, map) {
      case .success(let items): item = items[index]
      case .failure(let failure): return .failure(failure)
      }
    }
    do throws(RenderError) {
      return .success(
        try template.render(
          inputs: compiled.plan.inputs, item: item, maxBytes: options.limits.maxPayloadBytes
        ) { id in compiled.ordinals[id].flatMap { entry.outputs[$0] } })
    } catch {
      return .failure(.task(TaskError(.permanent, code: error.code, message: error.message)))
    }
  }

  /// What the attempt has left of start_to_close, and the plan of its deadline.
  private func timeLeft(_ row: TaskRow, deadlineAt: Int64?) -> Int64 {
    max(1, min(row.timerDueAt ?? now, deadlineAt ?? .max) - now)
  }

  /// Brings the outputs that `template` reads into memory.
  private func fetchOutputs(_ entry: PlanEntry, _ template: PayloadTemplate) -> Bool {
    var missing: Set<Int> = []
    for reference in template.references {
      guard case .task(let id) = reference.source,
        let ordinal = entry.machine.compiled.ordinals[id], entry.outputs[ordinal] == nil,
        entry.machine.rows[ordinal].status == .succeeded
      else { continue }
      missing.insert(ordinal)
    }
    return missing.isEmpty || fetchMissing(entry, missing)
  }

  /// Brings outputs into memory; false where the store does not answer now.
  func fetchOutputs(_ entry: PlanEntry, _ wanted: [Int]) -> Bool {
    let missing = Set(wanted).filter {
      entry.outputs[$0] == nil && entry.machine.rows[$0].status == .succeeded
    }
    return missing.isEmpty || fetchMissing(entry, missing)
  }

  private func fetchMissing(_ entry: PlanEntry, _ missing: Set<Int>) -> Bool {
    let lists = missing.filter { entry.items(of: $0) != nil }
    guard lists.isEmpty else {
      return lists.sorted().allSatisfy { fetchList(entry, $0) }
        && fetchOutputs(entry, Array(missing.subtracting(lists)))
    }
    do throws(StoreError) {
      for output in try store.outputs(entry.id, ordinals: missing.sorted()) {
        entry.outputs[output.ordinal] = output.json
      }
      return missing.allSatisfy { entry.outputs[$0] != nil }
    } catch {
      return false
    }
  }

  private func sendLater(_ entry: PlanEntry, _ ordinal: Int) {
    guard let send = entry.sends[ordinal] else { return }
    entry.sends[ordinal]?.phase = .backingOff
    entry.sends[ordinal]?.failures += 1
    let id = entry.id
    arm(at: now + options.backoffMilliseconds(failures: send.failures)) { shard in
      guard let entry = shard.plans[id], entry.sends[ordinal]?.lease == send.lease,
        entry.sends[ordinal]?.phase == .backingOff
      else { return }
      shard.transmit(entry, ordinal)
    }
  }

  // MARK: Answers

  private func dispatched(_ id: PlanID, _ asked: Send, _ reply: HandOutReply) {
    // Also where the result was faster than the answer.
    if case .accepted = reply { sessions.answered(asked.instance) }
    let lease = asked.lease
    guard let entry = plans[id], let send = entry.sends[lease.ordinal], send.lease == lease,
      entry.isOut(lease)
    else { return }
    switch reply {
    case .accepted(let handle, let epoch, let answered):
      accepted(entry, send, Handle(text: handle, epoch: epoch, answered: answered))
    case .busy(let retryAfter):
      let failures = sessions.failed(send.instance)
      pause(
        send.instance,
        milliseconds: max(retryAfter ?? 0, options.backoffMilliseconds(failures: failures)))
      if entry.machine.rows[lease.ordinal].status == .running {
        // It had begun: nothing says that it is gone, so the same is asked again (P1).
        sendLater(entry, lease.ordinal)
      } else {
        apply(.refused(lease), to: entry)
      }
    case .unreachable where !send.mayHaveArrived:
      let failures = sessions.failed(send.instance)
      pause(send.instance, milliseconds: options.backoffMilliseconds(failures: failures))
      apply(.refused(lease), to: entry)
    case .rejected(let error): apply(.rejected(lease, error), to: entry)
    case .lost(let code, let message): apply(.lost(lease, code: code, message: message), to: entry)
    case .unreachable, .unanswered:
      entry.sends[lease.ordinal]?.mayHaveArrived = true
      sendLater(entry, lease.ordinal)
    }
  }

  private func accepted(_ entry: PlanEntry, _ send: Send, _ handle: Handle) {
    let isPolled = sessions[send.instance]?.registration.isPolled ?? false
    entry.sends[send.lease.ordinal]?.phase = .answered
    entry.sends[send.lease.ordinal]?.failures = 0
    let id = entry.id
    apply(.accepted(send.lease, handle: handle, isPolled: isPolled), to: entry) { [weak self] in
      guard isPolled, case .success = $0, let self, let entry = plans[id] else { return }
      poll(entry, send.lease)
    }
  }

  /// Nothing new goes to the instance for a while.
  private func pause(_ instance: String, milliseconds: Int64) {
    let until = now + max(1, milliseconds)
    pool.pause(instance, until: until)
    arm(at: until) { $0.pool.unpaused() }
  }

  // MARK: Polling

  /// Asks for the result until it is there.
  func poll(_ entry: PlanEntry, _ lease: TaskLease) {
    guard let send = entry.sends[lease.ordinal], send.lease == lease, !send.isPolling,
      entry.isOut(lease), sessions[send.instance]?.isAlive == true
    else { return }
    entry.sends[lease.ordinal]?.isPolling = true
    let id = entry.id
    let schema = entry.schema(of: lease.ordinal)
    port.poll(
      entry.run(lease.ordinal), handle: entry.machine.rows[lease.ordinal].handle,
      waitMilliseconds: options.pollWaitMilliseconds, at: send.instance
    ) { [post, limits = options.limits] reply in
      if case .finished(let result) = reply {
        let intake = ResultIntake(result, limits: limits).checked(against: schema)
        post { $0.polled(id, lease, intake) }
      } else {
        post { $0.polled(id, send, reply) }
      }
    }
  }

  private func polled(_ id: PlanID, _ lease: TaskLease, _ intake: ResultIntake) {
    guard let entry = plans[id] else { return }
    settle(lease, intake, entry) { [weak self] result in
      guard case .failure = result, let self, plans[id] === entry else { return }
      // Nothing was decided on it: it is fetched again.
      entry.sends[lease.ordinal]?.isPolling = false
      pollLater(entry, lease)
    }
  }

  private func polled(_ id: PlanID, _ asked: Send, _ reply: PollReply) {
    let lease = asked.lease
    guard let entry = plans[id], let send = entry.sends[lease.ordinal],
      send.number == asked.number
    else { return }
    entry.sends[lease.ordinal]?.isPolling = false
    switch reply {
    case .finished: break
    case .pending(let hasStarted):
      if hasStarted { began(entry, lease) }
      poll(entry, lease)
    case .notFound:
      apply(.lost(lease, code: "RUN_LOST", message: "the adapter knows no such run"), to: entry)
    case .unanswered:
      entry.sends[lease.ordinal]?.failures += 1
      pollLater(entry, lease)
    }
  }

  private func pollLater(_ entry: PlanEntry, _ lease: TaskLease) {
    let id = entry.id
    let failures = entry.sends[lease.ordinal]?.failures ?? 0
    arm(at: now + options.backoffMilliseconds(failures: failures)) { shard in
      if let entry = shard.plans[id] { shard.poll(entry, lease) }
    }
  }

  // MARK: Signs of life

  /// The adapter says that the run began.
  func began(_ entry: PlanEntry, _ lease: TaskLease) {
    guard entry.isOut(lease), entry.machine.rows[lease.ordinal].status == .dispatched
    else { return }
    apply(.started(lease), to: entry)
    expectSigns(entry, lease)
  }

  /// From now on the run has to say something within its heartbeat timeout, if it has one. Kept in
  /// memory: after a load all of it counts again.
  private func expectSigns(_ entry: PlanEntry, _ lease: TaskLease) {
    let limit = entry.machine.compiled.timeouts[entry.home(lease.ordinal)].heartbeatMilliseconds
    guard limit > 0, let send = entry.sends[lease.ordinal] else { return }
    entry.sends[lease.ordinal]?.lastSignAt = now
    awaitSign(entry.id, send, limit, from: now)
  }

  private func awaitSign(_ id: PlanID, _ send: Send, _ limit: Int64, from last: Int64) {
    arm(at: last + limit) { shard in
      guard let entry = shard.plans[id], let known = entry.sends[send.lease.ordinal],
        known.number == send.number
      else { return }
      if known.lastSignAt + limit > shard.now {
        shard.awaitSign(id, send, limit, from: known.lastSignAt)
      } else {
        shard.apply(.silent(send.lease), to: entry)
      }
    }
  }

  // MARK: The sweep

  /// Looks after hints that were lost: a committed hand-out that nobody has sent (S8).
  func sweep() {
    for id in plans.keys.sorted() {
      guard let entry = plans[id] else { continue }
      for ordinal in entry.sends.keys.sorted() where entry.sends[ordinal]?.phase == .queued {
        transmit(entry, ordinal)
      }
    }
    arm(at: now + options.sweepMilliseconds) { $0.sweep() }
  }
}
