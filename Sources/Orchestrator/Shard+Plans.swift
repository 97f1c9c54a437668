internal import Engine
internal import Plan
internal import Store

/// Plans coming, being looked at and steered.
extension Shard {
  // MARK: Loading

  /// A plan looked up by its id.
  enum Lookup {
    case present(PlanMachine)
    case absent
  }

  /// The plan in memory or in the store; nil where the store does not answer.
  func loaded(_ id: PlanID) -> Lookup? {
    if let entry = plans[id] { return .present(entry.machine) }
    do throws(StoreError) {
      return try stored(id).map { .present($0) } ?? .absent
    } catch {
      report(error, "plan \(id) cannot be read", plan: id)
      return nil
    }
  }

  /// A plan that is not in memory. Plans that have ended change no more, so the last few that were
  /// looked at are kept.
  func stored(_ id: PlanID) throws(StoreError) -> PlanMachine? {
    if let machine = finished.first(where: { $0.id == id }) { return machine }
    guard let stored = try store.load(id) else { return nil }
    let machine = try Self.machine(stored)
    if machine.plan.finishedAt != nil {
      finished.append(machine)
      if finished.count > Self.finishedKept { finished.removeFirst() }
    }
    return machine
  }

  private static let finishedKept = 8

  /// A stored plan was checked when it was submitted; limits that are tighter now do not count.
  static func machine(_ stored: StoredPlan) throws(StoreError) -> PlanMachine {
    do throws(PlanProblems) {
      let compiled = try CompiledPlan(
        stored.creation.plan, defaults: stored.creation.defaults, limits: .unlimited)
      return PlanMachine(stored: stored, compiled: compiled)
    } catch {
      throw StoreError(
        .corrupt, "plan \(stored.planID) cannot be read back from the store: \(error)")
    }
  }

  /// Loads every unfinished plan; the normal way back after a stop of any kind. A plan that cannot
  /// be read is set aside and reported.
  func recover() throws(StoreError) -> Int {
    guard restoreAccounts() else {
      throw StoreError(.unavailable, "what namespaces have used cannot be read")
    }
    var last: PlanID?
    while true {
      let page = try store.unfinished(after: last, limit: 500)
      for id in page where !load(id) { toReload.insert(id) }
      guard let end = page.last else { break }
      last = end
    }
    reloadDiscarded()
    turn([])
    arm(at: now + options.sweepMilliseconds) { $0.sweep() }
    return plans.count
  }

  /// Loads one plan; false where the store does not answer now.
  func load(_ id: PlanID) -> Bool {
    do throws(StoreError) {
      guard let stored = try store.load(id) else { return true }
      guard stored.plan.finishedAt == nil else {
        // It ended in a commit whose outcome was not known.
        if stored.creation.parent != nil { tellParent(of: try Self.machine(stored)) }
        return true
      }
      adopt(try Self.machine(stored))
      return true
    } catch {
      let isCorrupt = error.code == .corrupt
      report(
        error, "plan \(id) cannot be loaded\(isCorrupt ? " and is set aside" : " now")", plan: id)
      return isCorrupt
    }
  }

  private func adopt(_ machine: PlanMachine) {
    let entry = PlanEntry(machine: machine)
    plans[machine.id] = entry
    apply(.recovered, to: entry)
    guard machine.creation.parent != nil else { return }
    let id = machine.id
    post { $0.align(id) }
  }

  // MARK: Submission

  /// A plan that was found valid, ready to be stored.
  struct Submission: Sendable {
    var planID: PlanID
    var compiled: CompiledPlan
    var creation: PlanCreation
  }

  func submit(
    _ submission: Submission,
    _ reply: @escaping (Result<SubmitAnswer, OrchestratorError>) -> Void
  ) {
    let creation = submission.creation
    if let key = creation.requestKey {
      switch existing(creation.namespace, key) {
      case .failure(let error):
        reply(.failure(error))
        return
      case .success(let match?):
        guard match.requestDigest == creation.requestDigest else {
          let error = OrchestratorError(
            .requestKeyReused,
            "request key \"\(key)\" in namespace \"\(creation.namespace)\" belongs to plan "
              + "\(match.planID), which was submitted with another body",
            about: [
              "plan_id": "\(match.planID)", "namespace": creation.namespace, "request_key": key,
            ])
          // The plan that has the key may itself not be stored yet.
          afterCommit { reply($0.flatMap { .failure(error) }) }
          return
        }
        afterCommit { reply($0.map { SubmitAnswer(planID: match.planID, isNew: false) }) }
        return
      case .success(nil): break
      }
    }
    if let deadline = creation.plan.deadline, deadline.time(from: now) <= now {
      reply(
        .failure(
          OrchestratorError(
            .deadlinePassed, "the plan's deadline lies in the past; nothing is stored")))
      return
    }
    let entry = PlanEntry(
      machine: PlanMachine(
        id: submission.planID, compiled: submission.compiled, creation: creation))
    plans[entry.id] = entry
    if let key = creation.requestKey {
      keysOfGroup["\(creation.namespace)/\(key)"] = PlanKeyMatch(
        planID: entry.id, requestDigest: creation.requestDigest)
    }
    let warnings = unserved(submission.compiled)
    apply(.submitted, to: entry) { result in
      reply(
        result.map { _ in
          SubmitAnswer(planID: submission.planID, isNew: true, warnings: warnings)
        })
    }
  }

  private func existing(
    _ namespace: String, _ key: String
  ) -> Result<PlanKeyMatch?, OrchestratorError> {
    if let match = keysOfGroup["\(namespace)/\(key)"] { return .success(match) }
    do throws(StoreError) {
      return .success(try store.find(namespace: namespace, requestKey: key))
    } catch {
      return .failure(.store(error))
    }
  }

  /// Types that no registered adapter serves now.
  func unserved(_ compiled: CompiledPlan) -> [String] {
    var seen: Set<String> = []
    var warnings: [String] = []
    for task in compiled.plan.tasks where !task.isOwn {
      let adapter = task.adapter ?? compiled.plan.adapter
      guard seen.insert("\(task.type)\n\(adapter ?? "")").inserted,
        !pool.serves(type: task.type, adapter: adapter)
      else { continue }
      let what = adapter.map { "adapter \"\($0)\" is not registered for" } ?? "no adapter serves"
      warnings.append("\(what) type \"\(task.type)\" yet; its tasks wait until one does")
    }
    return warnings
  }

  // MARK: Steering

  /// Applies pause, resume or cancel and answers the state that results.
  func steer(
    _ id: PlanID, _ event: PlanEvent, pageSize: Int,
    _ reply: @escaping (Result<PlanSnapshot, OrchestratorError>) -> Void
  ) {
    guard let entry = plans[id] else {
      reply(
        toReload.contains(id)
          ? .failure(.reloading(id))
          : snapshot(id, from: 0, count: pageSize))
      return
    }
    if let child = unreachableSubPlan(entry) { return reply(.failure(.reloading(child))) }
    change(entry, event, pageSize: pageSize, reply)
  }

  /// Runs a failed plan again; answers the state that results.
  func retry(
    _ id: PlanID, reason: String, pageSize: Int,
    _ reply: @escaping (Result<PlanSnapshot, OrchestratorError>) -> Void
  ) {
    switch entryOfAny(id) {
    case .success(let entry): change(entry, .retry(reason: reason), pageSize: pageSize, reply)
    case .failure(let error): reply(.failure(error))
    }
  }

  /// Changes what may change of a plan; answers the state that results.
  func update(
    _ id: PlanID, _ update: PlanUpdate, pageSize: Int,
    _ reply: @escaping (Result<PlanSnapshot, OrchestratorError>) -> Void
  ) {
    switch entryOfAny(id) {
    case .success(let entry): change(entry, .update(update), pageSize: pageSize, reply)
    case .failure(let error): reply(.failure(error))
    }
  }

  private func change(
    _ entry: PlanEntry, _ event: PlanEvent, pageSize: Int,
    _ reply: @escaping (Result<PlanSnapshot, OrchestratorError>) -> Void
  ) {
    apply(event, to: entry) { [weak self] result in
      guard let self else { return }
      reply(
        result.flatMap { answer in
          if case .refused(let refusal) = answer {
            return .failure(.refused(entry.machine, refusal))
          }
          return .success(snapshot(entry.machine, from: 0, count: pageSize))
        })
    }
  }

  /// A plan in memory, ended or not; the engine says with `.ended` that one is to go again.
  func entryOfAny(_ id: PlanID) -> Result<PlanEntry, OrchestratorError> {
    if let entry = plans[id] { return .success(entry) }
    do throws(StoreError) {
      guard let machine = try stored(id) else { return .failure(.planNotFound(id)) }
      guard machine.plan.finishedAt != nil, !toReload.contains(id) else {
        return .failure(.reloading(id))
      }
      finished.removeAll { $0.id == id }
      let entry = PlanEntry(machine: machine)
      plans[id] = entry
      return .success(entry)
    } catch {
      return .failure(.store(error))
    }
  }

  // MARK: Reading

  /// The state of a plan, as soon as it is durable.
  func read(
    _ id: PlanID, from: Int, count: Int, withOutputs: Bool,
    _ reply: @escaping (Result<PlanSnapshot, OrchestratorError>) -> Void
  ) {
    let taken = snapshot(id, from: from, count: count)
    afterCommit { [weak self] result in
      guard let self, withOutputs else { return reply(result.flatMap { taken }) }
      // Only now outputs that were accepted in this turn are stored.
      reply(result.flatMap { taken }.flatMap(filled))
    }
  }

  private func snapshot(
    _ id: PlanID, from: Int, count: Int
  ) -> Result<PlanSnapshot, OrchestratorError> {
    if let entry = plans[id] {
      var taken = snapshot(entry.machine, from: from, count: count)
      taken.prompts = prompts(taken.tasks, of: entry)
      return .success(taken)
    }
    do throws(StoreError) {
      guard let stored = try stored(id) else { return .failure(.planNotFound(id)) }
      return .success(snapshot(stored, from: from, count: count))
    } catch {
      return .failure(.store(error))
    }
  }

  /// With the outputs of its tasks.
  private func filled(_ taken: PlanSnapshot) -> Result<PlanSnapshot, OrchestratorError> {
    var taken = taken
    let succeeded = taken.tasks.filter { $0.status == .succeeded }
    let ordinals = succeeded.filter { $0.row.itemCount == nil }.map(\.row.ordinal)
    do throws(StoreError) {
      for output in try store.outputs(taken.planID, ordinals: ordinals) {
        taken.outputs[output.ordinal] = output.json
      }
      for task in succeeded where task.row.itemCount != nil {
        taken.outputs[task.row.ordinal] = try list(task.row, of: taken.planID)
      }
      return .success(taken)
    } catch {
      return .failure(.store(error))
    }
  }

  private func snapshot(_ machine: PlanMachine, from: Int, count: Int) -> PlanSnapshot {
    var counts: [TaskStatus: Int] = [:]
    for ordinal in 0..<machine.compiled.taskCount {
      let status = machine.status(of: ordinal)
      counts[status.shown, default: 0] += 1
    }
    let end = min(machine.rows.count, from + count)
    let page = from < end ? from..<end : end..<end
    return PlanSnapshot(
      planID: machine.id, creation: machine.creation, plan: machine.plan, counts: counts,
      tasks: page.map {
        PlanSnapshot.Task(
          row: shown(machine, $0), status: machine.status(of: $0), home: machine.home($0),
          index: machine.index(of: $0), endedItems: machine.endedItems(of: $0))
      },
      next: end < machine.rows.count ? end : nil, namespaceHold: namespaceHold(machine))
  }

  func namespaceHold(_ machine: PlanMachine) -> NamespaceHold? {
    guard machine.plan.status == .running,
      let message = pool.budgets.exhaustion(of: machine.creation.namespace)
    else { return nil }
    let account = pool.budgets.accounts[machine.creation.namespace]
    return NamespaceHold(message: message, until: account?.periodEnd)
  }

  // MARK: Results

  /// A result by callback. Finished plans are looked at in the store, so that a repeated report
  /// gets the answer it got before.
  func report(
    _ key: IdempotencyKey, _ attempt: Int32, _ token: Int64, _ intake: ResultIntake,
    _ reply: @escaping (Result<Decision.Answer, OrchestratorError>) -> Void
  ) {
    let entry: PlanEntry
    if let live = plans[key.planID] {
      entry = live
    } else {
      switch loaded(key.planID) {
      case .present(let machine) where machine.plan.finishedAt != nil:
        entry = PlanEntry(machine: machine)
      case .absent:
        reply(.failure(.planNotFound(key.planID)))
        return
      case .present, nil:
        reply(.failure(.reloading(key.planID)))
        return
      }
    }
    guard let ordinal = entry.ordinal(of: key) else {
      reply(
        .failure(
          OrchestratorError(
            .taskNotFound, "plan \(key.planID) has no task \"\(key.taskID)\"",
            about: ["plan_id": "\(key.planID)", "task_id": "\(key.taskID)"])))
      return
    }
    let lease = TaskLease(ordinal: ordinal, attempt: attempt, token: token)
    let checked = intake.checked(against: entry.schema(of: ordinal))
    settle(lease, checked, entry, then: reply)
  }

  /// The output schema of a task, to check an output with on another thread.
  func schema(of key: IdempotencyKey) -> OutputSchema? {
    guard let entry = plans[key.planID] else { return nil }
    return entry.ordinal(of: key).flatMap { entry.schema(of: $0) }
  }

  /// That a run began, or what it says; late ones say nothing.
  func progress(_ run: RunName, started: Bool, _ note: ProgressNote?) {
    guard let entry = plans[run.key.planID],
      let ordinal = entry.ordinal(of: run.key)
    else { return }
    let lease = TaskLease(ordinal: ordinal, attempt: run.attempt, token: run.token)
    guard entry.isOut(lease) else { return }
    if started { began(entry, lease) }
    entry.sends[ordinal]?.lastSignAt = now
    guard let note else { return }
    if let usage = note.usage { heard(usage, entry, lease) }
    publish(note, entry)
  }
}
