import Foundation
import GRPC
import Messages
import Plan
import Stubs
import Testing

@Suite("Kill", .serialized, .timeLimit(.minutes(3)))
struct KillTests {
  /// 14 tasks: a chain, a fan-out of six, a fan-in, one that fails once.
  static func plan() -> Plan {
    var plan = Plan()
    plan.name = "kill"
    func add(_ id: String, after: [String], reading: String = "tea", script: [String: String]) {
      var task = PlanTask()
      task.id = id
      task.type = "prompt"
      task.dependsOn = after
      task.payload = Array(
        #"{"system":"You answer briefly.","prompt":"Say one thing about: \#(reading)"}"#.utf8)
      task.metadata = script
      task.retry.initialDelayMilliseconds = 200
      plan.tasks.append(task)
    }
    let slow = ["mock.delay": "40ms"]
    add("chain-1", after: [], script: slow)
    add("chain-2", after: ["chain-1"], script: slow)
    add("chain-3", after: ["chain-2"], script: slow)
    for index in 1...6 {
      add(
        "fan-\(index)", after: ["chain-3"],
        reading: "${{ tasks.chain-3.output.text }}",
        script: ["mock.delay": "\(index * 30)ms"])
    }
    add(
      "flaky", after: ["chain-3"],
      script: ["mock.delay": "30ms", "mock.fail": "TRANSIENT", "mock.fail_attempts": "1"])
    add("join", after: (1...6).map { "fan-\($0)" } + ["flaky"], script: slow)
    add("end-1", after: ["join"], script: slow)
    add("end-2", after: ["end-1"], script: slow)
    add("end-3", after: ["end-2"], script: slow)
    return plan
  }

  /// Moments at which the server is killed: as soon as an event is seen.
  private static let moments: [@Sendable (BatonV1.PlanEvent) -> Bool] = [
    { $0.kind == "task_dispatched" && $0.taskId == "chain-1" },
    { $0.kind == "task_succeeded" && $0.taskId == "chain-2" },
    { $0.kind == "task_retry_scheduled" },
    { $0.kind == "task_succeeded" && $0.taskId.hasPrefix("fan-") },
    { $0.kind == "task_dispatched" && $0.taskId == "end-2" },
  ]

  @Test(
    "a plan survives five kills of the server: every result once, nothing done twice",
    arguments: ["callback", "poll"])
  func fiveKills(results: String) async throws {
    let stage = try await Stage([
      "--routes", "{default: [mock]}", "--lease", "5s", "--sweep", "200ms",
    ])
    try await stage.mock(["--results", results])
    let planID = try await stage.submit(Self.plan(), key: "kill")
    var next: Int64 = 1
    for moment in Self.moments {
      let seen = try await stage.follow(planID, from: next) { !moment($0) }
      let last = try #require(seen.last)
      #expect(moment(last), "the moment came")
      next = last.seq + 1
      try await stage.crash()
    }
    #expect(try await stage.submit(Self.plan(), key: "kill") == planID)
    let events = try await stage.follow(planID)
    try await check(stage, planID, events)
    await stage.close()
  }

  private func check(
    _ stage: Stage, _ planID: String, _ events: [BatonV1.PlanEvent]
  ) async throws {
    #expect(events.map(\.seq) == Array(1...Int64(events.count)))
    #expect(events.last?.kind == "plan_completed")
    let state = try await stage.state(planID)
    #expect(state.status == .completed)
    #expect(state.tasks.allSatisfy { $0.status == .succeeded && !$0.outputJson.isEmpty })
    #expect(state.tasks.first { $0.id == "flaky" }?.attempt == 2)
    for task in state.tasks {
      let own = events.filter { $0.taskId == task.id }
      #expect(own.filter { $0.kind == "task_succeeded" }.count == 1, "\(task.id) succeeded once")
      let success = try #require(own.first { $0.kind == "task_succeeded" })
      let later = own.filter {
        $0.seq > success.seq && ["task_dispatched", "task_redelivered"].contains($0.kind)
      }
      #expect(later.isEmpty, "\(task.id) was not dispatched again")
    }
    // The adapter was never killed: each attempt ran exactly once there.
    let ledger = try stage.ledger()
    let started = Dictionary(grouping: ledger.filter { $0.event == "started" }) {
      "\($0.taskID)#\($0.attempt)"
    }
    #expect(started.values.allSatisfy { $0.count == 1 })
    #expect(started.count == state.tasks.count + 1, "one attempt each, two of flaky")
  }

  @Test("a killed adapter that lost its runs gets them again under a higher token")
  func killedAdapter() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "5s"])
    let adapter = try await stage.mock()
    var plan = Plan()
    var task = PlanTask()
    task.id = "only"
    task.type = "prompt"
    task.metadata = ["mock.exit": "1"]
    plan.tasks = [task]
    let planID = try await stage.submit(plan)
    // It ends as its script says, once the task has come.
    _ = await adapter.exitStatus()
    try await stage.mock()
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    #expect(events.contains { $0.kind == "task_redelivered" && $0.delivery == 2 })
    let state = try await stage.state(planID)
    #expect(state.tasks.first?.attempt == 1, "a lost adapter costs no attempt")
    await stage.close()
  }

  @Test("S11: SIGTERM ends the server with 0, and a running task's result is taken afterwards")
  func gracefulStop() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "5s"])
    try await stage.mock()
    var plan = Plan()
    var task = PlanTask()
    task.id = "slow"
    task.type = "prompt"
    task.metadata = ["mock.delay": "300ms"]
    plan.tasks = [task]
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_running" }
    let orchestrator = stage.orchestrator
    let watching = Task {
      for try await _ in try await orchestrator.streamPlanEvents(
        BatonV1.StreamPlanEventsRequest(planId: planID))
      {}
    }
    let asked = ContinuousClock.now
    #expect(await stage.stopServer() == 0)
    #expect(asked.duration(to: .now) < .seconds(10), "a watcher does not hold up the end")
    _ = await watching.result
    try await stage.start()
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    #expect(events.filter { $0.kind == "task_dispatched" }.count == 1)
    #expect(try stage.ledger().filter { $0.event == "started" }.count == 1)
    await stage.close()
  }
}
