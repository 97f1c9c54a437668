import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("Shard")
struct ShardTests {
  @Test("S1, S3: a chain runs, each hand-out after the commit that recorded it")
  func chain() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"]) {
      $0.tasks[1].payload = Array(#"{"p":"say ${{ tasks.a.output.text }}"}"#.utf8)
    }
    let first = try #require(bench.port.takeCalls().first)
    #expect(first.handOut.run.token == 1)
    let recorded = try #require(try bench.store.load(Bench.planID(1)))
    #expect(recorded.tasks[0].status == .dispatched)
    bench.accept(first)
    let commits = bench.store.commitCount
    _ = bench.report(first.handOut.run, output: #"{"text":"tea \"hot\""}"#)
    #expect(bench.store.commitCount == commits + 1, "the next hand-out rides with the result")
    let second = try #require(bench.port.takeCalls().first)
    #expect(String(decoding: second.handOut.payload, as: UTF8.self) == #"{"p":"say tea \"hot\""}"#)
    bench.accept(second, answered: 2)
    _ = bench.report(second.handOut.run)
    #expect(try bench.states() == "a:succeeded b:succeeded")
    #expect(try bench.read().plan.status == .completed)
    #expect(bench.shard.plans.isEmpty)
    #expect(bench.shard.pool.inFlight == 0)
  }

  @Test("S1: the same key gives the same plan, another body is refused, even within one turn")
  func requestKeys() throws {
    let bench = try Bench()
    let first = try #require(try bench.submit(["a"], number: 1, key: "k")).get()
    let again = try #require(try bench.submit(["a"], number: 2, key: "k")).get()
    #expect(first.isNew && !again.isNew && again.planID == first.planID)
    let other = try #require(try bench.submit(["a"], number: 3, key: "k", digest: 1))
    #expect(throws: OrchestratorError.self) { try other.get() }
    #expect(try bench.store.load(Bench.planID(3)) == nil)
  }

  @Test(
    "S2: a failed commit acknowledges nothing, and the plan goes on from the store",
    arguments: [FlakyStore.Fault.before, .after])
  func failedCommit(fault: FlakyStore.Fault) throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.accept(call)
    bench.store.plan(fault)
    let answer = try #require(bench.report(call.handOut.run))
    #expect(throws: OrchestratorError.self) { try answer.get() }
    bench.advance(bench.options.resendMilliseconds)
    let repeated = try #require(bench.report(call.handOut.run)).get()
    #expect(repeated == (fault == .after ? .alreadyRecorded : .done))
    bench.settle()
    let next = bench.port.takeCalls().last { $0.handOut.run.key.taskID == "b" }
    _ = bench.report(try #require(next).handOut.run)
    #expect(try bench.states() == "a:succeeded b:succeeded")
    #expect(bench.shard.pool.inFlight == 0)
  }

  @Test("S2: a submission whose commit failed leaves nothing behind")
  func failedSubmission() throws {
    let bench = try Bench()
    bench.register()
    bench.store.plan(.before)
    let answer = try #require(try bench.submit(["a"], key: "k"))
    #expect(throws: OrchestratorError.self) { try answer.get() }
    #expect(bench.port.takeCalls().isEmpty)
    #expect(bench.shard.plans.isEmpty && bench.shard.pool.inFlight == 0)
    #expect(try #require(try bench.submit(["a"], key: "k")).get().isNew)
  }

  @Test("S5: a failed attempt is tried again after its delay, never early")
  func retry() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) {
      $0.tasks[0].retry.initialDelayMilliseconds = 1_000
      $0.tasks[0].retry.jitter = 0
    }
    let call = try #require(bench.port.takeCalls().first)
    let error = TaskError(.transient, code: "NET", message: "no route")
    _ = bench.report(call.handOut.run, error: error)
    #expect(try bench.states() == "a:waiting_retry")
    bench.advance(999)
    #expect(bench.port.takeCalls().isEmpty)
    bench.advance(1)
    let again = try #require(bench.port.takeCalls().first)
    #expect(again.handOut.run.attempt == 2 && again.handOut.run.token == 2)
    #expect(again.handOut.delivery == 1)
  }

  @Test("a reference that leads to nothing fails the task, naming the field")
  func missingReference() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"]) {
      $0.tasks[1].payload = Array(#"{"p":"${{ tasks.a.output.nothing }}"}"#.utf8)
    }
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    let snapshot = try bench.read()
    #expect(snapshot.plan.status == .failed)
    #expect(snapshot.tasks[1].row.error?.code == "REFERENCE_MISSING")
    #expect(snapshot.tasks[1].row.error?.message.contains("tasks.a.output.nothing") == true)
  }

  @Test("an output that is too large or not JSON is refused as the contract says")
  func badOutputs() throws {
    let bench = try Bench { $0.limits.maxOutputBytes = 32 }
    bench.register()
    try bench.submit(["a", "b"])
    let calls = bench.port.takeCalls()
    _ = bench.report(
      calls[0].handOut.run, output: "\"\(String(repeating: "x", count: 40))\"")
    _ = bench.report(calls[1].handOut.run, output: "{nonsense")
    let rows = try bench.read().tasks.map(\.row)
    #expect(rows[0].status == .failed && rows[0].error?.code == "OUTPUT_TOO_LARGE")
    #expect(rows[1].status == .waitingRetry && rows[1].error?.errorClass == .invalidOutput)
  }

  @Test("S7: nothing is handed out after pause; resume goes on")
  func pauseAndResume() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"])
    let call = try #require(bench.port.takeCalls().first)
    let paused: Result<PlanSnapshot, OrchestratorError>? = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .pause(reason: "lunch"), pageSize: 10, reply)
    }
    #expect(try paused?.get().plan.status == .paused)
    _ = bench.report(call.handOut.run)
    #expect(bench.port.takeCalls().isEmpty)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .resume, pageSize: 10, reply)
    }
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["b"])
  }

  @Test("S7: cancel ends what runs and everything that waits")
  func cancel() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a", "c"])
    let calls = bench.port.takeCalls()
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: "stop"), pageSize: 10, reply)
    }
    #expect(Set(bench.port.takeCancelled()) == Set(calls.map(\.handOut.run)))
    #expect(try bench.states() == "a:cancelled b:cancelled c:cancelled")
    let late = try #require(bench.report(calls[0].handOut.run))
    #expect(late == .success(.refused(.alreadyTerminal)))
    #expect(bench.shard.pool.inFlight == 0)
  }

  @Test("places are shared: no plan waits for another one's end")
  func fairness() throws {
    let bench = try Bench()
    bench.register(places: 1)
    try bench.submit((0..<5).map { "x\($0)" }, number: 1)
    try bench.submit((0..<5).map { "y\($0)" }, number: 2)
    var order: [UInt64] = []
    while let call = bench.port.takeCalls().first {
      order.append(call.handOut.run.key.planID.low)
      _ = bench.report(call.handOut.run)
    }
    #expect(order.count == 10)
    #expect(order.prefix(6).contains(2), "plan 2 had its turn before plan 1 was through")
  }

  @Test("a plan of higher priority gets free places first")
  func priority() throws {
    let bench = try Bench()
    bench.register(places: 1)
    try bench.submit(["a", "b"], number: 1)
    try bench.submit(["c"], number: 2) { $0.priority = 5 }
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["c"])
  }

  @Test("a task that nobody serves holds up neither its plan nor another one")
  func unservedTask() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "nobody"], number: 1) {
      $0.tasks[1].adapter = "absent"
      $0.tasks[0].retry.initialDelayMilliseconds = 500
    }
    let first = try #require(bench.port.takeCalls().first)
    _ = bench.report(
      first.handOut.run, error: TaskError(.transient, code: "X", message: "x"))
    bench.advance(1_000)
    let retried = bench.port.takeCalls().map(\.handOut.run.key.taskID)
    #expect(retried == ["a"], "the retry finds its place")
    try bench.submit(["b"], number: 2)
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["b"])
  }

  @Test("a payload that grows too large with its references fails the task")
  func payloadTooLarge() throws {
    let bench = try Bench { $0.limits.maxPayloadBytes = 64 }
    bench.register()
    try bench.submit(["a", "b<a"]) {
      $0.tasks[1].payload = Array(#"{"p":"${{ tasks.a.output }}"}"#.utf8)
    }
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(call.handOut.run, output: "\"\(String(repeating: "x", count: 80))\"")
    #expect(try bench.read().tasks[1].row.error?.code == "PAYLOAD_TOO_LARGE")
  }

  @Test("S2: commits that go on failing during a bulk cancel hold up nobody")
  func failingBulkCancel() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit((0..<2_000).map { "t\($0)" })
    bench.store.fail(true)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1, reply)
    }
    let commits = bench.store.commitCount
    for _ in 0..<10 { bench.advance(bench.options.resendMilliseconds) }
    #expect(bench.store.commitCount < commits + 40, "no commit is repeated without a pause")
    bench.store.fail(false)
    bench.advance(bench.options.resendMilliseconds)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1, reply)
    }
    bench.settle()
    #expect(try bench.read().plan.status == .cancelled)
    #expect(try bench.read().counts[.cancelled] == 2_000)
    #expect(bench.shard.pool.inFlight == 0)
  }

  @Test("S2: a crash in the middle of a bulk cancel is made up for by the next start")
  func bulkCancelAfterRestart() throws {
    let first = try Bench()
    try first.submit((0..<2_000).map { "t\($0)" })
    first.shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1) { _ in }
    first.shard.turn([])
    #expect(try first.store.load(Bench.planID(1))?.plan.finishedAt == nil)
    let second = try Bench(store: first.store, clock: first.clock)
    #expect(try second.shard.recover() == 1)
    second.settle()
    #expect(try second.read().counts[.cancelled] == 2_000)
    #expect(try second.kinds().last == .planCancelled)
  }

  @Test("S4: late results of a finished plan are refused, however many come at one time")
  func lateResults() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit((0..<20).map { "t\($0)" })
    let calls = bench.port.takeCalls()
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .cancel(reason: ""), pageSize: 1, reply)
    }
    let before = try bench.kinds()
    var answers: [Result<Decision.Answer, OrchestratorError>] = []
    for call in calls {
      let run = call.handOut.run
      let intake = ResultIntake(
        AdapterResult(outcome: .succeeded, output: Array("1".utf8)), limits: bench.options.limits)
      bench.shard.report(run.key, run.attempt, run.token, intake) { answers.append($0) }
    }
    bench.settle()
    #expect(answers.count == 20)
    #expect(answers.allSatisfy { $0 == .success(.refused(.alreadyTerminal)) })
    #expect(try bench.kinds() == before, "the record of an ended plan is closed")
  }
}
