import Foundation
import Messages
import Plan
import Stubs
import Testing

/// `ExplainPlan` and `baton explain` with real programs.
@Suite("Explaining", .serialized, .timeLimit(.minutes(2)))
struct ExplainTests {
  private func task(
    _ id: String, after: [String] = [], type: String = "prompt", _ script: [String: String] = [:]
  ) -> PlanTask {
    var task = PlanTask()
    task.id = id
    task.type = type
    task.dependsOn = after
    task.metadata = script
    return task
  }

  @Test("every task that is not running has a reason, in words and as JSON")
  func explain() async throws {
    let stage = try await Stage([
      "--routes", "{default: [mock]}", "--limits-per-adapter", "{mock: 1}",
    ])
    try await stage.mock()
    var plan = Plan()
    plan.tasks = [
      task("runs", ["mock.hang": "true"]), task("full"), task("after", after: ["runs", "full"]),
      task("odd", type: "poetry"), task("ok", type: PlanTask.approvalType),
    ]
    plan.tasks[4].payload = Array(#"{"prompt":"?"}"#.utf8)
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_running" }
    let answer = try await stage.orchestrator.explainPlan(
      BatonV1.ExplainPlanRequest(planId: planID))
    #expect(
      answer.tasks.map { "\($0.taskId) \($0.reason?.code ?? "")" }
        == ["full ADAPTER_LIMIT", "after DEPENDENCIES", "odd NO_ADAPTER", "ok INPUT"])
    #expect(answer.tasks[1].reason?.dependencies.map(\.taskId) == ["runs", "full"])
    #expect(answer.tasks[1].reason?.dependencies.map(\.status) == [.running, .ready])
    #expect(answer.tasks[0].reason?.adapter == "mock" && answer.groups.count == 4)
    let (code, text) = try stage.baton(["explain", planID])
    #expect(code == 0)
    for words in [
      "1 tasks are with mock, as many as may be (limits.per_adapter)",
      "after runs (RUNNING), full (READY)",
      "no adapter of the route (mock) is registered for type \"poetry\"; registered: mock (",
      "waits for CompleteTask",
    ] {
      #expect(text.contains(words), "\(words) in \(text)")
    }
    #expect(try stage.baton(["pause", planID, "--reason", "lunch"]).0 == 0)
    let (_, json) = try stage.baton(["explain", planID, "-o", "json"])
    #expect(json.contains(#""hold":{"code":"REQUESTED","message":"lunch""#), "\(json)")
    #expect(
      json.contains(#"{"task_id":"full","status":"READY","reason":{"code":"PAUSED""#), "\(json)")
    #expect(try stage.baton(["explain", "0198c0de-0000-7000-8000-000000000000"]).0 == 70)
    #expect(try stage.baton(["cancel", planID]).0 == 0)
    try await stage.follow(planID)
    #expect(try stage.baton(["explain", planID]).1.contains("No task waits."))
    await stage.close()
  }

  @Test("a plan of 20,000 tasks is explained page by page")
  func large() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    var plan = Plan()
    plan.tasks = (0..<20_000).map { task("t\($0)", after: $0 < 100 ? [] : ["t\($0 % 100)"]) }
    let planID = try await stage.submit(plan)
    var request = BatonV1.ExplainPlanRequest(planId: planID)
    var ids: [String] = []
    repeat {
      let page = try await stage.orchestrator.explainPlan(request)
      if ids.isEmpty { #expect(page.groups.map(\.count) == [19_900, 100]) }
      ids += page.tasks.map(\.taskId)
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    #expect(ids == plan.tasks.map(\.id))
    await stage.close()
  }
}
