import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("Lifecycle")
struct LifecycleTests {
  private func update(
    _ bench: Bench, _ edit: (inout PlanUpdate) -> Void
  ) -> Result<PlanSnapshot, OrchestratorError>? {
    var update = PlanUpdate()
    edit(&update)
    return bench.ask { [update] shard, reply in
      shard.update(Bench.planID(1), update, pageSize: 10, reply)
    }
  }

  @Test("S10: a deadline ends the plan when its time has come, never early; hand-outs say how long")
  func deadline() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"]) { $0.deadline = .after(milliseconds: 5_000) }
    let call = try #require(bench.port.takeCalls().first)
    #expect(call.handOut.timeoutMilliseconds == 5_000, "what the plan has left, not the task")
    bench.advance(4_999)
    #expect(try bench.read().plan.status == .running)
    bench.advance(1)
    let snapshot = try bench.read()
    #expect(snapshot.plan.status == .failed && snapshot.plan.error?.code == "PLAN_DEADLINE")
    #expect(try bench.states() == "a:cancelled b:cancelled")
    #expect(bench.port.takeCancelled() == [call.handOut.run])
    #expect(bench.report(call.handOut.run) == .success(.refused(.alreadyTerminal)))
    #expect(bench.shard.plans.isEmpty && bench.shard.pool.inFlight == 0)
  }

  @Test("S10: a deadline that passed while nobody ran ends the plan at the start")
  func deadlineAfterRestart() throws {
    let first = try Bench()
    try first.submit(["a"]) { $0.deadline = .after(milliseconds: 5_000) }
    first.clock.advance(60_000)
    let second = try Bench(store: first.store, clock: first.clock)
    #expect(try second.shard.recover() == 1)
    second.settle()
    #expect(try second.read().plan.error?.code == "PLAN_DEADLINE")
  }

  @Test("a deadline in the past is refused before anything is stored; a repeated call is not")
  func pastDeadline() throws {
    let bench = try Bench()
    let soon = bench.clock.milliseconds() + 1_000
    let first = try bench.submit(["a"], key: "k") { $0.deadline = .at(milliseconds: soon) }
    bench.advance(2_000)
    let again = try bench.submit(["a"], number: 2, key: "k") {
      $0.deadline = .at(milliseconds: soon)
    }
    #expect(try again?.get().planID == first?.get().planID)
    let refused = try bench.submit(["a"], number: 3) { $0.deadline = .at(milliseconds: soon) }
    guard case .failure(let error)? = refused else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .deadlinePassed)
    #expect(try bench.store.load(Bench.planID(3)) == nil)
  }

  @Test("UpdatePlan is durable before its answer, refused at another revision, and seen in lists")
  func update() throws {
    let bench = try Bench()
    bench.register(places: 1)
    try bench.submit(["a"]) { $0.labels = ["stage": "one"] }
    try bench.submit(["x", "y"], number: 2) { $0.priority = 3 }
    let revision = try bench.read().plan.revision
    let snapshot = try update(bench) {
      $0.expectedRevision = revision
      $0.priority = 5
      $0.setLabels = ["stage": "two"]
    }?.get()
    #expect(snapshot?.creation.plan.priority == 5 && snapshot?.plan.revision == revision + 1)
    guard case .failure(let error)? = update(bench, { $0.expectedRevision = revision }) else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .revisionMismatch && error.message.contains("revision \(revision + 1)"))
    var filter = PlanFilter()
    filter.labels = ["stage": "two"]
    #expect(try bench.store.list(filter, before: nil, limit: 9).map(\.planID) == [Bench.planID(1)])
    filter.labels = ["stage": "one"]
    #expect(try bench.store.list(filter, before: nil, limit: 9).isEmpty)
    let second = try Bench(store: bench.store, clock: bench.clock)
    _ = try second.shard.recover()
    second.settle()
    #expect(try second.read().creation.plan.labels == ["stage": "two"])
  }

  @Test("UpdatePlan: a plan's new priority counts for the next free place")
  func priority() throws {
    let bench = try Bench()
    bench.register(places: 1)
    try bench.submit(["z"], number: 3)
    try bench.submit(["a"])
    try bench.submit(["x"], number: 2) { $0.priority = 3 }
    _ = update(bench) { $0.priority = 5 }
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(bench.port.takeCalls().map(\.handOut.run.key.taskID) == ["a"])
  }

  @Test("a failed plan can be given a later deadline and then be retried")
  func updateFailed() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"]) { $0.deadline = .after(milliseconds: 1_000) }
    bench.advance(1_000)
    let retry = {
      bench.ask { shard, reply in
        shard.retry(Bench.planID(1), reason: "", pageSize: 9, reply)
      } as Result<PlanSnapshot, OrchestratorError>?
    }
    guard case .failure(let error)? = retry() else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .deadlinePassed)
    _ = update(bench) { $0.deadline = .set(.after(milliseconds: 1_000)) }
    #expect(bench.shard.plans.isEmpty)
    #expect(try retry()?.get().plan.status == .running)
    bench.advance(1_000)
    #expect(try bench.kinds().filter(\.endsPlan) == [.planFailed, .planFailed])
  }

  // MARK: Heartbeats

  private func beat(_ bench: Bench, _ run: RunName, started: Bool = false) {
    bench.shard.progress(run, started: started, nil)
    bench.settle()
  }

  @Test("a run that says nothing for its heartbeat timeout ends with TIMEOUT and is tried again")
  func heartbeat() throws {
    let bench = try Bench { $0.leaseMilliseconds = 3_600_000 }
    bench.register()
    try bench.submit(["a", "quiet"]) { $0.tasks[0].timeouts.heartbeatMilliseconds = 1_000 }
    let calls = bench.port.takeCalls()
    bench.accept(calls[0])
    bench.accept(calls[1], answered: 2)
    bench.advance(60_000)
    #expect(try bench.states() == "a:dispatched quiet:dispatched", "it counts from the beginning")
    let run = calls[0].handOut.run
    beat(bench, run, started: true)
    beat(bench, calls[1].handOut.run, started: true)
    let commits = bench.store.commitCount
    for _ in 0..<10 {
      bench.advance(999)
      beat(bench, run)
    }
    #expect(bench.store.commitCount == commits, "a sign of life writes nothing")
    bench.advance(999)
    #expect(try bench.states() == "a:running quiet:running")
    bench.advance(1)
    let snapshot = try bench.read()
    #expect(snapshot.tasks[0].status == .waitingRetry)
    #expect(snapshot.tasks[0].row.error?.code == "HEARTBEAT")
    #expect(snapshot.tasks[0].row.error?.errorClass == .timeout)
    #expect(bench.port.takeCancelled() == [run])
    #expect(try bench.states() == "a:waiting_retry quiet:running")
  }

  @Test("S10: after a restart a running task has all of its heartbeat timeout again")
  func heartbeatAfterRestart() throws {
    let first = try Bench()
    first.register()
    try first.submit(["a"]) { $0.tasks[0].timeouts.heartbeatMilliseconds = 1_000 }
    let call = try #require(first.port.takeCalls().first)
    first.accept(call)
    beat(first, call.handOut.run, started: true)
    first.clock.advance(900)
    let second = try Bench(store: first.store, clock: first.clock)
    _ = try second.shard.recover()
    second.register()
    second.accept(try #require(second.port.takeCalls().first))
    second.advance(999)
    #expect(try second.states() == "a:running")
    second.advance(1)
    #expect(try second.states() == "a:waiting_retry")
  }

  // MARK: Shutdown

  @Test("S11: in_flight cancel takes runs back; after the next start they are new deliveries")
  func withdrawn() throws {
    let first = try Bench()
    first.register()
    try first.submit(["a", "b<a", "c"])
    let calls = first.port.takeCalls()
    let count = Answers<Int>()
    first.shard.withdrawAll { count.add($0) }
    first.settle()
    #expect(try first.states() == "a:ready b:pending c:ready")
    let taken = first.port.takeTakenBack()
    #expect(taken.map(\.run) == calls.map(\.handOut.run))
    #expect(count.all.isEmpty, "it waits for the adapters")
    for entry in taken { entry.reply() }
    #expect(count.all == [2])
    first.register("mock-2", session: "s2")
    #expect(first.port.takeCalls().isEmpty, "nothing is handed out any more")
    let second = try Bench(store: first.store, clock: first.clock)
    _ = try second.shard.recover()
    second.register()
    let again = second.port.takeCalls()
    #expect(again.map(\.handOut.delivery) == [2, 2] && again.map(\.handOut.run.attempt) == [1, 1])
    #expect(again.map(\.handOut.run.token) == [2, 2])
    let reasons = try second.store.events(Bench.planID(1), from: 1, maxCount: 99, maxBytes: .max)
      .filter { $0.kind == .taskRedelivered }.map(\.code)
    #expect(reasons == ["SERVER_STOPPED", "SERVER_STOPPED"])
  }

  @Test("S11: a result that comes after its run was taken back still counts")
  func resultAfterWithdrawal() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    let call = try #require(bench.port.takeCalls().first)
    bench.shard.withdrawAll { _ in }
    bench.settle()
    #expect(bench.report(call.handOut.run) == .success(.done))
    #expect(try bench.read().plan.status == .completed)
  }
}
