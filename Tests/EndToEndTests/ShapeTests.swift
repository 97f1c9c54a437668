import Foundation
import JSON
import Messages
import Plan
import PlanMapping
import Stubs
import Testing

/// Plans whose shape is decided while they run, on the mock adapter's own process.
@Suite("Shapes", .timeLimit(.minutes(2)))
struct ShapeTests {
  @Test("when: one branch runs, the other is skipped, and they join")
  func conditions() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"inputs":{"least":3},"tasks":[
          {"id":"rate","type":"prompt","payload":{"prompt":"rate"},
           "metadata":{"mock.output":"{\"json\":{\"stars\":4}}"}},
          {"id":"praise","type":"prompt","payload":{"prompt":"praise"},"depends_on":["rate"],
           "when":"tasks.rate.output.json.stars >= inputs.least"},
          {"id":"blame","type":"prompt","payload":{"prompt":"blame"},"depends_on":["rate"],
           "when":"!(tasks.rate.output.json.stars >= inputs.least)"},
          {"id":"join","type":"prompt","depends_on":["praise","blame"],
           "payload":{"prompt":"${{ tasks.praise.output.text }}${{ tasks.blame.output.text }}"}}]}
        """#))
    let events = try await stage.follow(planID)
    let state = try await stage.state(planID)
    #expect(state.status == .completed)
    #expect(state.tasks.map(\.status) == [.succeeded, .succeeded, .skipped, .succeeded])
    #expect(state.tasks[2].error?.code == "CONDITION_FALSE")
    #expect(events.filter { $0.code == "CONDITION_FALSE" }.map(\.taskId) == ["blame"])
    #expect(try stage.ledger().allSatisfy { $0.taskID != "blame" })
    await stage.close()
  }

  @Test("output_schema: an output that does not fit is tried again with what was wrong as feedback")
  func outputSchema() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"retry":{"initial":"10ms"},"tasks":[
          {"id":"list","type":"prompt","payload":{"prompt":"list"},
           "metadata":{"mock.outputs":"[{\"text\":\"no\",\"json\":{\"n\":\"two\"}},{\"text\":\"2\",\"json\":{\"n\":2}}]"},
           "output_schema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}},
          {"id":"told","type":"mock","payload":{},"depends_on":["list"],
           "metadata":{"mock.echo":"true"},"output_schema":{"required":["schema"]}},
          {"id":"never","type":"prompt","payload":{"prompt":"x"},"retry":{"max_attempts":2},
           "output_schema":{"type":"object"},"on_failure":"continue"}]}
        """#))
    let events = try await stage.follow(planID)
    let state = try await stage.state(planID)
    #expect(state.status == .completed)
    #expect(state.tasks.map(\.attempt) == [2, 1, 2])
    let refused = events.filter { $0.code == "OUTPUT_SCHEMA" }
    #expect(Set(refused.map(\.taskId)) == ["list", "never"])
    #expect(refused.allSatisfy { $0.errorClass == .invalidOutput })
    #expect(
      refused.first { $0.taskId == "list" }?.message
        == "the output does not fit its schema: json.n: expected a whole number, not a string")
    let echoed = String(decoding: state.tasks[1].outputJson, as: UTF8.self)
    #expect(echoed.hasSuffix(#""schema":{"required":["schema"]}}"#))
    #expect(state.tasks[2].status == .failed)
    await stage.close()
  }

  @Test("map: a task runs once per element, and the next one reads the list")
  func map() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"inputs":{"cities":["Rome","Oslo","Lima"]},"tasks":[
          {"id":"visit","type":"mock","map":{"over":"${{ inputs.cities }}","max_parallel":2},
           "payload":{"city":"${{ item }}","place":"${{ index }}"},
           "metadata":{"mock.echo":"true"}},
          {"id":"sum","type":"mock","depends_on":["visit"],
           "payload":{"last":"${{ tasks.visit.output[2].json }}"},
           "metadata":{"mock.echo":"true"}}]}
        """#))
    let events = try await stage.follow(planID)
    let state = try await stage.state(planID)
    #expect(state.status == .completed)
    #expect(state.tasks.map(\.id) == ["visit", "sum", "visit", "visit", "visit"])
    #expect(state.tasks.suffix(3).map(\.instanceIndex) == [.index(0), .index(1), .index(2)])
    #expect(events.first { $0.kind == "task_expanded" }?.itemCount == 3)
    let sum = try JSONValue(parsing: state.tasks[1].outputJson)
    #expect(sum["json"]?["last"]?["city"] == .string("Lima"))
    #expect(sum["json"]?["last"]?["place"] == .number("2"))
    let outputs = try state.tasks.suffix(3).map { try JSONValue(parsing: $0.outputJson) }
    #expect(try JSONValue(parsing: state.tasks[0].outputJson) == .array(outputs))
    #expect(state.tasks[0].endedItemCount == 3)
    #expect(Int(state.tasks[0].outputBytes) == state.tasks[0].outputJson.count)
    await stage.close()
  }

  @Test("map: kills of the server in the midst lose no instance and repeat none")
  func mapSurvivesKills() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "5s"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"inputs":{"list":[0,1,2,3,4,5,6,7,8,9]},"tasks":[
          {"id":"each","type":"mock","map":{"over":"${{ inputs.list }}","max_parallel":3},
           "payload":{"n":"${{ item }}"},"metadata":{"mock.echo":"true","mock.delay":"30ms"}},
          {"id":"all","type":"mock","depends_on":["each"],
           "payload":{"list":"${{ tasks.each.output }}"},"metadata":{"mock.echo":"true"}}]}
        """#))
    var next: Int64 = 1
    for moment in ["task_expanded", "task_succeeded", "task_succeeded"] {
      let seen = try await stage.follow(planID, from: next) { $0.kind != moment }
      next = try #require(seen.last).seq + 1
      try await stage.crash()
    }
    let events = try await stage.follow(planID)
    #expect(events.last?.kind == "plan_completed")
    let succeeded = events.filter { $0.kind == "task_succeeded" && $0.taskId == "each" }
    #expect(succeeded.count == 11, "each instance once, and the task")
    for index in 0..<Int32(10) {
      #expect(succeeded.count { $0.instanceIndex == .index(index) } == 1, "\(index)")
    }
    let all = try JSONValue(parsing: try await stage.state(planID).tasks[1].outputJson)
    guard case .array(let list)? = all["json"]?["list"] else { throw TimedOut(description: "list") }
    #expect(list.map { $0["json"]?["n"]?.integerValue } == (0..<10).map { Int64($0) })
    #expect(try stage.ledger().count { $0.event == "started" } == 11, "nothing ran twice")
    await stage.close()
  }

  @Test("plan: a task runs a plan, over kills of the server, and both name each other")
  func subPlan() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}", "--lease", "5s"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"name":"outer","inputs":{"topic":"tea"},"tasks":[
          {"id":"inner","type":"plan","payload":{
            "plan":{"tasks":[
              {"id":"x","type":"mock","payload":{"t":"${{ inputs.topic }}"},
               "metadata":{"mock.echo":"true","mock.delay":"60ms"}},
              {"id":"y","type":"mock","depends_on":["x"],"payload":{"x":"${{ tasks.x.output.json }}"},
               "metadata":{"mock.echo":"true","mock.delay":"60ms"}}]},
            "inputs":{"topic":"${{ inputs.topic }}"}}},
          {"id":"last","type":"mock","depends_on":["inner"],
           "payload":{"got":"${{ tasks.inner.output.y.json.x.t }}"},"metadata":{"mock.echo":"true"}}]}
        """#))
    let begun = try await stage.follow(planID) { $0.kind != "task_running" }
    let childID = try #require(begun.last?.subPlanId)
    try await stage.crash()
    try await stage.follow(childID) { $0.kind != "task_succeeded" }
    try await stage.crash()
    let child = try await stage.follow(childID)
    // Killed where the plan within has ended and the task may not know it.
    try await stage.crash()
    let events = try await stage.follow(planID)
    #expect(child.first?.parentPlanId == planID && child.last?.kind == "plan_completed")
    #expect(events.last?.kind == "plan_completed")
    #expect(events.filter { $0.taskId == "inner" }.allSatisfy { $0.subPlanId == childID })
    let state = try await stage.state(planID)
    #expect(state.tasks[0].subPlanId == childID && state.tasks[0].attempt == 1)
    let last = try JSONValue(parsing: state.tasks[1].outputJson)
    #expect(last["json"]?["got"] == .string("tea"))
    let inner = try await stage.state(childID)
    #expect(inner.parentPlanId == planID && inner.parentTaskId == "inner")
    let listed = try await stage.orchestrator.listPlans(
      BatonV1.ListPlansRequest(parentPlanId: planID))
    #expect(listed.plans.map(\.planId) == [childID])
    #expect(try stage.ledger().count { $0.event == "started" } == 3, "nothing ran twice")
    await stage.close()
  }

  @Test("plan: a cancel of the plan around ends the plan within and its runs")
  func cancelsSubPlan() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    try await stage.mock()
    let planID = try await stage.submit(
      try Plan.reading(
        #"""
        {"tasks":[{"id":"inner","type":"plan","payload":{"plan":{"tasks":[
          {"id":"x","type":"mock","metadata":{"mock.hang":"true"}}]}}}]}
        """#))
    let begun = try await stage.follow(planID) { $0.kind != "task_running" }
    let childID = try #require(begun.last?.subPlanId)
    try await stage.follow(childID) { $0.kind != "task_running" }
    _ = try await stage.orchestrator.cancelPlan(
      BatonV1.CancelPlanRequest(planId: planID, reason: "stop"))
    #expect(try await stage.state(childID).status == .cancelled)
    #expect(try await stage.state(childID).error?.message == "the plan around it has ended: stop")
    try await eventually("the run is ended") {
      try stage.ledger().contains { $0.event == "cancelled" || $0.event == "finished" }
    }
    await stage.close()
  }

  @Test("when: a condition that cannot be read is refused with its field and place")
  func badCondition() async throws {
    let stage = try await Stage()
    let plan = try Plan.reading(
      #"{"tasks":[{"id":"a","type":"prompt","when":"inputs.n = 1"}]}"#)
    let reply = try await stage.orchestrator.validatePlan(
      BatonV1.ValidatePlanRequest(plan: BatonV1.Plan(plan)))
    #expect(reply.problems.map(\.field) == ["tasks[0].when"])
    #expect(reply.problems[0].reason == "BAD_CONDITION")
    #expect(reply.problems[0].message.contains("at character 10"))
    await stage.close()
  }
}
