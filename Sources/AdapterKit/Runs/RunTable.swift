/// Every run that an adapter knows, by idempotency key and attempt: the rules of the hand-out on the
/// adapter's side (P1 to P10 of docs/contract.md) as a value, without any I/O.
///
/// Every method takes an event and returns what is to be answered and done. Whoever calls it makes
/// the rows named by `takeChanges` durable before answering. `now` is in milliseconds on one clock of
/// the caller's that never goes back.
struct RunTable: Sendable {
  /// How long rows stay that no longer matter to a run of this adapter.
  struct Retention: Sendable {
    /// P9: longer than any DispatchTask can be under way, in milliseconds.
    var tombstone: Int64
    /// Longer than a tombstone: an orchestrator that was away for days still asks for lost runs.
    var lost: Int64
  }

  /// Begins every handle; made anew at every start of the process.
  let epoch: String
  private let runningMax: Int
  private let retention: Retention
  private(set) var runs: [RunReference: Run] = [:]
  private var attempts: [String: Set<Int32>] = [:]
  private var handlesMade = 0
  private(set) var runningCount = 0
  private var changed: Set<RunReference> = []

  init(epoch: String, runningMax: Int, retention: Retention) {
    self.epoch = epoch
    self.runningMax = runningMax
    self.retention = retention
  }

  /// Takes over the rows of a predecessor; whatever was running then is lost. Rows that expire stay
  /// for their whole time again: no clock compares across two processes.
  mutating func load(_ rows: [Run], now: Int64) {
    for var row in rows {
      switch row.state {
      case .running, .lost: row.state = .lost(until: now + retention.lost)
      case .waiting: row.state = .waiting(until: now + retention.lost)
      case .ended: row.state = .ended(until: now + retention.tombstone)
      case .finished(let result, _): row.state = .finished(result: result, isParked: false)
      }
      runs[row.reference] = row
      attempts[row.reference.key, default: []].insert(row.reference.attempt)
    }
  }

  subscript(_ reference: RunReference) -> Run? { runs[reference] }

  /// P3: each unfinished or unacknowledged run, in order. A lost one is told by its absence.
  var listed: [Run] {
    runs.values.filter { $0.isRunning || $0.result != nil }
      .sorted { $0.reference < $1.reference }
  }

  /// Rows changed since the last call, in order; nil for one that is gone.
  mutating func takeChanges() -> [(reference: RunReference, run: Run?)] {
    defer { changed.removeAll(keepingCapacity: true) }
    return changed.sorted().map { ($0, runs[$0]) }
  }

  // MARK: DispatchTask and ResumeTask

  /// Whether `handOut` would start a run, room given: then the payload is worth checking.
  func wouldStart(_ handOut: HandOut) -> Bool { judge(handOut) == .start }

  /// A hand-out: the answer, and the runs to be ended. A higher token of a known run is taken on
  /// (P2), and its parked result is due again (P8).
  mutating func handOut(_ handOut: HandOut) -> (verdict: HandOutVerdict, ended: [RunReference]) {
    let verdict = judge(handOut)
    switch verdict {
    case .same:
      takeOn(handOut)
      return (verdict, [])
    case .superseded: return (verdict, end([handOut.run]))
    case .start where runningCount >= runningMax: return (.noRoom, [])
    case .start:
      let handle = runs[handOut.run]?.handle ?? makeHandle()
      put(Run(handOut: handOut, handle: handle, state: .running(hasStarted: false)))
      runningCount += 1
      return (verdict, end(lowerAttempts(of: handOut.run)))
    case .noRoom, .lost, .cancelled, .ended: return (verdict, [])
    }
  }

  private func judge(_ handOut: HandOut) -> HandOutVerdict {
    let highest = attempts[handOut.run.key]?.max() ?? 0
    guard handOut.run.attempt >= highest else { return .superseded }
    guard let run = runs[handOut.run] else { return handOut.resumes ? .lost : .start }
    if run.isCancelled { return .cancelled }
    switch run.state {
    case .running: return .same
    case .finished: return isAnswered(run, by: handOut) ? .start : .same
    case .waiting where handOut.resumes && handOut.token <= run.token: return .same
    case .waiting: return isAnswered(run, by: handOut) ? .start : .lost
    case .lost: return handOut.token > run.token && !handOut.resumes ? .start : .lost
    case .ended: return .ended
    }
  }

  /// Whether the hand-out knows more than the run did when it asked.
  private func isAnswered(_ run: Run, by handOut: HandOut) -> Bool {
    run.question > 0 && handOut.answerCount >= run.question && handOut.token > run.token
  }

  private mutating func makeHandle() -> String {
    handlesMade += 1
    return "\(epoch)-\(handlesMade)"
  }

  // MARK: GetTaskResult

  /// The run that is pending or finished, under the higher token (P7). Nil: unknown, lost or
  /// settled.
  mutating func ask(_ reference: RunReference, token: Int64) -> Run? {
    guard let run = runs[reference], run.isRunning || run.result != nil else { return nil }
    var handOut = run.handOut
    handOut.token = token
    takeOn(handOut)
    return runs[reference]
  }

  /// The run takes on the highest token given, not the latest received (P2).
  private mutating func takeOn(_ handOut: HandOut) {
    guard var run = runs[handOut.run], handOut.token > run.token else { return }
    run.handOut = handOut
    if case .finished(let result, _) = run.state {
      run.state = .finished(result: result, isParked: false)
    }
    put(run)
  }

  // MARK: Cancel

  /// CancelTask, or a cancel in a heartbeat's reply: the answer, and the runs to be ended (P10).
  mutating func cancel(
    _ reference: RunReference, now: Int64
  ) -> (verdict: CancelVerdict, ended: [RunReference]) {
    guard var run = runs[reference] else {
      put(
        Run(
          handOut: HandOut(run: reference, token: 0), handle: "",
          state: .ended(until: now + retention.tombstone), isCancelled: true))
      return (.notFound, end(lowerAttempts(of: reference)))
    }
    switch run.state {
    case .running:
      return (.accepted, end([reference]))
    case .finished: return (.alreadyFinished, [])
    case .lost, .waiting:
      run.isCancelled = true
      run.state = .ended(until: now + retention.tombstone)
      put(run)
      return (.notFound, [])
    case .ended: return (run.isCancelled ? .notFound : .alreadyFinished, [])
    }
  }

  /// Those of `references` that run, marked as cancelled.
  private mutating func end(_ references: [RunReference]) -> [RunReference] {
    references.filter { reference in
      guard var run = runs[reference], run.isRunning else { return false }
      run.isCancelled = true
      put(run)
      return true
    }
  }

  private func lowerAttempts(of reference: RunReference) -> [RunReference] {
    (attempts[reference.key] ?? []).filter { $0 < reference.attempt }.sorted()
      .map { RunReference(key: reference.key, attempt: $0) }
  }

  // MARK: The run itself

  /// The run's code begins. Not stored: a successor's run has not begun.
  mutating func begin(_ reference: RunReference) {
    guard runs[reference]?.isRunning == true else { return }
    runs[reference]?.state = .running(hasStarted: true)
  }

  /// The run's code has ended with `result`; `question` says which question of the attempt it is, 0:
  /// none.
  mutating func finish(_ reference: RunReference, result: [UInt8], question: Int32 = 0) {
    runs[reference]?.question = question
    leaveRunning(reference, to: .finished(result: result, isParked: false))
  }

  /// The run was ended without a result, to be handed out again (a drain).
  mutating func lose(_ reference: RunReference, now: Int64) {
    leaveRunning(reference, to: .lost(until: now + retention.lost))
  }

  private mutating func leaveRunning(_ reference: RunReference, to state: Run.State) {
    guard var run = runs[reference], run.isRunning else { return }
    run.state = state
    runningCount -= 1
    put(run)
  }

  // MARK: Results

  /// The answer to ReportTaskResult under `token`; it counts for that token only (P6).
  mutating func reported(
    _ reference: RunReference, token: Int64, _ verdict: ReportVerdict, now: Int64
  ) {
    guard var run = runs[reference], let result = run.result, run.token == token else { return }
    switch verdict {
    case .settled: run.state = settled(run, now: now)
    case .terminal: run.state = .ended(until: now + retention.tombstone)
    case .refused: run.state = .finished(result: result, isParked: true)
    }
    put(run)
  }

  /// A "forget" in a heartbeat's reply: the result is settled over there (P8).
  mutating func forget(_ reference: RunReference, now: Int64) {
    guard var run = runs[reference], run.result != nil else { return }
    run.state = settled(run, now: now)
    put(run)
  }

  /// Questions are waited for as long as lost runs: days.
  private func settled(_ run: Run, now: Int64) -> Run.State {
    run.question > 0
      ? .waiting(until: now + retention.lost) : .ended(until: now + retention.tombstone)
  }

  /// Lets tombstones (P9) and lost runs go whose time has passed.
  mutating func expire(now: Int64) {
    for run in runs.values {
      switch run.state {
      case .lost(let until) where until <= now: remove(run.reference)
      case .waiting(let until) where until <= now: remove(run.reference)
      case .ended(let until) where until <= now: remove(run.reference)
      default: break
      }
    }
  }

  private mutating func remove(_ reference: RunReference) {
    runs[reference] = nil
    attempts[reference.key]?.remove(reference.attempt)
    if attempts[reference.key]?.isEmpty == true { attempts[reference.key] = nil }
    changed.insert(reference)
  }

  private mutating func put(_ run: Run) {
    runs[run.reference] = run
    attempts[run.reference.key, default: []].insert(run.reference.attempt)
    changed.insert(run.reference)
  }
}
