import Foundation
import GRPC
import Messages
import Plan
import Stubs
import Testing

/// What people do to plans, with real programs: retry, update, deadlines, shutdown.
@Suite("Lifecycle", .serialized, .timeLimit(.minutes(3)))
struct LifecycleTests {
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

  private func baton(_ stage: Stage, _ arguments: [String]) async throws -> (Int32, String) {
    try stage.baton(arguments)
  }

  @Test("baton retry: a failed plan runs again from where it failed; its stream goes on")
  func retry() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.tasks = [
      task("done"),
      task("fails", after: ["done"], ["mock.fail": "TRANSIENT", "mock.fail_attempts": "1"]),
      task("after", after: ["fails"]),
    ]
    plan.tasks[1].retry.maxAttempts = 1
    let planID = try await stage.submit(plan)
    let first = try await stage.follow(planID)
    #expect(first.last?.kind == "plan_failed")
    let (code, text) = try await baton(stage, ["retry", planID, "--reason", "fixed"])
    #expect(code == 0 && text.contains("is running"), "\(text)")
    let (watched, _) = try await baton(stage, ["watch", planID])
    #expect(watched == 0, "the plan completed")
    let events = try await stage.follow(planID)
    #expect(events.map(\.seq) == Array(1...Int64(events.count)))
    #expect(events.filter { $0.kind == "plan_retried" }.map(\.message) == ["fixed"])
    let state = try await stage.state(planID)
    #expect(state.tasks.map(\.attempt) == [1, 2, 1])
    #expect(try stage.ledger().filter { $0.event == "started" }.count == 4)
    let (refused, why) = try await baton(stage, ["retry", planID])
    #expect(refused == 70 && why.contains("only a plan that failed can be retried"), "\(why)")
    await stage.close()
  }

  @Test("a deadline fails the plan and ends its runs; baton update moves it")
  func deadline() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.deadline = .after(milliseconds: 600_000)
    plan.tasks = [task("hangs", ["mock.hang": "true"]), task("after", after: ["hangs"])]
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_running" }
    let revision = try await stage.state(planID).revision
    let (stale, why) = try await baton(
      stage, ["update", planID, "--priority", "5", "--revision", "\(revision - 1)"])
    #expect(stale == 70 && why.contains("has changed since"), "\(why)")
    let (code, text) = try await baton(
      stage,
      [
        "update", planID, "--priority", "5", "--label", "stage=late", "--deadline", "100ms",
        "--revision", "\(revision)",
      ])
    #expect(code == 0, "\(text)")
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_failed" && events.last?.code == "PLAN_DEADLINE")
    #expect(events.contains { $0.kind == "plan_updated" })
    let state = try await stage.state(planID)
    #expect(state.status == .failed && state.priority == 5 && state.labels == ["stage": "late"])
    #expect(state.error?.errorClass == .timeout)
    #expect(state.tasks.map(\.status) == [.cancelled, .cancelled])
    try await eventually("the run is cancelled") {
      try stage.ledger().contains { $0.event == "cancelled" && $0.taskID == "hangs" }
    }
    await stage.close()
  }

  @Test("a run that is silent for its heartbeat timeout is tried again; one that reports is not")
  func heartbeat() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.tasks = [
      task("silent", ["mock.hang": "true"]),
      task("talks", ["mock.delay": "1500ms", "mock.chunks": "30"]),
    ]
    for index in plan.tasks.indices { plan.tasks[index].timeouts.heartbeatMilliseconds = 600 }
    plan.tasks[0].retry.maxAttempts = 2
    plan.tasks[0].retry.initialDelayMilliseconds = 10
    let planID = try await stage.submit(plan)
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_failed" && events.last?.code == "HEARTBEAT")
    let state = try await stage.state(planID)
    #expect(state.tasks.map(\.status) == [.failed, .succeeded])
    #expect(state.tasks.map(\.attempt) == [2, 1])
    await stage.close()
  }

  @Test(
    "S11: in_flight cancel ends runs at a shutdown; they are new deliveries after the next start",
    arguments: ["callback", "poll"])
  func inFlightCancel(results: String) async throws {
    let stage = try await Stage(Self.mock + ["--shutdown-in-flight", "cancel"])
    try await stage.mock(["--results", results])
    var plan = Plan()
    plan.tasks = [task("slow", ["mock.delay": "1s"]), task("after", after: ["slow"])]
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_running" }
    #expect(await stage.stopServer() == 0)
    #expect(try stage.ledger().contains { $0.event == "cancelled" && $0.taskID == "slow" })
    try await stage.start()
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    let again = try #require(events.first { $0.kind == "task_redelivered" })
    #expect(again.delivery == 2 && again.attempt == 1 && again.code == "SERVER_STOPPED")
    let started = try stage.ledger().filter { $0.event == "started" && $0.taskID == "slow" }
    #expect(started.count == 2)
    await stage.close()
  }

  @Test("baton approve: a task waits for a person, over a restart; --reject fails it")
  func approve() async throws {
    let stage = try await Stage(Self.mock)
    try await stage.mock()
    var plan = Plan()
    plan.tasks = [task("draft", ["mock.output": #"{"text":"tea"}"#]), task("ok", after: ["draft"])]
    plan.tasks[1].type = PlanTask.approvalType
    plan.tasks[1].payload = Array(#"{"prompt":"Send ${{ tasks.draft.output.text }}?"}"#.utf8)
    plan.tasks.append(task("send", after: ["ok"]))
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_waiting_input" }
    try await stage.crash()
    let state = try await stage.state(planID)
    #expect(state.tasks[1].status == .waitingInput && state.tasks[1].waitingSinceMs > 0)
    #expect(String(decoding: state.tasks[1].promptJson, as: UTF8.self) == #""Send tea?""#)
    let (_, shown) = try await baton(stage, ["get", planID])
    #expect(shown.contains("Send tea?"), "\(shown)")
    let (bad, _) = try await baton(stage, ["approve", planID, "ok", "--value", "{"])
    #expect(bad != 0)
    let (code, text) = try await baton(
      stage, ["approve", planID, "ok", "--value", #"{"to":"ann"}"#])
    #expect(code == 0 && text.contains("ok is succeeded"), "\(text)")
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    let (late, why) = try await baton(stage, ["approve", planID, "ok", "--reject", "no"])
    #expect(late == 70 && why.contains("does not wait for input"), "\(why)")
    let second = try await stage.submit(plan)
    try await stage.follow(second) { $0.kind != "task_waiting_input" }
    let (rejected, _) = try await baton(stage, ["approve", second, "ok", "--reject", "not today"])
    #expect(rejected == 0)
    #expect(try await stage.follow(second).last?.code == "REJECTED")
    await stage.close()
  }
}
