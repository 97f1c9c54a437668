import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

/// Budgets and usage as the runner keeps them.
@Suite("Budgets")
struct BudgetTests {
  private func usage(_ tokens: Int64) -> Usage {
    var usage = Usage()
    usage.inputTokens = tokens
    usage.calls = 1
    return usage
  }

  private func say(_ bench: Bench, _ run: RunName, _ tokens: Int64) {
    let note = ProgressNote(
      taskID: run.key.taskID.description, attempt: run.attempt, time: 0, body: .usage,
      usage: usage(tokens))
    bench.shard.progress(run, started: true, note)
    bench.settle()
  }

  private func stored(_ bench: Bench) throws -> Int64 {
    try #require(try bench.store.load(Bench.planID(1))).plan.usage.inputTokens
  }

  @Test(
    "S15: what a run says is stored at once, then once a second, and before anything else happens")
  func written() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    say(bench, run, 10)
    #expect(try stored(bench) == 10)
    let commits = bench.store.commitCount
    for tokens in 11...40 { say(bench, run, Int64(tokens)) }
    #expect(bench.store.commitCount == commits)
    bench.advance(999)
    #expect(try stored(bench) == 10)
    bench.advance(1)
    #expect(try stored(bench) == 40 && bench.store.commitCount == commits + 1)
    say(bench, run, 50)
    #expect(try stored(bench) == 40)
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .pause(reason: ""), pageSize: 1, reply)
    }
    #expect(try stored(bench) == 50)
    bench.advance(1_000)
    #expect(try stored(bench) == 50)
  }

  @Test(
    "S15: usage survives a restart; the result's takes its place, and a repeated one adds nothing")
  func restart() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b"])
    let run = try #require(bench.port.takeCalls().first).handOut.run
    say(bench, run, 10)
    let second = try Bench(store: bench.store, clock: bench.clock)
    #expect(try second.shard.recover() == 1)
    second.register()
    #expect(try second.read().plan.usage.inputTokens == 10)
    say(second, run, 5)
    say(second, run, 12)
    let result = AdapterResult(
      outcome: .succeeded, output: Array("1".utf8), usage: usage(11))
    let intake = ResultIntake(result, limits: second.options.limits)
    for _ in 0..<2 {
      let answer: Result<Decision.Answer, OrchestratorError>? = second.ask { shard, reply in
        shard.report(run.key, run.attempt, run.token, intake, reply)
      }
      #expect(answer != nil)
      #expect(try second.read().plan.usage.inputTokens == 11)
    }
    #expect(try second.read().tasks[0].row.usage.inputTokens == 11)
    say(second, run, 90)
    #expect(try stored(second) == 11, "a run that has ended says nothing")
  }

  @Test(
    "S15: an exhausted budget is refused by ResumePlan, also after a restart, until it is raised")
  func exhausted() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "b<a"]) { plan in
      plan.budget = Budget()
      plan.budget?.tokens = 100
    }
    let run = try #require(bench.port.takeCalls().first).handOut.run
    say(bench, run, 100)
    #expect(try bench.read().plan.pause?.code == .budgetExhausted)
    #expect(bench.report(run) == .success(.done))
    #expect(bench.port.takeCalls().isEmpty)
    let second = try Bench(store: bench.store, clock: bench.clock)
    _ = try second.shard.recover()
    second.register()
    let resumed: Result<PlanSnapshot, OrchestratorError>? = second.ask { shard, reply in
      shard.steer(Bench.planID(1), .resume, pageSize: 1, reply)
    }
    guard case .failure(let error)? = resumed else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .budgetExhausted)
    #expect(error.message.contains("100 tokens of the budget's 100 are used"), "\(error.message)")
    var update = PlanUpdate()
    update.budget.tokens = 200
    _ = second.ask { shard, reply in shard.update(Bench.planID(1), update, pageSize: 1, reply) }
    #expect(second.port.takeCalls().isEmpty, "it stays paused until it is resumed")
    _ = second.ask { shard, reply in
      shard.steer(Bench.planID(1), .resume, pageSize: 1, reply)
    }
    #expect(second.port.takeCalls().map(\.handOut.run.key.taskID) == ["b"])
    #expect(try second.read().creation.plan.budget?.tokens == 200)
  }
}
