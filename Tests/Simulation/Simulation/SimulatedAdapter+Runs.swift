import Engine
import Plan

@testable import AdapterKit
@testable import Orchestrator

/// Runs, and getting rid of their results (as `RunHost` does).
extension SimulatedAdapter {
  // MARK: Runs

  func startRun(_ reference: Reference, _ run: LiveRun, after older: [Reference]) {
    live[reference] = run
    world.note("  \(instance) runs \(run.run.key.taskID) \(run.run.attempt)", 12, run.number)
    let number = run.number
    after(run.timeout) { [unowned self] in
      if live[reference]?.number == number { stop([reference], .deadline) }
    }
    // Two attempts of one task never run side by side.
    var left = older.filter { live[$0] != nil }.count
    guard left > 0 else {
      begin(reference, number)
      return
    }
    for other in older {
      live[other]?.waiters.append { [unowned self] in
        left -= 1
        if left == 0 { begin(reference, number) }
      }
    }
  }

  private func begin(_ reference: Reference, _ number: Int) {
    guard let run = live[reference], run.number == number else { return }
    for other in live.keys where other.key == reference.key && other != reference {
      world.require(
        live[other]?.hasBegun != true, .recorded, "two attempts of \(reference) run side by side")
    }
    guard run.stop == nil else {
      finish(reference, number)
      return
    }
    live[reference]?.hasBegun = true
    table.begin(reference)
    tellStarted(reference)
    giveSigns(reference, number)
    guard run.blueprint.course(run.ordinal, run.run.attempt) != .hangs else { return }
    after(run.blueprint.milliseconds(run.ordinal, run.run.attempt)) { [unowned self] in
      finish(reference, number)
    }
  }

  /// Says again and again that the run is at work.
  private func giveSigns(_ reference: Reference, _ number: Int) {
    guard let run = live[reference], run.number == number,
      let interval = run.blueprint.signMilliseconds(run.ordinal, run.run.attempt)
    else { return }
    after(interval) { [unowned self] in
      guard live[reference]?.number == number else { return }
      tellStarted(reference)
      giveSigns(reference, number)
    }
  }

  /// Tells runs to end; answers those that are still at it.
  @discardableResult
  func stop(_ references: [Reference], _ reason: LiveRun.Stop) -> [Reference] {
    references.filter { reference in
      guard let run = live[reference] else { return false }
      guard run.stop == nil else { return true }
      live[reference]?.stop = reason
      guard run.hasBegun else { return true }
      // Its code notices after a while, or is done before.
      let hasOutput = world.dice.roll(4) == 0
      after(world.hop() * 4) { [unowned self] in
        finish(reference, run.number, isCutOff: !hasOutput)
      }
      return true
    }
  }

  /// The run's code has ended.
  private func finish(_ reference: Reference, _ number: Int, isCutOff: Bool = false) {
    guard let run = live[reference], run.number == number else { return }
    if let result = result(of: run, isCutOff: isCutOff || !run.hasBegun) {
      table.finish(reference, result: bytes(GivenResult(result, limits: world.scripts.limits)))
    } else {
      table.lose(reference, now: world.now)
    }
    save()
    live[reference] = nil
    world.note("  \(instance) ends \(run.run.key.taskID) \(run.run.attempt)", 13, number)
    for waiter in run.waiters { waiter() }
    deliver(reference)
  }

  /// Nil: handed back. An output that came before the end from outside took effect stands.
  private func result(of run: LiveRun, isCutOff: Bool) -> AdapterResult? {
    let course = run.blueprint.course(run.ordinal, run.run.attempt)
    let gives = course == .succeeds || course == .givesNoJSON || course == .givesMisfit
    guard run.stop == nil || (gives && !isCutOff) else {
      switch run.stop {
      case .handedBack, nil: return nil
      case .deadline:
        return failed(TaskError(.timeout, code: "START_TO_CLOSE", message: "too long"), run)
      case .cancelled:
        let error = TaskError(.cancelled, code: "CANCELLED", message: "the run was cancelled")
        return AdapterResult(outcome: .cancelled, error: error, usage: usage(run))
      }
    }
    switch course {
    case .succeeds:
      let text = "t\(run.ordinal).\(run.run.attempt)"
      return AdapterResult(
        outcome: .succeeded, output: GivenResult.output(text: text, run: run.number),
        usage: usage(run))
    case .givesNoJSON:
      return AdapterResult(
        outcome: .succeeded, output: Array("{\(run.number)".utf8), usage: usage(run))
    case .givesMisfit:
      return AdapterResult(
        outcome: .succeeded, output: Array("{\"run\":\(run.number)}".utf8), usage: usage(run))
    case .fails(let error), .isRejected(let error): return failed(error, run)
    case .cancels: return AdapterResult(outcome: .cancelled, usage: usage(run))
    case .hangs: return failed(TaskError(.transient, code: "HUNG", message: "hung"), run)
    }
  }

  private func failed(_ error: TaskError, _ run: LiveRun) -> AdapterResult {
    AdapterResult(outcome: .failed, error: error, usage: usage(run))
  }

  private func usage(_ run: LiveRun) -> Usage {
    var usage = Usage()
    usage.inputTokens = Int64(run.ordinal) * 100 + Int64(run.run.attempt)
    usage.calls = 1
    return usage
  }

  // MARK: Results

  /// Repeats a result until it is acknowledged (callback mode).
  func deliver(_ reference: Reference) {
    guard !isPolled, !delivering.contains(reference), table[reference]?.isDue == true else {
      return
    }
    delivering.insert(reference)
    report(reference, failures: 0)
  }

  private func report(_ reference: Reference, failures: Int64) {
    guard let run = table[reference], run.isDue, let bytes = run.result, let key = key(reference)
    else {
      delivering.remove(reference)
      return
    }
    let name = RunName(key: key, attempt: reference.attempt, token: run.token)
    let given = result(bytes)
    lie(name, given)
    world.report(name, given, from: self) { [unowned self] answer in
      switch answer {
      case .settled: table.reported(reference, token: name.token, .settled, now: world.now)
      case .refused: table.reported(reference, token: name.token, .refused, now: world.now)
      case .again:
        after(min(100 << min(failures, 5), 2_000)) { [unowned self] in
          report(reference, failures: failures + 1)
        }
        return
      }
      save()
      report(reference, failures: 0)
    }
  }

  private func lie(_ name: RunName, _ given: GivenResult) {
    if world.strikes(.resultConflicts) {
      let other = AdapterResult(
        outcome: .succeeded,
        output: GivenResult.output(text: "lie", run: world.scripts.nextRun()))
      world.report(name, GivenResult(other, limits: world.scripts.limits), from: self) { _ in }
    }
    if world.strikes(.resultUnderWrongToken) {
      var wrong = name
      wrong.token += Int64(world.dice.roll(5)) - 2
      wrong.attempt += Int32(world.dice.roll(3)) - 1
      world.report(wrong, given, from: self) { _ in }
    }
  }

  private func tellStarted(_ reference: Reference) {
    guard let run = table[reference], let key = key(reference) else { return }
    world.progress(RunName(key: key, attempt: reference.attempt, token: run.token))
  }

  // MARK: The session

  func register() {
    guard isUp, session == nil, !isDraining else { return }
    world.register(
      Registration(
        adapter: adapter, instance: instance, address: "\(instance):\(life)",
        taskTypes: taskTypes, maxConcurrency: maxConcurrency, isPolled: isPolled),
      list(), from: self
    ) { [unowned self] reply in
      guard let reply else {
        after(world.dice.between(50, 400)) { [unowned self] in register() }
        return
      }
      session = reply.sessionID
      heartbeats += 1
      obey(reply)
      beat(heartbeats)
    }
  }

  /// One heartbeat after another, for as long as the session lasts.
  private func beat(_ number: Int) {
    after(world.options.heartbeatMilliseconds) { [unowned self] in
      guard let session, number == heartbeats else { return }
      table.expire(now: world.now)
      world.heartbeat(session, list(), from: self) { [unowned self] outcome in
        guard number == heartbeats else { return }
        switch outcome {
        case .reply(let reply):
          obey(reply)
          beat(number)
        case .noAnswer: beat(number)
        case .unknownSession:
          self.session = nil
          register()
        }
      }
    }
  }

  private func obey(_ reply: Shard.ListReply) {
    for run in reply.forget { table.forget(reference(run.key, run.attempt), now: world.now) }
    for run in reply.cancel {
      stop(table.cancel(reference(run.key, run.attempt), now: world.now).ended, .cancelled)
    }
    save()
  }

  /// As on SIGTERM: no new work; what runs may finish for a while, then it is handed back.
  func leave() {
    guard !isDraining, let session else { return }
    world.note("\(instance) leaves", 14, life)
    isDraining = true
    world.deregister(session, handsBack: false, from: self)
    after(world.dice.between(100, 2_000)) { [unowned self] in
      world.deregister(session, handsBack: true, from: self)
      stop(live.keys.sorted(), .handedBack)
      after(300) { [unowned self] in die(downFor: world.dice.between(100, 2_000)) }
    }
  }
}
