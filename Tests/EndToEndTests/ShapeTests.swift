import Foundation
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
