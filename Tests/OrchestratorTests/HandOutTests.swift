import Engine
import Plan
import Queue
import Testing

@testable import Orchestrator

/// The rules of the hand-out, seen from the orchestrator's side.
@Suite("Hand-out")
struct HandOutTests {
  private func run(
    _ call: RecordingPort.Call, isFinished: Bool = false, token: Int64? = nil
  ) -> RunList.Run {
    let run = call.handOut.run
    return RunList.Run(
      key: run.key, attempt: run.attempt, token: token ?? run.token, isFinished: isFinished)
  }

  @Test("P1: after a restart the same record goes to the same instance again")
  func resume() throws {
    let first = try Bench()
    first.register()
    try first.submit(["a"])
    let call = try #require(first.port.takeCalls().first)
    first.accept(call)
    let second = try Bench(store: first.store, clock: first.clock)
    #expect(try second.shard.recover() == 1)
    second.settle()
    #expect(second.port.takeCalls().isEmpty, "the instance has not registered yet")
    second.register(runs: [run(call)])
    let again = try #require(second.port.takeCalls().first)
    #expect(again.handOut.run == call.handOut.run)
    #expect(again.handOut.delivery == call.handOut.delivery)
    #expect(again.handOut.payload == call.handOut.payload)
    second.accept(again)
    _ = second.report(again.handOut.run)
    #expect(try second.states() == "a:succeeded")
  }

  @Test("P1: an unanswered hand-out is sent again as it is, and counts nothing")
  func unanswered() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    call.reply(.unanswered("deadline"))
    bench.settle()
    #expect(bench.port.takeCalls().isEmpty)
    bench.advance(bench.options.resendMilliseconds)
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.run == call.handOut.run && again.handOut.delivery == 1)
  }

  @Test("P1: a hand-out that may have arrived is not given to another instance")
  func unansweredThenUnreachable() throws {
    let bench = try Bench()
    bench.register("mock-1", session: "s1")
    try bench.submit(["a"])
    try #require(bench.port.takeCalls().first).reply(.unanswered("deadline"))
    bench.settle()
    bench.register("mock-2", session: "s2")
    bench.advance(bench.options.resendMilliseconds)
    try #require(bench.port.takeCalls().first).reply(.unreachable("refused"))
    bench.settle()
    bench.advance(bench.options.resendMilliseconds * 2)
    #expect(bench.port.takeCalls().map(\.instance) == ["mock-1"])
  }

  @Test("a refused hand-out does not count, and the instance is left alone for a while")
  func busy() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    try #require(bench.port.takeCalls().first).reply(.busy(retryAfterMilliseconds: 700))
    bench.settle()
    #expect(try bench.states() == "a:ready")
    bench.advance(699)
    #expect(bench.port.takeCalls().isEmpty)
    bench.advance(1)
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.run.attempt == 1 && again.handOut.delivery == 1)
    #expect(again.handOut.run.token == 2)
  }

  @Test("an instance that cannot be reached loses its hand-outs to another one, uncounted")
  func unreachable() throws {
    let bench = try Bench()
    bench.register("mock-1", session: "s1")
    try bench.submit(["a"])
    bench.register("mock-2", session: "s2")
    try #require(bench.port.takeCalls().first).reply(.unreachable("refused"))
    bench.settle()
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.instance == "mock-2" && again.handOut.delivery == 1)
  }

  @Test("INVALID_ARGUMENT is PERMANENT, NOT_FOUND a new delivery with a higher token (P2)")
  func answers() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b"])
    let calls = bench.port.takeCalls()
    calls[0].reply(.rejected(TaskError(.permanent, code: "BAD", message: "no")))
    calls[1].reply(.lost(code: "RUN_LOST", message: "gone"))
    bench.settle()
    #expect(try bench.states() == "a:failed b:dispatched")
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.run.attempt == 1)
    #expect(again.handOut.delivery == 2 && again.handOut.run.token == 2)
    #expect(try bench.kinds().contains(.taskRedelivered))
  }

  @Test("P3: an answered hand-out that is missing from a later list is lost")
  func missing() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    bench.accept(try #require(bench.port.takeCalls().first), answered: 3)
    _ = try bench.heartbeat(answered: 3)
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.delivery == 2 && again.handOut.run.token == 2)
  }

  @Test("P4: a list made before the answer says nothing about it")
  func earlyList() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    _ = try bench.heartbeat(answered: 0)
    bench.accept(call, answered: 3)
    _ = try bench.heartbeat(answered: 2)
    #expect(bench.port.takeCalls().isEmpty)
    #expect(try bench.states() == "a:dispatched")
  }

  @Test("P3: a new process that does not list the run has lost it")
  func newProcess() throws {
    let bench = try Bench()
    bench.register(epoch: "e1")
    try bench.submit(["a"])
    bench.accept(try #require(bench.port.takeCalls().first), epoch: "e1", answered: 9)
    bench.register(epoch: "e2", answered: 0, session: "s2")
    #expect(try #require(bench.port.takeCalls().first).handOut.delivery == 2)
  }

  @Test("P5: a list's reply ends what is over, never the current attempt under an older token")
  func cancels() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { $0.tasks[0].retry.initialDelayMilliseconds = 0 }
    let first = try #require(bench.port.takeCalls().first)
    bench.accept(first, answered: 1)
    _ = bench.report(first.handOut.run, error: TaskError(.transient, code: "X", message: "x"))
    bench.settle()
    let second = try #require(bench.port.takeCalls().first)
    let over = try bench.heartbeat(runs: [run(first)], answered: 1)
    #expect(over.cancel.map(\.attempt) == [1] && over.forget.isEmpty)
    let settled = try bench.heartbeat(runs: [run(first, isFinished: true)], answered: 1)
    #expect(settled.forget.map(\.attempt) == [1] && settled.cancel.isEmpty)
    let current = try bench.heartbeat(runs: [run(second, token: 1)], answered: 1)
    #expect(current.cancel.isEmpty && current.forget.isEmpty)
  }

  @Test("P10: the runs of a finished plan are ended until they are gone")
  func cancelRepeats() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 10, reply)
    }
    for _ in 0..<3 {
      #expect(try bench.heartbeat(runs: [run(call)], answered: 1).cancel.count == 1)
    }
  }

  @Test("P12: a committed timeout closes the token before the run is cancelled")
  func timeout() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) {
      $0.tasks[0].timeouts.startToCloseMilliseconds = 5_000
      $0.tasks[0].retry.initialDelayMilliseconds = 60_000
    }
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    for _ in 0..<5 {
      bench.advance(1_000)
      _ = try? bench.heartbeat(runs: [run(call)], answered: 1)
    }
    #expect(try bench.states() == "a:waiting_retry")
    #expect(bench.port.takeCancelled() == [call.handOut.run])
    #expect(bench.report(call.handOut.run) == .success(.refused(.staleLease)))
  }

  @Test("a session that expires gives its runs to another instance under a higher token")
  func expiry() throws {
    let bench = try Bench()
    bench.register("mock-1", session: "s1")
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    bench.advance(bench.options.leaseMilliseconds - 1)
    #expect(try bench.states() == "a:dispatched")
    bench.register("mock-2", session: "s2")
    bench.advance(1)
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.instance == "mock-2")
    #expect(again.handOut.run.token == 2 && again.handOut.delivery == 2)
    #expect(bench.report(call.handOut.run) == .success(.refused(.staleLease)))
    #expect(throws: OrchestratorError.self) { try bench.heartbeat(session: "s1") }
  }

  @Test("heartbeats keep a session alive")
  func heartbeats() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    for _ in 0..<10 {
      bench.advance(bench.options.heartbeatMilliseconds)
      _ = try bench.heartbeat(runs: [run(call)], answered: 1)
    }
    #expect(try bench.states() == "a:dispatched")
  }

  @Test("POISONED: too many deliveries of one attempt fail the task")
  func poisoned() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { $0.tasks[0].maxDeliveries = 3 }
    for _ in 0..<3 {
      try #require(bench.port.takeCalls().first).reply(.lost(code: "RUN_LOST", message: "gone"))
      bench.settle()
    }
    #expect(try bench.states() == "a:failed")
    #expect(try bench.read().tasks[0].row.error?.code == "POISONED")
    #expect(try bench.kinds().contains(.taskPoisoned))
  }

  @Test("poll mode: the handle is durable before the first poll; pending is asked again")
  func polling() throws {
    let bench = try Bench()
    bench.register(isPolled: true)
    try bench.submit(["a"])
    bench.accept(try #require(bench.port.takeCalls().first))
    #expect(try bench.store.load(Bench.planID(1))?.tasks[0].handle == "h")
    try #require(bench.port.takePolls().first).reply(.pending(hasStarted: true))
    bench.settle()
    #expect(try bench.states() == "a:running")
    let poll = try #require(bench.port.takePolls().first)
    poll.reply(.finished(AdapterResult(outcome: .succeeded, output: Array("1".utf8))))
    bench.settle()
    #expect(try bench.states() == "a:succeeded")
    #expect(bench.port.takePolls().isEmpty)
  }

  @Test("P6: an answer to an earlier hand-out says nothing about the current one")
  func lateAnswer() throws {
    let bench = try Bench()
    bench.register(isPolled: true)
    try bench.submit(["a"])
    bench.accept(try #require(bench.port.takeCalls().first), answered: 1)
    let poll = try #require(bench.port.takePolls().first)
    _ = try bench.heartbeat(answered: 1)
    let again = try #require(bench.port.takeCalls().first)
    bench.accept(again, answered: 2)
    poll.reply(.notFound)
    bench.settle()
    #expect(try bench.read().tasks[0].row.delivery == 2, "no third delivery")
  }

  @Test("a drained instance gets nothing new; what it hands back goes to another one")
  func drain() throws {
    let bench = try Bench()
    bench.register("mock-1", session: "s1")
    try bench.submit(["a", "b<a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    bench.register("mock-2", session: "s2")
    #expect(try bench.shard.deregister(sessionID: "s1", handsBack: true) == 1)
    bench.settle()
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.instance == "mock-2" && again.handOut.delivery == 2)
  }

  @Test("S14: without an adapter the task stays READY until schedule_to_start")
  func noAdapter() throws {
    let bench = try Bench()
    let answer = try #require(
      try bench.submit(["a"]) { $0.tasks[0].timeouts.scheduleToStartMilliseconds = 9_000 }
    ).get()
    #expect(answer.warnings.count == 1)
    bench.advance(8_999)
    #expect(try bench.states() == "a:ready")
    bench.advance(1)
    #expect(try bench.states() == "a:failed")
    #expect(try bench.read().tasks[0].row.error?.code == "SCHEDULE_TO_START")
  }

  @Test("a lost instance is listed for a while, then forgotten")
  func forgotten() throws {
    let bench = try Bench()
    bench.register()
    bench.advance(bench.options.leaseMilliseconds)
    #expect(bench.shard.sessions["mock-1"]?.health == .lost)
    bench.advance(bench.options.lostMilliseconds)
    #expect(bench.shard.sessions.all.isEmpty)
  }

  @Test("a hand-out that was committed while its instance went away is handed out again")
  func lostWhileCommitting() throws {
    let bench = try Bench()
    bench.register("mock-1", session: "s1")
    try bench.submit(["a", "b<a"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    let intake = ResultIntake(
      AdapterResult(outcome: .succeeded, output: Array("1".utf8)), limits: bench.options.limits)
    // One turn: the result that hands out b to mock-1, and the end of mock-1.
    bench.shard.report(run.key, run.attempt, run.token, intake) { _ in }
    _ = try bench.shard.deregister(sessionID: "s1", handsBack: true)
    bench.settle()
    bench.register("mock-2", session: "s2")
    let again = bench.port.takeCalls().last
    #expect(again?.instance == "mock-2" && again?.handOut.run.key.taskID == "b")
  }

  @Test("an adapter that always refuses does not put off schedule_to_start")
  func alwaysBusy() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { $0.tasks[0].timeouts.scheduleToStartMilliseconds = 9_000 }
    var refusals = 0
    for _ in 0..<100 {
      if let call = bench.port.takeCalls().first {
        refusals += 1
        call.reply(.busy(retryAfterMilliseconds: 0))
      }
      bench.advance(100)
      _ = try bench.heartbeat()
    }
    #expect(try bench.states() == "a:failed")
    #expect(try bench.read().tasks[0].row.error?.code == "SCHEDULE_TO_START")
    #expect(refusals < 10, "the pause between two tries grows")
  }

  @Test("S8: hints that are lost, repeated or stale delay or change nothing")
  func hints() throws {
    let bench = try Bench { $0.sweepMilliseconds = 1_000 }
    _ = try bench.shard.recover()
    bench.register()
    bench.dropsHints = true
    try bench.submit(["a", "b<a"])
    #expect(bench.port.takeCalls().isEmpty)
    bench.advance(1_000)
    let call = try #require(bench.port.takeCalls().first, "the sweep finds what no hint said")
    let hint = HandOutHint(planID: Bench.planID(1), ordinal: 0, attempt: 1, delivery: 1)
    bench.shard.take([hint, hint])
    bench.dropsHints = false
    _ = bench.report(call.handOut.run)
    bench.shard.take([hint])
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["b"])
  }
}
