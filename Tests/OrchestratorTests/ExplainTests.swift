import Engine
import Plan
import Store
import Testing

@testable import Orchestrator

/// ExplainPlan: every reason for which a task is not running.
@Suite("Explaining")
struct ExplainTests {
  private func explain(
    _ bench: Bench, _ number: UInt64 = 1, from: Int = 0, count: Int = 500
  ) throws -> PlanExplanation {
    let answer: Result<PlanExplanation, OrchestratorError>? = bench.ask { shard, reply in
      shard.explain(Bench.planID(number), from: from, count: count, reply)
    }
    return try #require(answer).get()
  }

  /// What each task waits for, by id; tasks that do not wait are not there.
  private func waits(_ bench: Bench, _ number: UInt64 = 1) throws -> [String: TaskWait] {
    let explanation = try explain(bench, number)
    let tasks = explanation.creation.plan.tasks
    #expect(explanation.groups.reduce(0) { $0 + $1.count } == explanation.tasks.count)
    return Dictionary(
      uniqueKeysWithValues: explanation.tasks.map { (tasks[$0.ordinal].id, $0.wait) })
  }

  @Test("dependencies with their states, and a type that no adapter serves")
  func dependenciesAndNoAdapter() throws {
    let bench = try Bench()
    bench.register("other-1", adapter: "other")
    try bench.submit(["a", "b<a", "c<a+b"])
    let missing = TaskWait.handOut(.noAdapter(route: ["mock"]))
    #expect(try waits(bench) == ["a": missing, "b": .dependencies, "c": .dependencies])
    let explanation = try explain(bench)
    #expect(explanation.adapters == ["other": ["mock"]])
    let last = try #require(explanation.tasks.last)
    #expect(last.dependencyCount == 2 && last.dependencies.map(\.ordinal) == [0, 1])
    #expect(last.dependencies.map(\.status) == [.ready, .pending])
    #expect(explanation.groups.map(\.count) == [2, 1] && explanation.groups[0].first == [1, 2])
    bench.register()
    let run = try #require(bench.port.takeCalls().first).handOut.run
    _ = bench.report(run)
    #expect(try explain(bench).tasks.map(\.dependencyCount) == [0, 1], "only what is still open")
  }

  @Test("limits: of the server, of the plan, of an adapter, of its instances")
  func limits() throws {
    let server = try Bench { $0.places.inFlight = 1 }
    server.register()
    try server.submit(["a", "b"])
    #expect(try waits(server)["b"] == .handOut(.server(limit: 1)))
    let plan = try Bench()
    plan.register()
    try plan.submit(["a", "b"]) { $0.maxParallel = 1 }
    #expect(try waits(plan)["b"] == .handOut(.plan(limit: 1)))
    let adapter = try Bench { $0.places.perAdapter = ["mock": 1] }
    adapter.register()
    try adapter.submit(["a", "b"])
    #expect(try waits(adapter)["b"] == .handOut(.adapter("mock", limit: 1)))
    let busy = try Bench()
    busy.register(places: 1)
    try busy.submit(["a", "b"])
    #expect(try waits(busy)["b"] == .handOut(.busy(adapter: "mock")))
    let call = try #require(busy.port.takeCalls().first)
    _ = busy.report(call.handOut.run)
    #expect(try waits(busy) == ["b": .start], "it is gone with the reason")
  }

  @Test("a pause, its reason, and budgets of the plan and of its namespace")
  func pausesAndBudgets() throws {
    let bench = try Bench { options in
      var budget = Budget()
      budget.tasks = 2
      options.namespaceBudgets = ["research": NamespaceBudgets.Limits(budget)]
    }
    try bench.submit(["a", "b<a"])
    _ = bench.ask { shard, reply in
      shard.steer(Bench.planID(1), .pause(reason: "lunch"), pageSize: 1, reply)
    }
    #expect(try waits(bench) == ["a": .plan(.requested), "b": .dependencies])
    #expect(try explain(bench).plan.pause?.message == "lunch")
    bench.register()
    try bench.submit(["a", "b"], number: 2) { plan in
      plan.budget = Budget()
      plan.budget?.tasks = 1
    }
    #expect(try waits(bench, 2) == ["a": .start, "b": .plan(.budgetExhausted)])
    try bench.submit(["a", "b", "c"], number: 3, namespace: "research")
    #expect(try waits(bench, 3) == ["a": .start, "b": .start, "c": .namespace])
    #expect(try explain(bench, 3).namespaceHold != nil)
  }

  @Test("a retry's delay, an adapter that refused, an approval")
  func delaysAndInput() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a", "ok"]) { plan in
      plan.tasks[1].type = PlanTask.approvalType
      plan.tasks[1].payload = Array(#"{"prompt":"?"}"#.utf8)
      plan.tasks[0].retry.initialDelayMilliseconds = 700
      plan.tasks[0].retry.jitter = 0
    }
    let run = try #require(bench.port.takeCalls().first).handOut.run
    _ = bench.report(run, error: TaskError(.transient, code: "X", message: ""))
    #expect(try waits(bench) == ["a": .retry, "ok": .input])
    let due = bench.clock.milliseconds() + 700
    #expect(try explain(bench).tasks.first?.until == due)
    bench.advance(700)
    try #require(bench.port.takeCalls().first).reply(.busy(retryAfterMilliseconds: 5_000))
    bench.settle()
    let until = bench.clock.milliseconds() + 5_000
    #expect(try waits(bench)["a"] == .handOut(.paused(adapter: "mock", until: until)))
    #expect(try explain(bench).tasks.first?.until == until)
  }

  @Test("a hand-out under way: sent, sent again, taken, its instance away; a run explains nothing")
  func handOuts() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    #expect(try explain(bench).tasks.map(\.handOut) == [.calling])
    let call = try #require(bench.port.takeCalls().first)
    call.reply(.unanswered("lost"))
    bench.settle()
    #expect(try explain(bench).tasks.map(\.handOut) == [.repeated])
    bench.advance(1_000)
    #expect(try explain(bench).tasks.map(\.handOut) == [.repeated])
    bench.accept(try #require(bench.port.takeCalls().first))
    #expect(try explain(bench).tasks.map(\.handOut) == [.taken])
    let second = try Bench(store: bench.store, clock: bench.clock)
    _ = try second.shard.recover()
    #expect(try explain(second).tasks.map(\.handOut) == [.waitingForInstance])
    bench.shard.progress(call.handOut.run, started: true, nil)
    bench.settle()
    let running = try explain(bench)
    #expect(running.tasks.isEmpty && running.groups.isEmpty)
  }

  @Test("pages in the plan's order; groups of all tasks on the first")
  func pages() throws {
    let bench = try Bench()
    try bench.submit((0..<7).map { "t\($0)" } + ["z<t0+t1+t2+t3+t4+t5+t6"])
    var ordinals: [Int] = []
    var from: Int? = 0
    while let start = from {
      let page = try explain(bench, from: start, count: 3)
      #expect(page.tasks.count <= 3)
      #expect(page.groups.map(\.count) == (start == 0 ? [7, 1] : []))
      ordinals += page.tasks.map(\.ordinal)
      from = page.next
    }
    #expect(ordinals == Array(0..<8))
    let last = try #require(try explain(bench).tasks.last)
    #expect(last.dependencyCount == 7 && last.dependencies.count == 5)
    #expect(try explain(bench).groups[0].first.count == 5)
  }

  @Test("a plan that has ended waits for nothing; an unknown one is not found")
  func ended() throws {
    let bench = try Bench()
    bench.register()
    try bench.submit(["a"])
    _ = bench.report(try #require(bench.port.takeCalls().first).handOut.run)
    let ended = try explain(bench)
    #expect(ended.tasks.isEmpty && ended.plan.status == .completed)
    #expect(throws: OrchestratorError.self) { try explain(bench, 9) }
  }
}
