import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

@Suite("RetryPlan")
struct RetryPlanTests {
  private func retry(_ bench: Bench) -> Result<PlanSnapshot, OrchestratorError>? {
    bench.ask { shard, reply in
      shard.retry(Bench.planID(1), reason: "again", pageSize: 10, reply)
    }
  }

  /// A plan whose first task failed.
  private func failed(_ bench: Bench) throws -> RunName {
    bench.register()
    try bench.submit(["a", "b<a"])
    let call = try #require(bench.port.takeCalls().first)
    _ = bench.report(call.handOut.run, error: TaskError(.permanent, code: "NO", message: "no"))
    #expect(try bench.read().plan.status == .failed && bench.shard.plans.isEmpty)
    return call.handOut.run
  }

  @Test("a failed plan comes back from the store, runs again and ends; every event once")
  func again() throws {
    let bench = try Bench()
    let old = try failed(bench)
    var seen: [WatchBatch] = []
    #expect(try retry(bench)?.get().plan.status == .running)
    #expect(try retry(bench)?.get().plan.status == .running, "asked again, it goes on")
    _ = bench.shard.watch(Bench.planID(1), WatchCursor(seq: 1)) {
      seen += [try? $0.get()].compactMap { $0 }
    }
    #expect(seen.first?.isEnd == false, "the stream goes on after plan_failed")
    let call = try #require(bench.port.takeCalls().first)
    #expect(call.handOut.run.attempt == 2 && call.handOut.run.token == 2)
    #expect(bench.report(old) == .success(.refused(.conflictingResult)))
    _ = bench.report(call.handOut.run)
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    #expect(try bench.states() == "a:succeeded b:succeeded")
    #expect(try bench.read().plan.status == .completed)
    let kinds = try bench.kinds()
    #expect(kinds.filter(\.endsPlan) == [.planFailed, .planCompleted])
    #expect(kinds.filter { $0 == .planRetried }.count == 1)
    #expect(bench.shard.plans.isEmpty && bench.shard.pool.inFlight == 0)
  }

  @Test("a retried plan goes on after a restart")
  func restart() throws {
    let first = try Bench()
    _ = try failed(first)
    _ = retry(first)
    let second = try Bench(store: first.store, clock: first.clock)
    #expect(try second.shard.recover() == 1)
    second.register()
    _ = second.report(try #require(second.port.takeCalls().first).handOut.run)
    #expect(try second.states() == "a:succeeded b:dispatched")
  }

  @Test(
    "S2: a retry whose commit failed leaves the plan as it was",
    arguments: [FlakyStore.Fault.before, .after])
  func failedCommit(fault: FlakyStore.Fault) throws {
    let bench = try Bench()
    _ = try failed(bench)
    bench.store.plan(fault)
    #expect(throws: OrchestratorError.self) { try #require(retry(bench)).get() }
    #expect(throws: OrchestratorError.self) { try #require(retry(bench)).get() }
    bench.advance(bench.options.resendMilliseconds)
    #expect(try bench.read().plan.status == (fault == .after ? .running : .failed))
    #expect(try retry(bench)?.get().plan.status == .running)
    #expect(bench.port.takeCalls().count == 1)
  }

  @Test("a plan that ended well is refused, an unknown one too, and nothing stays in memory")
  func refused() throws {
    let bench = try Bench()
    #expect(throws: OrchestratorError.planNotFound(Bench.planID(1))) {
      try #require(retry(bench)).get()
    }
    bench.register()
    try bench.submit(["a"])
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    for _ in 0..<2 {
      guard case .failure(let error)? = retry(bench) else {
        Issue.record("not refused")
        return
      }
      #expect(error.code == .notFailed && error.message.contains("is completed"))
    }
    #expect(bench.shard.plans.isEmpty)
  }
}
