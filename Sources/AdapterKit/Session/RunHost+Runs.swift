internal import GRPC
internal import Logging
internal import Messages

/// One run from its durable row to its durable result.
extension RunHost {
  func start(
    _ reference: RunReference, _ request: TaskRequest, _ ticket: RunJournal.Ticket?,
    _ older: [Latch]
  ) {
    var run = LiveRun(request: request, progress: RunProgress(wake: wakeProgress))
    run.deadline = request.timeout.map { clock.now + $0 }
    live[reference] = run
    if let deadline = run.deadline { lookOver(at: deadline) }
    // Detached, here and below: a run outlives the call that starts it, and must not inherit that
    // call's deadline (`CallScope`).
    _ = Task.immediateDetached { await self.supervise(reference, ticket, older) }
  }

  private func supervise(
    _ reference: RunReference, _ ticket: RunJournal.Ticket?, _ older: [Latch]
  ) async {
    var result: BatonV1.TaskResult?
    do {
      try await durable(ticket)
      // Two attempts of one task never run side by side.
      for ended in older { await ended.wait() }
      let outcome = await execute(reference)
      result = try await settle(reference, outcome)
    } catch {
      // `onFatal` has been told: this process ends.
      log.critical("a run is given up", metadata: ["run": "\(reference)", "error": "\(error)"])
    }
    for timer in live[reference]?.timers ?? [] { timer.cancel() }
    if let run = live.removeValue(forKey: reference) {
      lastWords.append((reference, run.progress))
      run.ended.open()
    }
    wakeProgress()
    deliver(reference, result)
  }

  /// How the run ended; nil where it was handed back.
  private func execute(_ reference: RunReference) async -> Result<TaskOutput, TaskFailure>? {
    guard let run = live[reference] else { return nil }
    guard run.stop == nil else { return outcome(of: run, nil) }
    table.begin(reference)
    run.progress.started()
    if let row = table[reference] { observer(RunEvent(.started, row.handOut)) }
    let result = await result(of: run, reference)
    return live[reference].flatMap { outcome(of: $0, result) }
  }

  /// Waits for the end of the run's code on this actor; `Task.result` would change threads for it.
  private func result(
    of run: LiveRun, _ reference: RunReference
  ) async -> Result<TaskOutput, any Error> {
    let work = begin(run, reference)
    if let result = live[reference]?.result { return result }
    live[reference]?.work = work
    return await withCheckedContinuation { live[reference]?.waiter = $0 }
  }

  private func codeEnded(_ reference: RunReference, _ result: Result<TaskOutput, any Error>) {
    live[reference]?.result = result
    live[reference]?.waiter?.resume(returning: result)
  }

  /// What may block goes to threads of its own.
  private func begin(_ run: LiveRun, _ reference: RunReference) -> Task<Void, Never> {
    guard runner.neverBlocks else {
      return Task.detached { [runner] in
        let result = await Self.result(of: runner, run)
        await self.codeEnded(reference, result)
      }
    }
    return Task.immediateDetached {
      self.codeEnded(reference, await Self.result(of: self.runner, run))
    }
  }

  private static func result(
    of runner: any TaskRunner, _ run: LiveRun
  ) async -> Result<TaskOutput, any Error> {
    do { return .success(try await runner.run(run.request, progress: run.progress)) } catch {
      return .failure(error)
    }
  }

  private func outcome(
    of run: LiveRun, _ result: Result<TaskOutput, any Error>?
  ) -> Result<TaskOutput, TaskFailure>? {
    // An output that came before the end from outside took effect stands.
    if case .success(let output) = result { return .success(output) }
    var failure: TaskFailure?
    if case .failure(let error) = result {
      failure =
        error as? TaskFailure
        ?? TaskFailure(.transient, code: "UNKNOWN", message: "\(type(of: error)): \(error)")
    }
    switch run.stop {
    case .handedBack: return nil
    case .deadline:
      return .failure(
        TaskFailure(
          .timeout, code: "START_TO_CLOSE",
          message: "the attempt did not end within \(run.request.timeout ?? .zero)",
          usage: failure?.usage))
    case .cancelled:
      return .failure(
        TaskFailure(
          .cancelled, code: "CANCELLED", message: "the run was cancelled", usage: failure?.usage))
    case nil: return failure.map { .failure($0) }
    }
  }

  /// Answers the result that is to be reported; nil where the run was handed back.
  private func settle(
    _ reference: RunReference, _ outcome: Result<TaskOutput, TaskFailure>?
  ) async throws -> BatonV1.TaskResult? {
    guard let row = table[reference] else { return nil }
    guard let outcome else {
      table.lose(reference, now: now)
      try await durable(save())
      return nil
    }
    let result = BatonV1.TaskResult(row.handOut.taskID, outcome)
    observer(
      RunEvent(
        .finished, row.handOut,
        code: result.error?.code ?? (result.outcome == .waitingInput ? "ASKED" : "SUCCEEDED"),
        result: result))
    remember(result, of: reference)
    let question = result.outcome == .waitingInput ? row.handOut.answerCount + 1 : 0
    table.finish(reference, result: result.serializedBytes(), question: question)
    try await durable(save())
    return result
  }

  private func remember(_ result: BatonV1.TaskResult, of reference: RunReference) {
    guard let error = result.error else {
      lastError = ""
      log.debug("attempt succeeded", metadata: ["run": "\(reference)"])
      return
    }
    if error.errorClass != .cancelled {
      lastError = "\(error.code): \(error.message)".sendable(byteCount: 500)
    }
    log.info(
      "attempt failed",
      metadata: [
        "run": "\(reference)", "class": "\(error.errorClass)", "code": "\(error.code)",
        "error": "\(error.message)",
      ])
  }

  // MARK: Ending runs

  /// Tells runs to end; answers what to wait for until they have.
  @discardableResult
  func stop(_ references: [RunReference], _ reason: Stop) -> [Latch] {
    references.compactMap { reference in
      guard let run = live[reference] else { return nil }
      guard run.stop == nil else { return run.ended }
      live[reference]?.stop = reason
      if let row = table[reference] {
        observer(RunEvent(.cancelled, row.handOut, code: reason.code))
      }
      run.work?.cancel()
      live[reference]?.timers.append(
        after(configuration.cancelPatience) { await $0.complain(reference) })
      return run.ended
    }
  }

  /// Sees to it that runs are ended whose deadline has passed by then. One timer for them all: a run
  /// that ends in time costs nothing here.
  private func lookOver(at deadline: ContinuousClock.Instant) {
    guard lookOverAt.map({ deadline < $0 }) ?? true else { return }
    lookOverAt = deadline
    _ = Task.immediateDetached {
      do { try await Task.sleep(until: deadline, clock: self.clock) } catch { return }
      // An earlier one has taken its place where the times differ.
      if self.lookOverAt == deadline { self.lookOver() }
    }
  }

  private func lookOver() {
    lookOverAt = nil
    let now = clock.now
    var next: ContinuousClock.Instant?
    var due: [RunReference] = []
    for (reference, run) in live where run.stop == nil {
      guard let deadline = run.deadline else { continue }
      if deadline <= now { due.append(reference) } else { next = min(next ?? deadline, deadline) }
    }
    stop(due.sorted(), .deadline)
    if let next { lookOver(at: next) }
  }

  private func complain(_ reference: RunReference) {
    lastError = "a run does not end although it was told to"
    log.error("\(lastError)", metadata: ["run": "\(reference)"])
  }

  private func after(
    _ duration: Duration, _ action: @escaping @Sendable (RunHost) async -> Void
  ) -> Task<Void, Never> {
    Task.detached {
      do { try await Task.sleep(for: duration) } catch { return }
      await action(self)
    }
  }

  // MARK: Progress

  /// What runs said since the last call.
  func takeProgress() -> [BatonV1.RunProgress] {
    var items: [BatonV1.RunProgress] = []
    for (reference, progress) in lastWords {
      guard let row = table[reference] else { continue }
      items += progress.take(reference, token: row.token, hasEnded: true)
    }
    lastWords = []
    for (reference, run) in live {
      guard let row = table[reference] else { continue }
      items += run.progress.take(reference, token: row.token, hasEnded: false)
    }
    return items
  }
}

extension RunHost.Stop {
  /// The word for it in errors and ledgers.
  var code: String {
    switch self {
    case .cancelled: "CANCELLED"
    case .deadline: "START_TO_CLOSE"
    case .handedBack: "HANDED_BACK"
    }
  }
}
