import Engine
import NIOConcurrencyHelpers
import Plan
import Store
import Testing

@testable import Orchestrator

/// What the plans of a namespace may use together.
@Suite("Namespace budgets")
struct NamespaceBudgetTests {
  private static let day: Int64 = 86_400_000

  private func bench(
    tokens: Int64? = nil, softTokens: Int64? = nil, tasks: Int64? = nil, period: Int64? = nil,
    after first: Bench? = nil
  ) throws -> Bench {
    var budget = Budget()
    budget.tokens = tokens
    budget.softTokens = softTokens
    budget.tasks = tasks
    let made = try Bench(
      store: first?.store ?? FlakyStore(), clock: first?.clock ?? ManualClock()
    ) { options in
      options.namespaceBudgets = [
        "research": NamespaceBudgets.Limits(budget, periodMilliseconds: period)
      ]
      options.defaults.retry.maxAttempts = 1
    }
    if first != nil { _ = try made.shard.recover() }
    made.register()
    return made
  }

  /// Reports that a run succeeded with so many tokens.
  private func succeed(_ bench: Bench, _ call: RecordingPort.Call, tokens: Int64) {
    var usage = Usage()
    usage.outputTokens = tokens
    let run = call.handOut.run
    let result = AdapterResult(outcome: .succeeded, output: Array("1".utf8), usage: usage)
    let intake = ResultIntake(result, limits: bench.options.limits)
    let answer: Result<Decision.Answer, OrchestratorError>? = bench.ask { shard, reply in
      shard.report(run.key, run.attempt, run.token, intake, reply)
    }
    #expect(answer == .success(.done))
  }

  private func ids(_ calls: [RecordingPort.Call]) -> [String] {
    calls.map(\.handOut.run.key.taskID.description).sorted()
  }

  @Test("S16: plans of a namespace share a budget; once it is used they wait, others do not")
  func shared() throws {
    let bench = try bench(tokens: 100, softTokens: 50)
    try bench.submit(["a", "b<a"], namespace: "research")
    try bench.submit(["c", "d<c"], number: 2, namespace: "research")
    try bench.submit(["e", "f<e"], number: 3)
    let calls = bench.port.takeCalls()
    #expect(ids(calls) == ["a", "c", "e"])
    succeed(bench, calls[0], tokens: 60)
    #expect(ids(bench.port.takeCalls()) == ["b"])
    succeed(bench, calls[1], tokens: 60)
    succeed(bench, calls[2], tokens: 900)
    #expect(ids(bench.port.takeCalls()) == ["f"], "nothing more of research")
    let snapshot = try bench.read(2)
    #expect(snapshot.plan.status == .running)
    #expect(try bench.states(2) == "c:succeeded d:ready")
    #expect(
      snapshot.namespaceHold
        == NamespaceHold(
          message: "120 tokens of the 100 of namespace \"research\" are used", until: nil))
    #expect(try bench.read(3).namespaceHold == nil)
    let told = try [1, 2].map { number in
      try bench.store.events(Bench.planID(number), from: 1, maxCount: 99, maxBytes: .max)
        .filter { $0.code.hasPrefix("NAMESPACE_") }.map { "\($0.kind.rawValue) \($0.code)" }
    }
    #expect(told == [["budget_warning NAMESPACE_TOKENS"], ["budget_exhausted NAMESPACE_TOKENS"]])
  }

  @Test("S16: what was used survives a restart, and a higher budget lets the plans go on")
  func restart() throws {
    let first = try bench(tokens: 100)
    try first.submit(["a", "b<a"], namespace: "research")
    succeed(first, try #require(first.port.takeCalls().first), tokens: 100)
    first.advance(2 * 3_600_000)
    #expect(try first.states() == "a:succeeded b:ready", "the wait for a hand-out does not count")
    let second = try bench(tokens: 100, after: first)
    #expect(second.port.takeCalls().isEmpty)
    #expect(try second.read().namespaceHold != nil)
    let third = try bench(tokens: 200, after: second)
    #expect(ids(third.port.takeCalls()) == ["b"])
    #expect(try third.read().namespaceHold == nil)
  }

  @Test("S16: a budget with a period begins anew with it")
  func periods() throws {
    let bench = try bench(tokens: 100, period: Self.day)
    try bench.submit(["a", "b<a"], namespace: "research")
    succeed(bench, try #require(bench.port.takeCalls().first), tokens: 100)
    let end = try #require(try bench.read().namespaceHold?.until)
    #expect(end % Self.day == 0)
    // Adapters stay, so that the namespace alone is what keeps the task.
    while bench.clock.milliseconds() + 10_000 < end {
      bench.advance(min(3_000_000, end - 10_000 - bench.clock.milliseconds()))
      bench.register()
    }
    #expect(bench.port.takeCalls().isEmpty)
    #expect(try bench.states() == "a:succeeded b:ready")
    bench.advance(10_000)
    #expect(ids(bench.port.takeCalls()) == ["b"])
    #expect(
      try bench.store.spending(namespace: "research", periodStart: end)
        == NamespaceSpending(namespace: "research", periodStart: end, tokens: 0, tasks: 1))
  }

  @Test("S16: a budget of tasks is shared and never exceeded, also where a commit fails")
  func tasks() throws {
    let bench = try bench(tasks: 3)
    bench.store.plan(.before)
    try bench.submit(["a", "b"], namespace: "research")
    #expect(bench.port.takeCalls().isEmpty)
    bench.advance(1_000)
    try bench.submit(["a", "b"], namespace: "research")
    try bench.submit(["c", "d"], number: 2, namespace: "research")
    #expect(ids(bench.port.takeCalls()) == ["a", "b", "c"])
    bench.store.plan(.after)
    try bench.submit(["e"], number: 3, namespace: "research")
    bench.advance(1_000)
    #expect(bench.port.takeCalls().isEmpty)
    let stored = try bench.store.spending(namespace: "research", periodStart: 0)
    #expect(stored?.tasks == 3)
    #expect(bench.shard.pool.budgets.accounts["research"]?.spending == stored)
  }

  @Test("S16: where a result tells less than its run had, plans that waited go on")
  func corrected() throws {
    let bench = try bench(tokens: 100)
    try bench.submit(["a", "b<a"], namespace: "research")
    try bench.submit(["c"], number: 2, namespace: "research")
    try bench.submit(["d"], number: 3, namespace: "research") { $0.tasks[0].type = "later" }
    let calls = bench.port.takeCalls()
    var usage = Usage()
    usage.outputTokens = 100
    let note = ProgressNote(taskID: "a", attempt: 1, time: 0, body: .usage, usage: usage)
    bench.shard.progress(calls[0].handOut.run, started: true, note)
    bench.settle()
    try bench.submit(["e"], number: 4, namespace: "research")
    #expect(bench.port.takeCalls().isEmpty)
    succeed(bench, calls[0], tokens: 90)
    #expect(ids(bench.port.takeCalls()) == ["b", "e"])
  }
}
