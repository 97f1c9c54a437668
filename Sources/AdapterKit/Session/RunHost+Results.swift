internal import GRPC
internal import Logging
internal import Messages

/// Repeats every result until it is acknowledged (callback mode).
extension RunHost {
  /// Begins to report the result of a run, where one is due and nobody does.
  ///
  /// - Parameter result: The result, if the caller has it at hand.
  func deliver(_ reference: RunReference, _ result: BatonV1.TaskResult? = nil) {
    guard report != nil, deliveries[reference] == nil, table[reference]?.isDue == true else {
      return
    }
    if deliveries.isEmpty { nobodyDelivers = Latch() }
    deliveries[reference] = Latch()
    _ = Task.immediateDetached { await self.repeatReport(reference, result) }
  }

  /// After a start: whatever the process before did not get rid of.
  func deliverAll() {
    for run in table.listed { deliver(run.reference) }
  }

  /// The orchestrator is back: no delivery waits for the end of its delay.
  func hurryDeliveries() {
    for wake in deliveries.values { wake.open() }
  }

  /// Until nothing is being delivered, at most `limit`.
  func deliveriesEnd(within limit: Duration) async { await nobodyDelivers.wait(atMost: limit) }

  /// Whatever is not acknowledged by now is left to the next start.
  func giveUpDeliveries() {
    isOver = true
    hurryDeliveries()
  }

  private func repeatReport(_ reference: RunReference, _ result: BatonV1.TaskResult?) async {
    var delays = RetryDelays(configuration)
    let known = table[reference]?.result
    while !isOver, let run = table[reference], run.isDue, let bytes = run.result {
      // A run that was resumed meanwhile has another one.
      let current = bytes == known ? result : nil
      guard let answer = await send(run, bytes, current), !isOver else { break }
      switch answer {
      case .verdict(let verdict):
        table.reported(reference, token: run.token, verdict, now: now)
        save()
      case .again(let delay):
        let wake = Latch()
        deliveries[reference] = wake
        await wake.wait(atMost: max(delay, delays.nextDelay()))
      }
    }
    deliveries[reference] = nil
    if deliveries.isEmpty { nobodyDelivers.open() }
  }

  private enum Answer {
    case verdict(ReportVerdict)
    case again(after: Duration)
  }

  /// Nil where the stored result cannot be read: it is never ours then.
  private func send(
    _ run: Run, _ bytes: [UInt8], _ known: BatonV1.TaskResult?
  ) async -> Answer? {
    let result: BatonV1.TaskResult
    do { result = try known ?? BatonV1.TaskResult(serializedBytes: bytes) } catch {
      log.critical(
        "a stored result is unreadable",
        metadata: ["run": "\(run.reference)", "error": "\(error)"])
      return nil
    }
    let request = BatonV1.ReportTaskResultRequest(
      idempotencyKey: run.reference.key, attempt: run.reference.attempt, token: run.token,
      result: result)
    guard let answer = await report?(request) else { return nil }
    switch answer {
    case .success(let reply):
      guard reply.attempt == request.attempt, reply.token == request.token else {
        // P6: an answer to another question is none.
        log.error("the answer is for another token", metadata: ["run": "\(run.reference)"])
        return .again(after: .zero)
      }
      let code = reply.alreadyRecorded ? "ALREADY_RECORDED" : "OK"
      observer(RunEvent(.reported, run.handOut, code: code, result: result))
      return .verdict(.settled)
    case .failure(let error): return isOver ? nil : judge(error, run, result)
    }
  }

  /// P8: which refusals end the repeating, and which let the result go.
  private func judge(_ error: RPCError, _ run: Run, _ result: BatonV1.TaskResult) -> Answer {
    switch error.code {
    case .unavailable, .deadlineExceeded: return .again(after: .zero)
    case .resourceExhausted:
      if let delay = error.retryDelay { return .again(after: delay) }
    default: break
    }
    let code = error.reason ?? "\(error.code)"
    observer(RunEvent(.reported, run.handOut, code: code, result: result))
    if error.code == .failedPrecondition, code == "ALREADY_TERMINAL" { return .verdict(.terminal) }
    log.warning(
      "a result is kept, not taken",
      metadata: ["run": "\(run.reference)", "code": "\(code)", "error": "\(error.message)"])
    return .verdict(.refused)
  }
}
