import Foundation
import JSON
import Messages
import Plan
import Testing

/// Runs that ask for input, with real programs.
@Suite("Dialogs", .serialized, .timeLimit(.minutes(3)))
struct DialogTests {
  private func approve(_ stage: Stage, _ planID: String, _ words: String...) async throws -> Int32 {
    try await baton(["approve", planID, "a"] + words, server: stage.address).status
  }

  private func plan(_ script: [String: String]) -> Plan {
    var task = PlanTask()
    task.id = "a"
    task.type = "prompt"
    task.metadata = script
    var plan = Plan()
    plan.tasks = [task]
    return plan
  }

  @Test("baton approve answers a run again and again, over restarts of the server")
  func approve() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "5s"])
    try await stage.mock(["--max-concurrency", "1"])
    let planID = try await stage.submit(plan(["mock.ask": "2"]))
    let asked = try await stage.follow(planID) { $0.kind != "task_waiting_input" }
    // Its place is free.
    let other = try await stage.submit(plan([:]))
    #expect(try await stage.follow(other).last?.kind == "plan_completed")
    try await stage.crash()
    try await stage.registered("mock-1")
    let state = try #require(try await stage.state(planID).tasks.first)
    #expect(state.status == .waitingInput && state.question == 1 && state.waitingUntilMs == 0)
    #expect(String(decoding: state.promptJson, as: UTF8.self) == #"{"question":"a, 1"}"#)
    #expect(try await approve(stage, planID, "--value", #""tea""#, "--question", "1") == 0)
    let next = try await stage.follow(planID, from: Int64(asked.count) + 1) {
      $0.kind != "task_waiting_input"
    }
    #expect(next.map(\.kind) == ["task_resumed", "task_running", "task_waiting_input"])
    #expect(try await approve(stage, planID, "--value", #""tea""#, "--question", "1") == 0)
    #expect(try await stage.state(planID).tasks.first?.question == 2, "known, and no answer to it")
    #expect(try await approve(stage, planID) == 0)
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    #expect(events.allSatisfy { $0.attempt <= 1 && $0.delivery <= 1 })
    let output = try JSONValue(parsing: try await stage.state(planID).tasks[0].outputJson)
    #expect(output["json"]?.text == #"["tea",{"approved":true}]"#)
    let second = try await stage.submit(plan(["mock.ask": "1"]))
    try await stage.follow(second) { $0.kind != "task_waiting_input" }
    #expect(try await approve(stage, second, "--reject", "not today") == 0)
    let failed = try #require(try await stage.follow(second).last)
    #expect(failed.code == "REJECTED" && failed.message.contains("not today"))
    await stage.close()
  }

  @Test("an adapter that has lost the run is given the attempt again, with what it was told")
  func lost() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "1s"])
    let first = try await stage.mock()
    let planID = try await stage.submit(plan(["mock.ask": "2"]))
    try await stage.follow(planID) { $0.kind != "task_waiting_input" }
    #expect(try await approve(stage, planID, "--value", "1") == 0)
    try await eventually("the second question") {
      let task = try await stage.state(planID).tasks[0]
      return task.status == .waitingInput && task.question == 2
    }
    await first.kill()
    // Without a data folder its successor knows nothing.
    try await stage.mock()
    #expect(try await approve(stage, planID, "--value", "2") == 0)
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    let again = try #require(events.first { $0.kind == "task_redelivered" })
    #expect(again.attempt == 1 && again.delivery == 2 && again.code == "RUN_LOST")
    let output = try JSONValue(parsing: try await stage.state(planID).tasks[0].outputJson)
    #expect(output["json"]?.text == "[1,2]")
    await stage.close()
  }

  @Test(
    "LangGraph's interrupt() waits over a restart of the adapter", arguments: ["callback", "poll"])
  func interrupt(results: String) async throws {
    let stage = try await Stage(["--routes", "{default: [langchain]}", "--lease", "2s"])
    let nowhere = "http://127.0.0.1:9/v1"
    let sidecar = try await stage.sidecar("langchain", results: results, model: nowhere)
    let planID = try await stage.submit(
      try Plan.reading(
        """
        {"tasks":[{"id":"a","type":"graph","payload":{"entrypoint":"examples.letter:graph",
         "input":{"topic":"tea"}}}]}
        """))
    try await stage.follow(planID) { $0.kind != "task_waiting_input" }
    let prompt = try JSONValue(parsing: try await stage.state(planID).tasks[0].promptJson)
    #expect(prompt["draft"]?.stringValue == "let us talk about tea")
    await sidecar.kill()
    try await stage.sidecar("langchain", results: results, model: nowhere)
    #expect(try await approve(stage, planID, "--value", #""Ann""#) == 0)
    var kinds: [String] = []
    // An answer that was on its way to the adapter that was killed is sent once more.
    for event in try await stage.follow(planID) where event.kind != kinds.last {
      kinds.append(event.kind)
    }
    #expect(
      kinds == [
        "plan_created", "plan_started", "task_dispatched", "task_running", "task_waiting_input",
        "task_resumed", "task_running", "task_succeeded", "plan_completed",
      ])
    let output = try JSONValue(parsing: try await stage.state(planID).tasks[0].outputJson)
    #expect(output["text"]?.stringValue == "Dear Ann, let us talk about tea.")
    await stage.close()
  }
}
