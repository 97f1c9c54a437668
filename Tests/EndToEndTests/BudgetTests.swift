import Foundation
import Messages
import Plan
import Testing

/// Budgets with real programs.
@Suite("Budgets", .serialized, .timeLimit(.minutes(3)))
struct BudgetTests {
  private static let mock = ["--routes", "{default: [mock]}", "--lease", "5s"]

  private func task(
    _ id: String, after: [String] = [], _ script: [String: String] = [:]
  ) -> PlanTask {
    var task = PlanTask()
    task.id = id
    task.type = "prompt"
    task.dependsOn = after
    task.metadata = script
    return task
  }

  @Test("S15: a plan pauses when its tokens are used, over a crash; baton update and resume go on")
  func tokens() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.budget = Budget()
    plan.budget?.tokens = 100
    plan.budget?.softTokens = 50
    plan.tasks = [
      task("a", ["mock.tokens": "60"]), task("b", after: ["a"], ["mock.tokens": "60"]),
      task("c", after: ["b"]),
    ]
    let planID = try await stage.submit(plan)
    let first = try await stage.follow(planID) { $0.kind != "plan_paused" }
    #expect(
      first.map(\.kind).filter { $0.hasPrefix("budget") } == ["budget_warning", "budget_exhausted"])
    #expect(first.last?.code == "BUDGET_EXHAUSTED")
    try await stage.crash()
    let state = try await stage.state(planID)
    #expect(state.status == .paused && state.hold?.code == "BUDGET_EXHAUSTED")
    #expect(state.hold?.message == "120 tokens of the budget's 100 are used")
    #expect(state.usage?.outputTokens == 120 && state.attempts == 2 && state.budget?.tokens == 100)
    #expect(state.plan?.budget?.softTokens == 50)
    let (_, shown) = try stage.baton(["get", planID])
    #expect(shown.contains("120 of 100 tokens (warning at 50)"), "\(shown)")
    let (refused, why) = try stage.baton(["resume", planID])
    #expect(refused == 70 && why.contains("raise its budget with UpdatePlan first"), "\(why)")
    let (updated, text) = try stage.baton(["update", planID, "--budget-tokens", "200"])
    #expect(updated == 0, "\(text)")
    #expect(try stage.baton(["resume", planID]).0 == 0)
    #expect(try await stage.follow(planID).last?.kind == "plan_completed")
    await stage.close()
  }

  @Test(
    "S15: the usage of a run that goes on is shown and survives a crash",
    arguments: ["callback", "poll"])
  func running(results: String) async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock(["--results", results])
    var plan = Plan()
    plan.tasks = [task("talks", ["mock.tokens": "70", "mock.hang": "true"])]
    let planID = try await stage.submit(plan)
    try await eventually("its usage is known") {
      try await stage.state(planID).usage?.outputTokens == 70
    }
    try await stage.crash()
    let state = try await stage.state(planID)
    #expect(state.usage?.outputTokens == 70 && state.tasks[0].usage?.outputTokens == 70)
    #expect(try stage.baton(["cancel", planID]).0 == 0)
    try await stage.follow(planID)
    #expect(try await stage.state(planID).usage?.outputTokens == 70)
    await stage.close()
  }

  @Test("S16: a namespace's budget holds its plans back until a restart with a higher one")
  func namespace() async throws {
    let stage = try await Stage(
      Self.mock + [
        "--budgets-namespaces", "{default: {tokens: 100, soft_tokens: 50, period: 3650d}}",
      ])
    try await stage.mock()
    var plan = Plan()
    plan.tasks = [task("a", ["mock.tokens": "120"]), task("b", after: ["a"])]
    let planID = try await stage.submit(plan)
    let events = try await stage.follow(planID) { $0.kind != "budget_exhausted" }
    #expect(events.last?.code == "NAMESPACE_TOKENS")
    let later = try await stage.submit(plan)
    try await stage.crash()
    let state = try await stage.state(later)
    #expect(state.status == .running && state.tasks.map(\.status) == [.ready, .pending])
    #expect(state.hold?.code == "NAMESPACE_BUDGET_EXHAUSTED" && (state.hold?.untilMs ?? 0) > 0)
    let (_, shown) = try stage.baton(["get", later])
    #expect(shown.contains("120 tokens of the 100"), "\(shown)")
    stage.arguments += ["--budgets-namespaces", "{default: {tokens: 1000, period: 3650d}}"]
    try await stage.crash()
    #expect(try await stage.follow(planID).last?.kind == "plan_completed")
    #expect(try await stage.follow(later).last?.kind == "plan_completed")
    await stage.close()
  }

  @Test("S15: a budget of tasks is never exceeded; at the soft limit a plan waits for a person")
  func tasks() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.budget = Budget()
    plan.budget?.tasks = 5
    plan.budget?.softTasks = 2
    plan.budget?.pausesAtSoft = true
    plan.tasks = (0..<8).map { task("t\($0)") }
    let planID = try await stage.submit(plan)
    let first = try await stage.follow(planID) { $0.kind != "plan_paused" }
    #expect(first.last?.code == "BUDGET_WARNING")
    #expect(try stage.baton(["resume", planID]).0 == 0)
    try await stage.follow(planID) { $0.code != "BUDGET_EXHAUSTED" }
    try await eventually("what runs ends") {
      try await stage.state(planID).counts.contains { $0.status == .succeeded && $0.count == 5 }
    }
    #expect(try stage.ledger().filter { $0.event == "started" }.count == 5)
    #expect(try stage.baton(["update", planID, "--budget-tasks", "none"]).0 == 0)
    #expect(try stage.baton(["resume", planID]).0 == 0)
    #expect(try await stage.follow(planID).last?.kind == "plan_completed")
    #expect(try await stage.state(planID).attempts == 8)
    await stage.close()
  }
}
