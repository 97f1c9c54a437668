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
    if let timeout = request.timeout {
      run.timers.append(after(timeout) { await $0.deadlinePassed(reference) })
    }
    live[reference] = run
    // Detached, here and below: a run outlives the call that starts it, and must not inherit that
    // call's deadline (`CallScope`).
    Task.detached { await self.supervise(reference, ticket, older) }
  }

  private func supervise(
    _ reference: RunReference, _ ticket: RunJournal.Ticket?, _ older: [Latch]
  ) async {
    do {
      try await durable(ticket)
      // Two attempts of one task never run side by side.
      for ended in older { await ended.wait() }
      let outcome = await execute(reference)
      try await settle(reference, outcome)
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
    deliver(reference)
  }

  /// How the run ended; nil where it was handed back.
  private func execute(_ reference: RunReference) async -> Result<TaskOutput, TaskFailure>? {
    guard let run = live[reference] else { return nil }
    guard run.stop == nil else { return outcome(of: run, nil) }
    table.begin(reference)
    run.progress.started()
    if let row = table[reference] { observer(RunEvent(.started, row.handOut)) }
    let work = Task.detached { [runner] in
      try await runner.run(run.request, progress: run.progress)
    }
    live[reference]?.work = work
    let result = await work.result
    return live[reference].flatMap { outcome(of: $0, result) }
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

  private func settle(
    _ reference: RunReference, _ outcome: Result<TaskOutput, TaskFailure>?
  ) async throws {
    guard let row = table[reference] else { return }
    guard let outcome else {
      table.lose(reference, now: now)
      return try await durable(save())
    }
    let result = BatonV1.TaskResult(row.handOut.taskID, outcome)
    observer(
      RunEvent(
        .finished, row.handOut, code: result.error?.code ?? "SUCCEEDED", result: result))
    remember(result, of: reference)
    table.finish(reference, result: result.serializedBytes())
    try await durable(save())
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

  private func deadlinePassed(_ reference: RunReference) { stop([reference], .deadline) }

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
