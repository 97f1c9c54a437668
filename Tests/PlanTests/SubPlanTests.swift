import JSON
import Testing

@testable import Plan

/// Tasks of type `plan` at submission.
struct SubPlanTests {
  private func plan(_ payload: String) -> Plan {
    var plan = Plan(["a": [], "p": ["a"]])
    plan.inputs = Array(#"{"topic":"tea"}"#.utf8)
    plan.tasks[1].type = PlanTask.subPlanType
    plan.tasks[1].payload = Array(payload.utf8)
    return plan
  }

  @Test("references of the plan within are about it, those of `inputs` about the plan around")
  func references() throws {
    let good = #"""
      {"plan":{"inputs":{"n":1},"tasks":[{"id":"x","type":"t"},
        {"id":"y","type":"t","depends_on":["x"],"payload":
          {"p":"${{ inputs.n }} ${{ inputs.fact }} ${{ tasks.x.output }}"}}]},
       "inputs":{"fact":"${{ tasks.a.output.text }}","topic":"${{ inputs.topic }}"},
       "outputs":["y"]}
      """#
    #expect(refusals(plan(good)) == [])
    let compiled = try CompiledPlan(plan(good))
    #expect(compiled.isReferenced == [true, false])
    #expect(compiled.subPlans[1]?.outputs == ["y"])
    for (old, new, refusal) in [
      ("inputs.fact }}", "inputs.none }}", "tasks[1].payload.plan.tasks[1].payload BAD_REFERENCE"),
      ("tasks.x.output", "tasks.a.output", "tasks[1].payload.plan.tasks[1].payload BAD_REFERENCE"),
      ("tasks.a.output.text", "tasks.x.output", "tasks[1].payload BAD_REFERENCE"),
      (#"["y"]"#, #"["z"]"#, "tasks[1].payload.outputs BAD_REFERENCE"),
      (
        #""depends_on":["x"]"#, #""depends_on":["y"]"#,
        "tasks[1].payload.plan.tasks[1].depends_on[0] SELF_DEPENDENCY"
      ),
      (#""outputs""#, #""output""#, "tasks[1].payload.output UNKNOWN_FIELD"),
      (#""plan":"#, #""name":"#, "tasks[1].payload.name BAD_FIELD"),
      (#""id":"x""#, #""id":"y""#, "tasks[1].payload.plan.tasks[1].id DUPLICATE_ID"),
    ] {
      let found = refusals(plan(good.replacing(old, with: new)))
      #expect(found.contains(refusal), "\(found) for \(new)")
    }
    #expect(refusals(plan("{}")) == ["tasks[1].payload.plan BAD_FIELD"])
    #expect(refusals(plan(#"{"plan":{"tasks":[]}}"#)) == ["tasks[1].payload.plan.tasks NO_TASKS"])
    #expect(refusals(plan(#"{"plan":7}"#)) == ["tasks[1].payload.plan BAD_FIELD"])
  }

  @Test("plans lie within each other eight deep")
  func depth() throws {
    var text = #"{"tasks":[{"id":"x","type":"t"}]}"#
    for _ in 0..<7 { text = #"{"tasks":[{"id":"p","type":"plan","payload":{"plan":\#(text)}}]}"# }
    #expect(refusals(plan(#"{"plan":\#(text)}"#)) == [])
    text = #"{"tasks":[{"id":"p","type":"plan","payload":{"plan":\#(text)}}]}"#
    let found = problems(plan(#"{"plan":\#(text)}"#))
    #expect(found.map(\.reason.name) == ["TOO_DEEP"])
    #expect(found.first?.message == "plans lie within each other 8 deep at most")
  }

  @Test("a plan within takes owner, adapter and priority of the one around where it has none")
  func inheritance() throws {
    var outer = plan(
      #"{"plan":{"inputs":{"a":1,"b":2},"tasks":[{"id":"x","type":"t"}]},"inputs":{"b":"${{ inputs.topic }}"}}"#
    )
    (outer.owner, outer.adapter, outer.priority) = ("ann", "mock", 5)
    let subPlan = try #require(try CompiledPlan(outer).subPlans[1])
    let made = subPlan.plan(inputs: Array(#"{"b":"tea","c":3}"#.utf8), in: outer, taskID: "p")
    #expect(made.name == "p" && made.owner == "ann")
    #expect(made.adapter == "mock" && made.priority == 5)
    #expect(made.inputs == Array(#"{"a":1,"b":"tea","c":3}"#.utf8))
    let own = try #require(
      try CompiledPlan(
        plan(
          #"{"plan":{"name":"n","owner":"bob","adapter":"z","priority":-1,"tasks":[{"id":"x","type":"t"}]}}"#
        )
      ).subPlans[1])
    let kept = own.plan(inputs: Array("{}".utf8), in: outer, taskID: "p")
    #expect(kept.name == "n" && kept.owner == "bob" && kept.adapter == "z" && kept.priority == -1)
  }
}
