internal import GRPC
internal import Logging
internal import Messages
internal import NIOCore

/// Runs attempts: between the rules (`RunTable`), the journal and the runner.
///
/// Lives on the event loop that carries the adapter's calls both ways: every change of thread would
/// cost more than what is done here for a task.
actor RunHost {
  /// Why a run is ended from outside.
  enum Stop {
    case cancelled
    case deadline
    case handedBack
  }

  /// A run whose task is alive in this process.
  struct LiveRun {
    var request: TaskRequest
    let ended = Latch()
    let progress: RunProgress
    /// When it must have ended; nil: no limit.
    var deadline: ContinuousClock.Instant?
    var stop: Stop?
    /// The run's code; `result` once it has ended, `waiter` is told.
    var work: Task<Void, Never>?
    var result: Result<TaskOutput, any Error>?
    var waiter: CheckedContinuation<Result<TaskOutput, any Error>, Never>?
    var timers: [Task<Void, Never>] = []
  }

  /// Sends one result; the answer or the refusal.
  typealias Report =
    nonisolated(nonsending) @Sendable (BatonV1.ReportTaskResultRequest) async -> Result<
      BatonV1.ReportTaskResultResponse, RPCError
    >

  let runner: any TaskRunner
  let configuration: AdapterConfiguration
  let journal: RunJournal?
  let observer: RunObserver
  let log: Logger
  /// Nil in poll mode.
  let report: Report?
  let wakeProgress: @Sendable () -> Void
  /// Told once, when memory and journal may differ.
  let onFatal: @Sendable (AdapterError) -> Void
  var table: RunTable
  var live: [RunReference: LiveRun] = [:]
  /// What runs that have ended said last.
  var lastWords: [(RunReference, RunProgress)] = []
  /// Deliveries under way; the latch ends a delay between two tries.
  var deliveries: [RunReference: Latch] = [:]
  var nobodyDelivers = Latch()
  /// The process is about to end: nothing is reported any more.
  var isOver = false
  private var answered: Int64 = 0
  private var isDraining = false
  /// Of the runner, for people; empty where the last run ended well.
  var lastError = ""
  /// When the runs are looked over for deadlines that have passed; nil: not at all.
  var lookOverAt: ContinuousClock.Instant?
  let clock = ContinuousClock()
  private let startedAt: ContinuousClock.Instant

  private let executor: any SerialExecutor
  nonisolated let unownedExecutor: UnownedSerialExecutor

  init(
    loop: any EventLoop, runner: any TaskRunner, configuration: AdapterConfiguration,
    table: RunTable,
    journal: RunJournal?, observer: @escaping RunObserver, log: Logger, report: Report?,
    wakeProgress: @escaping @Sendable () -> Void,
    onFatal: @escaping @Sendable (AdapterError) -> Void
  ) {
    self.runner = runner
    self.configuration = configuration
    self.table = table
    self.journal = journal
    self.observer = observer
    self.log = log
    self.report = report
    self.wakeProgress = wakeProgress
    self.onFatal = onFatal
    startedAt = clock.now
    executor = loop.executor
    unownedExecutor = executor.asUnownedSerialExecutor()
    nobodyDelivers.open()
  }

  /// Milliseconds on the clock of the table.
  var now: Int64 { (clock.now - startedAt).milliseconds }

  var inFlight: Int { table.runningCount }

  /// P3, P4: what is held now, ordered against the answers given so far.
  var list: BatonV1.RunList {
    BatonV1.RunList(
      runs: table.listed.map { BatonV1.RunReport($0) }, epoch: table.epoch, answered: answered)
  }

  // MARK: Calls of the orchestrator

  /// - Parameter resumes: The answer for a run that is parked.
  func dispatch(
    _ message: BatonV1.DispatchTaskRequest, resumes: Bool = false
  ) async throws -> BatonV1.TaskHandle {
    let handOut = try HandOut(message, resumes: resumes)
    observer(RunEvent(.received, handOut))
    do {
      return try await take(handOut, message)
    } catch let error as RPCError {
      observer(RunEvent(.refused, handOut, code: error.reason ?? "\(error.code)"))
      throw error
    }
  }

  private func take(
    _ handOut: HandOut, _ message: BatonV1.DispatchTaskRequest
  ) async throws -> BatonV1.TaskHandle {
    var request = try TaskRequest(message)
    request.resumes = handOut.resumes
    if table.wouldStart(handOut) {
      guard !isDraining else { throw busy("DRAINING", "this adapter is shutting down") }
      try validate(request)
    }
    let (verdict, ended) = table.handOut(handOut)
    let ticket = save()
    let older = stop(ended, .cancelled)
    if verdict == .start { start(handOut.run, request, ticket, older) }
    try await durable(ticket)
    if let refusal = refusal(verdict) { throw refusal }
    deliver(handOut.run)
    answered += 1
    return BatonV1.TaskHandle(
      idempotencyKey: message.idempotencyKey, attempt: message.attempt, token: message.token,
      handle: table[handOut.run]?.handle ?? "", epoch: table.epoch, answered: answered)
  }

  private func validate(_ request: TaskRequest) throws(RPCError) {
    do throws(TaskRejection) {
      guard runner.taskTypes.contains(request.type) else {
        throw TaskRejection(
          .unsupported, code: "TASK_TYPE_UNSUPPORTED",
          message: "type \"\(request.type)\" is not served here; "
            + "\(runner.taskTypes.joined(separator: ", ")) are")
      }
      try runner.validate(request)
    } catch { throw error.rpcError }
  }

  private func refusal(_ verdict: HandOutVerdict) -> RPCError? {
    switch verdict {
    case .start, .same: nil
    case .noRoom: busy("CONCURRENCY", "\(table.runningCount) tasks are running")
    case .lost:
      RPCError(
        code: .notFound, reason: "RUN_LOST",
        message: "the run was lost with its process; a higher token starts it again")
    case .superseded:
      RPCError(
        code: .failedPrecondition, reason: "LATER_ATTEMPT",
        message: "a later attempt of this task is known here")
    case .cancelled:
      RPCError(
        code: .failedPrecondition, reason: "RUN_CANCELLED", message: "this attempt was cancelled")
    case .ended:
      RPCError(
        code: .failedPrecondition, reason: "RUN_ENDED",
        message: "this attempt has ended and its result was acknowledged")
    }
  }

  private func busy(_ reason: String, _ message: String) -> RPCError {
    RPCError(
      code: .resourceExhausted, reason: reason, message: message,
      retryDelay: configuration.busyRetryAfter)
  }

  /// The result, waited for at most `wait`.
  func poll(
    _ reference: RunReference, token: Int64, wait: Duration
  ) async throws -> BatonV1.GetTaskResultResponse {
    var run = table.ask(reference, token: token)
    if run?.isRunning == true, let ended = live[reference]?.ended, wait > .zero {
      await ended.wait(atMost: wait)
      run = table.ask(reference, token: token)
    }
    try await durable(save())
    deliver(reference)
    guard let run else {
      throw RPCError(
        code: .notFound, reason: "UNKNOWN_RUN", message: "there is no such run here")
    }
    var response = BatonV1.GetTaskResultResponse(
      attempt: reference.attempt, token: token, state: .pending(true), started: run.hasStarted)
    if let bytes = run.result {
      let result = try BatonV1.TaskResult(serializedBytes: bytes)
      response.state = .result(result)
      observer(RunEvent(.reported, run.handOut, code: "POLLED", result: result))
    }
    return response
  }

  /// Ends a run, or remembers that it must not begin (P10).
  func cancel(_ reference: RunReference) async throws -> BatonV1.CancelOutcome {
    let (verdict, ended) = table.cancel(reference, now: now)
    let ticket = save()
    stop(ended, .cancelled)
    try await durable(ticket)
    return switch verdict {
    case .accepted: .accepted
    case .alreadyFinished: .alreadyFinished
    case .notFound: .notFound
    }
  }

  /// Ends a run without a result: a hand-out with a higher token starts it again.
  func handBack(_ reference: RunReference) -> BatonV1.CancelOutcome {
    guard let run = table[reference] else { return .notFound }
    if run.isRunning {
      stop([reference], .handedBack)
      return .accepted
    }
    return run.result == nil ? .notFound : .alreadyFinished
  }

  /// What a reply to RegisterAdapter or Heartbeat asks for.
  func obey(cancel: [BatonV1.RunRef], forget: [BatonV1.RunRef]) async throws {
    for run in forget {
      table.forget(RunReference(key: run.idempotencyKey, attempt: run.attempt), now: now)
    }
    for run in cancel {
      let reference = RunReference(key: run.idempotencyKey, attempt: run.attempt)
      stop(table.cancel(reference, now: now).ended, .cancelled)
    }
    try await durable(save())
  }

  // MARK: Durability

  /// Gives the changes so far to the journal; nil without one.
  @discardableResult
  func save() -> RunJournal.Ticket? {
    let changes = table.takeChanges()
    return journal?.append(changes)
  }

  /// Returns once what was given by then is durable.
  func durable(_ ticket: RunJournal.Ticket?) async throws(RPCError) {
    guard let journal, let ticket else { return }
    do {
      try await journal.wait(for: ticket)
    } catch {
      onFatal(error as? AdapterError ?? AdapterError(.dataUnusable, "\(error)"))
      throw RPCError(
        code: .unavailable, reason: "JOURNAL",
        message: "the table of runs cannot be written: \(error)")
    }
  }

  /// Lets old rows go; keeps the journal short.
  func tidy() {
    table.expire(now: now)
    if let journal, journal.isWorthReplacing {
      _ = table.takeChanges()
      _ = journal.replace(with: table.runs.values)
    } else {
      save()
    }
  }

  // MARK: The end

  /// Starts no further run.
  func drain() { isDraining = true }

  /// Waits until no run is left, at most `grace`.
  func finishAll(within grace: Duration) async {
    let deadline = clock.now + grace
    for run in live.values { await run.ended.wait(atMost: deadline - clock.now) }
  }

  /// The last change is durable; another process may take over the data folder.
  func close() async {
    save()
    await journal?.close()
  }

  /// Ends every run without a result: a hand-out with a higher token starts it again.
  func handBackAll(within grace: Duration) async {
    stop(Array(live.keys), .handedBack)
    await finishAll(within: grace)
  }
}
