internal import Engine
internal import NIOConcurrencyHelpers
internal import Plan

/// Registration, heartbeats, lists, expiry (P3, P4, P5, P10).
extension Shard {
  /// What is answered to a list.
  struct ListReply: Sendable {
    var sessionID = ""
    var cancel: [RunReference] = []
    var forget: [RunReference] = []
  }

  /// Opens a session; an earlier one of the instance ends without anything being lost by that.
  func register(_ registration: Registration, _ list: RunList, sessionID: String) -> ListReply {
    let instance = registration.instance
    sessions[instance] = AdapterSession(
      sessionID: sessionID, registration: registration, health: .alive, registeredAt: now,
      lastHeartbeatAt: now)
    port.connect(instance: instance, address: registration.address)
    pool.register(
      AdapterPool.Instance(
        adapter: registration.adapter, name: instance, taskTypes: Set(registration.taskTypes),
        maxConcurrency: registration.maxConcurrency))
    if hasWithdrawn { pool.drain(instance) }
    watchLease(instance, sessionID)
    var reply = reconcile(instance, list)
    reply.sessionID = sessionID
    resendWaiting(instance)
    return reply
  }

  func heartbeat(
    sessionID: String, _ list: RunList, lastError: String
  ) throws(OrchestratorError) -> ListReply {
    guard var session = sessions.find(sessionID) else { throw Self.unknownSession(sessionID) }
    session.lastHeartbeatAt = now
    session.lastError = lastError
    sessions[session.registration.instance] = session
    return reconcile(session.registration.instance, list)
  }

  /// No new work; with `handsBack` its unfinished runs go to others at once.
  func deregister(sessionID: String, handsBack: Bool) throws(OrchestratorError) -> Int {
    guard var session = sessions.find(sessionID) else { throw Self.unknownSession(sessionID) }
    let instance = session.registration.instance
    session.health = .draining
    sessions[instance] = session
    pool.drain(instance)
    if handsBack {
      end(instance, code: "HANDED_BACK", "instance \(instance) was shut down")
    }
    return outAt[instance]?.count ?? 0
  }

  /// Takes every run back from its adapter, to be handed out again after the next start. `done` is
  /// told how many there were, once that is durable and the adapters have answered.
  func withdrawAll(_ done: @escaping @Sendable (Result<Int, OrchestratorError>) -> Void) {
    hasWithdrawn = true
    for instance in pool.instances { pool.drain(instance.name) }
    var runs: [(run: RunName, instance: String)] = []
    for id in plans.keys.sorted() {
      guard let entry = plans[id] else { continue }
      for ordinal in entry.sends.keys.sorted() {
        guard let send = entry.sends[ordinal], entry.isOut(send.lease) else { continue }
        runs.append((entry.run(ordinal), send.instance))
        apply(
          .withdrawn(send.lease, code: "SERVER_STOPPED", message: "the server was stopped"),
          to: entry)
      }
    }
    afterCommit { [port] result in
      if case .failure(let error) = result { return done(.failure(error)) }
      let count = runs.count
      guard count > 0 else { return done(.success(0)) }
      let open = NIOLockedValueBox(count)
      for (run, instance) in runs {
        port.takeBack(run, reason: "the server is stopping", at: instance) {
          let isLast = open.withLockedValue { open in
            open -= 1
            return open == 0
          }
          if isLast { done(.success(count)) }
        }
      }
    }
  }

  static func unknownSession(_ id: String) -> OrchestratorError {
    OrchestratorError(
      .unknownSession, "there is no session \(id), or its lease has passed; register again",
      about: ["session_id": "\(id)"])
  }

  /// After a restart: the instance has a lease's time to register before its runs count as lost.
  func expectSession(_ instance: String, adapter: String) {
    guard sessions[instance] == nil else { return }
    let expected = Registration(
      adapter: adapter, instance: instance, address: "", taskTypes: [], maxConcurrency: 1)
    sessions[instance] = AdapterSession(
      sessionID: "", registration: expected, health: .expected, registeredAt: now,
      lastHeartbeatAt: now)
    watchLease(instance, "")
  }

  /// Ends the session when its lease passes; heartbeats move that on.
  private func watchLease(_ instance: String, _ sessionID: String) {
    guard let session = sessions[instance], session.sessionID == sessionID else { return }
    arm(at: session.lastHeartbeatAt + options.leaseMilliseconds) { shard in
      guard let session = shard.sessions[instance], session.sessionID == sessionID,
        session.health != .lost
      else { return }
      if session.lastHeartbeatAt + shard.options.leaseMilliseconds > shard.now {
        shard.watchLease(instance, sessionID)
      } else {
        shard.end(
          instance, code: "INSTANCE_LOST",
          "instance \(instance) sent no heartbeat within its lease")
      }
    }
  }

  /// The session is over: its runs are handed out again.
  private func end(_ instance: String, code: String, _ message: String) {
    sessions[instance]?.health = .lost
    forgetLater(instance)
    pool.remove(instance)
    port.disconnect(instance: instance)
    for task in sortedOut(instance) {
      guard let entry = plans[task.planID], let send = entry.sends[task.ordinal] else { continue }
      apply(.lost(send.lease, code: code, message: message), to: entry)
    }
  }

  /// A lost instance is shown for a while, then forgotten.
  private func forgetLater(_ instance: String) {
    let sessionID = sessions[instance]?.sessionID
    arm(at: now + options.lostMilliseconds) { shard in
      guard let session = shard.sessions[instance], session.sessionID == sessionID,
        session.health == .lost
      else { return }
      shard.sessions[instance] = nil
    }
  }

  /// Tasks that are out at the instance, in an order that is the same in every run.
  private func sortedOut(_ instance: String) -> [OutTask] {
    (outAt[instance] ?? []).sorted { ($0.planID, $0.ordinal) < ($1.planID, $1.ordinal) }
  }

  /// What could not be sent while the instance was away.
  private func resendWaiting(_ instance: String) {
    for task in sortedOut(instance) {
      guard let entry = plans[task.planID], let send = entry.sends[task.ordinal] else { continue }
      switch send.phase {
      case .waitingForSession, .backingOff: transmit(entry, task.ordinal)
      case .answered where sessions[instance]?.registration.isPolled == true:
        poll(entry, send.lease)
      case .queued, .calling, .answered: break
      }
    }
  }

  // MARK: Lists

  /// Compares what an adapter holds with what we know, both ways.
  private func reconcile(_ instance: String, _ list: RunList) -> ListReply {
    let listed = Set(list.runs.map { RunReference(key: $0.key, attempt: $0.attempt) })
    for task in sortedOut(instance) {
      guard let entry = plans[task.planID], let send = entry.sends[task.ordinal] else { continue }
      let run = entry.run(task.ordinal)
      if !listed.contains(RunReference(key: run.key, attempt: run.attempt)) {
        missing(entry, send, list)
      }
    }
    var reply = ListReply()
    for run in list.runs { judge(run, instance, &reply) }
    return reply
  }

  /// A hand-out that was answered and is missing from a list made after that answer is lost (P3);
  /// a list made before says nothing (P4).
  private func missing(_ entry: PlanEntry, _ send: Send, _ list: RunList) {
    let row = entry.machine.rows[send.lease.ordinal]
    guard send.phase == .answered, !row.handleEpoch.isEmpty else { return }
    guard
      list.epoch > row.handleEpoch
        || (list.epoch == row.handleEpoch && list.answered >= row.handleAnswered)
    else { return }
    apply(
      .lost(
        send.lease, code: "RUN_LOST",
        message: "instance \(send.instance) no longer knows the run"),
      to: entry)
  }

  /// Whether the adapter is to end or to forget a run it holds. Never ends the current attempt
  /// under an older token (P5).
  private func judge(_ run: RunList.Run, _ instance: String, _ reply: inout ListReply) {
    let reference = RunReference(key: run.key, attempt: run.attempt)
    guard let known = loaded(run.key.planID) else { return }
    let isOver: Bool
    switch known {
    case .absent: isOver = true
    case .present(let machine):
      if let ordinal = machine.ordinal(of: run.key) {
        let row = machine.rows[ordinal]
        isOver =
          machine.status(of: ordinal).isFinal || run.attempt < row.attempt
          || (run.attempt == row.attempt && (row.tokenClosed || isKnownQuestion(run, row)))
      } else {
        isOver = true
      }
    }
    guard isOver else {
      fetchFinished(run, instance)
      return
    }
    if run.isFinished { reply.forget.append(reference) } else { reply.cancel.append(reference) }
  }

  /// A question that is taken and not answered yet; the run is told to keep it no longer as a result.
  private func isKnownQuestion(_ run: RunList.Run, _ row: TaskRow) -> Bool {
    run.isFinished && row.status == .waitingInput && run.token < row.token
  }

  /// A finished run of a task that is out: its callback may have ended on another answer, so the
  /// result is fetched.
  private func fetchFinished(_ run: RunList.Run, _ instance: String) {
    guard run.isFinished, let entry = plans[run.key.planID],
      let ordinal = entry.ordinal(of: run.key),
      let send = entry.sends[ordinal], send.instance == instance, send.phase == .answered,
      run.attempt == send.lease.attempt
    else { return }
    poll(entry, send.lease)
  }
}
