public import Engine
internal import JSON
public import Plan
public import Queue
public import Store

/// The orchestrator as its service sees it: every call may come from any thread, and answers only
/// when what it answers is durable.
public final class PlanOrchestrator: Sendable {
  public let options: OrchestratorOptions
  public let store: any PlanStore
  private let queue: any HandOutQueue
  private let thread = ShardThread()
  private let clock: any EngineClock
  private let onProblem: @Sendable (OrchestratorProblem) -> Void

  public init(
    store: any PlanStore, queue: any HandOutQueue, clock: any EngineClock,
    options: OrchestratorOptions,
    onProblem: @escaping @Sendable (OrchestratorProblem) -> Void
  ) {
    self.onProblem = onProblem
    self.store = store
    self.queue = queue
    self.clock = clock
    self.options = options
  }

  /// Loads what was unfinished and begins to work. Answers how many plans go on.
  public func start(port: any AdapterPort) async throws -> Int {
    try queue.subscribe { [thread] hints in thread.post { $0.take(hints) } }
    let (store, queue, clock, options) = (store, queue, clock, options)
    let (thread, onProblem) = (thread, onProblem)
    thread.start {
      Shard(
        store: store, queue: queue, port: port, clock: clock, options: options,
        onProblem: onProblem, post: { thread.post($0) })
    }
    return try await ask { shard, reply in
      do throws(StoreError) { reply(.success(try shard.recover())) } catch {
        reply(.failure(.store(error)))
      }
    }
  }

  /// Ends every watcher with UNAVAILABLE, so that nobody keeps a stopping server from ending; they
  /// go on where they were with the next server.
  public func endWatching() {
    thread.post { $0.endWatching() }
  }

  /// Takes every run back from its adapter; after the next start they are handed out again (S11).
  /// Answers how many, once that is durable and every adapter has answered or could not be reached.
  public func withdrawAll() async throws(OrchestratorError) -> Int {
    try await ask { $0.withdrawAll($1) }
  }

  /// Finishes what has been asked, then closes queue and store. Runs with adapters go on; their
  /// results are taken after the next start (S11).
  public func stop() {
    thread.stop()
    queue.close()
    store.close()
  }

  private typealias Reply<T> = @Sendable (Result<T, OrchestratorError>) -> Void

  private func ask<T: Sendable>(
    _ body: @escaping @Sendable (Shard, @escaping Reply<T>) -> Void
  ) async throws(OrchestratorError) -> T {
    let result: Result<T, OrchestratorError> = await withCheckedContinuation { continuation in
      let isTaken = thread.post { shard in body(shard) { continuation.resume(returning: $0) } }
      if !isTaken { continuation.resume(returning: .failure(.stopping)) }
    }
    return try result.get()
  }

  // MARK: Callers

  /// Checks a plan. Throws everything that is wrong.
  public func compile(_ plan: Plan) throws(PlanProblems) -> CompiledPlan {
    try CompiledPlan(plan, defaults: options.defaults, limits: options.limits)
  }

  /// Stores and starts a plan (S1). `requestDigest` is of the request's body.
  public func submit(
    _ compiled: CompiledPlan, planID: PlanID, namespace: String, requestKey: String?,
    requestDigest: Digest
  ) async throws(OrchestratorError) -> SubmitAnswer {
    let creation = PlanCreation(
      namespace: namespace, requestKey: requestKey, requestDigest: requestDigest,
      plan: compiled.plan, defaults: compiled.defaults)
    let submission = Shard.Submission(planID: planID, compiled: compiled, creation: creation)
    return try await ask { $0.submit(submission, $1) }
  }

  /// Types that no registered adapter serves now, as sentences.
  public func warnings(for compiled: CompiledPlan) async throws(OrchestratorError) -> [String] {
    try await ask { shard, reply in reply(.success(shard.unserved(compiled))) }
  }

  /// One page of a plan's state.
  public func read(
    _ id: PlanID, from: Int, count: Int, withOutputs: Bool
  ) async throws(OrchestratorError) -> PlanSnapshot {
    try await ask { $0.read(id, from: from, count: count, withOutputs: withOutputs, $1) }
  }

  /// What the tasks of a plan wait for that do not run: groups on the first page, tasks from an ordinal
  /// on.
  public func explain(
    _ id: PlanID, from: Int, count: Int
  ) async throws(OrchestratorError) -> PlanExplanation {
    try await ask { $0.explain(id, from: from, count: count, $1) }
  }

  /// Pauses, resumes or cancels (S7); answers the state with at most `pageSize` tasks.
  public func steer(
    _ id: PlanID, _ event: PlanEvent, pageSize: Int
  ) async throws(OrchestratorError) -> PlanSnapshot {
    try await ask { $0.steer(id, event, pageSize: pageSize, $1) }
  }

  /// Runs a failed plan again; answers the state with at most `pageSize` tasks.
  public func retry(
    _ id: PlanID, reason: String, pageSize: Int
  ) async throws(OrchestratorError) -> PlanSnapshot {
    try await ask { $0.retry(id, reason: reason, pageSize: pageSize, $1) }
  }

  /// Changes what may change of a plan; answers the state with at most `pageSize` tasks.
  public func update(
    _ id: PlanID, _ update: PlanUpdate, pageSize: Int
  ) async throws(OrchestratorError) -> PlanSnapshot {
    try await ask { $0.update(id, update, pageSize: pageSize, $1) }
  }

  /// Settles a task that waits for input. The value is read and hashed on the calling thread; one
  /// that cannot be taken is answered as problems.
  public func complete(
    _ id: PlanID, task taskID: String, index: Int32 = 0, attempt: Int32, question: Int32 = 0,
    _ decision: TaskDecision
  ) async throws(OrchestratorError) -> Result<CompletionAnswer, PlanProblems> {
    let intake: CompletionIntake
    do throws(PlanProblems) {
      intake = try CompletionIntake(decision, question: question, limits: options.limits)
    } catch { return .failure(error) }
    return .success(
      try await ask { $0.complete(id, task: taskID, index: index, attempt: attempt, intake, $1) })
  }

  /// What comes after the cursor; waits until there is something. Ends with `.cancelled` when the
  /// calling task is cancelled.
  public func watch(
    _ id: PlanID, _ cursor: WatchCursor
  ) async throws(OrchestratorError) -> WatchBatch {
    let ticket = WatchTicket()
    let result: Result<WatchBatch, OrchestratorError> = await withTaskCancellationHandler {
      do throws(OrchestratorError) {
        return .success(
          try await ask { shard, reply in
            let number = shard.watch(id, cursor, reply)
            if let number, ticket.waits(as: number) { shard.unwatch(id, number) }
          })
      } catch { return .failure(error) }
    } onCancel: {
      thread.post { shard in
        if let number = ticket.cancel() { shard.unwatch(id, number) }
      }
    }
    return try result.get()
  }

  // MARK: Adapters

  public struct ListAnswer: Sendable, Equatable {
    public var sessionID: String
    /// Runs the adapter is to end.
    public var cancel: [RunReference]
    /// Results the adapter is to delete.
    public var forget: [RunReference]

    init(_ reply: Shard.ListReply) {
      sessionID = reply.sessionID
      cancel = reply.cancel
      forget = reply.forget
    }
  }

  public func register(
    _ registration: Registration, _ list: RunList, sessionID: String
  ) async throws(OrchestratorError) -> ListAnswer {
    try await ask { shard, reply in
      let answer = ListAnswer(shard.register(registration, list, sessionID: sessionID))
      shard.afterCommit { reply($0.map { answer }) }
    }
  }

  public func heartbeat(
    sessionID: String, _ list: RunList, lastError: String
  ) async throws(OrchestratorError) -> ListAnswer {
    try await ask { shard, reply in
      do throws(OrchestratorError) {
        let answer = ListAnswer(
          try shard.heartbeat(sessionID: sessionID, list, lastError: lastError))
        // What the reply ends or forgets must be durable first (P12).
        shard.afterCommit { reply($0.map { answer }) }
      } catch { reply(.failure(error)) }
    }
  }

  /// Answers how many tasks are still with the adapter.
  public func deregister(
    sessionID: String, handsBack: Bool
  ) async throws(OrchestratorError) -> Int {
    try await ask { shard, reply in
      do throws(OrchestratorError) {
        let count = try shard.deregister(sessionID: sessionID, handsBack: handsBack)
        shard.afterCommit { reply($0.map { count }) }
      } catch { reply(.failure(error)) }
    }
  }

  /// Takes a result by callback (S4). Answers whether it had been recorded before; refusals are
  /// thrown. The output is read and hashed on the calling thread.
  public func report(
    _ key: IdempotencyKey, attempt: Int32, token: Int64, _ result: AdapterResult
  ) async throws(OrchestratorError) -> Bool {
    var intake = ResultIntake(result, limits: options.limits)
    if result.output.count > Self.bigOutputBytes {
      let schema: OutputSchema? = try await ask { shard, reply in
        reply(.success(shard.schema(of: key)))
      }
      intake = intake.checked(against: schema)
    }
    let answer: Decision.Answer = try await ask { [intake] in
      $0.report(key, attempt, token, intake, $1)
    }
    switch answer {
    case .done: return false
    case .alreadyRecorded: return true
    case .refused(let refusal):
      throw OrchestratorError(
        refusal.code,
        "the result of \(key), attempt \(attempt), token \(token) is refused: \(refusal.sentence)",
        about: ["plan_id": "\(key.planID)", "task_id": "\(key.taskID)"])
    }
  }

  /// The shard checks smaller outputs against their schemas itself.
  private static let bigOutputBytes = 64 << 10

  /// That a run began, or what it says.
  public func progress(_ run: RunName, started: Bool, _ note: ProgressNote?) {
    thread.post { $0.progress(run, started: started, note) }
  }

  /// Everybody who is or was registered, by instance.
  public func adapters() async throws(OrchestratorError) -> [AdapterSnapshot] {
    try await ask { shard, reply in
      reply(.success(shard.adapterSnapshots()))
    }
  }

  /// Whether the session is alive.
  public func hasSession(_ sessionID: String) async throws(OrchestratorError) -> Bool {
    try await ask { shard, reply in reply(.success(shard.sessions.find(sessionID) != nil)) }
  }
}

extension Shard {
  fileprivate func adapterSnapshots() -> [AdapterSnapshot] {
    sessions.all.values.sorted { $0.registration.instance < $1.registration.instance }
      .compactMap { session in
        let health: AdapterSnapshot.Health
        switch session.health {
        case .expected: return nil
        case .alive: health = .alive
        case .draining: health = .draining
        case .lost: health = .lost
        }
        return AdapterSnapshot(
          registration: session.registration, health: health,
          inFlight: pool.load(of: session.registration.instance),
          registeredAt: session.registeredAt, lastHeartbeatAt: session.lastHeartbeatAt,
          lastError: session.lastError)
      }
  }
}
