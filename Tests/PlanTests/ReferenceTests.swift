import JSON
import Testing

@testable import Plan

/// References in payloads (contract section 4).
struct ReferenceTests {
  @Test("reads the forms of a reference")
  func forms() throws {
    let cases: [(text: String, source: Reference.Source, path: [JSONPathStep])] = [
      ("inputs", .inputs, []),
      (" inputs.x ", .inputs, [.key("x")]),
      ("inputs.a-b.c_d", .inputs, [.key("a-b"), .key("c_d")]),
      ("inputs['a b'][\"c'd\"]", .inputs, [.key("a b"), .key("c'd")]),
      ("tasks.a.output", .task("a"), []),
      ("tasks.research.output.text", .task("research"), [.key("text")]),
      ("tasks['a.b'].output", .task("a.b"), []),
      ("tasks[\"a.b\"].output[0].x[12]", .task("a.b"), [.index(0), .key("x"), .index(12)]),
      ("tasks['a']['output']['text']", .task("a"), [.key("text")]),
      ("tasks.a:b.output.output", .task("a:b"), [.key("output")]),
    ]
    for (text, source, path) in cases {
      let reference = try Reference(parsing: text)
      #expect(reference.source == source && reference.path == path, "\(text)")
      #expect(try Reference(parsing: reference.text) == reference, "\(text)")
    }
  }

  @Test(
    "refuses what is no reference",
    arguments: [
      "", " ", "x", "input.x", "tasks", "tasks.a", "tasks.a.outputs", "tasks.a.b.output",
      "tasks[0].output",
      "tasks.a.output.", ".inputs", "inputs..x", "inputs.x y", "inputs.é", "inputs[", "inputs[]",
      "inputs['a'", "inputs['a]", "inputs[-1]", "inputs[1.5]", "inputs[99999999999999999999]",
      "inputs['a']b",
      "inputs.x |upper", "${{ inputs.x", "inputs.x\n.y",
    ])
  func malformed(_ text: String) {
    #expect(throws: ReferenceError.self) { try Reference(parsing: text) }
    var plan = Plan(["a": []])
    plan.tasks[0].payload = JSONValue.object([JSONMember("p", .string("${{\(text)}}"))]).bytes
    #expect(refusals(plan) == ["tasks[0].payload BAD_REFERENCE"])
  }

  @Test("a reference that is not closed, or stands in a name, is refused")
  func misplaced() {
    for payload in [
      #"{"p":"${{ inputs.x"}"#, #"{"p":"${{ inputs.x }"}"#, #"{"${{ inputs.x }}":1}"#,
      #"{"a":[{"x ${{":1}]}"#, #"{"\u0024{{ inputs.x }}":1}"#,
    ] {
      var plan = Plan(["a": []])
      plan.tasks[0].payload = Array(payload.utf8)
      #expect(refusals(plan) == ["tasks[0].payload BAD_REFERENCE"], "\(payload)")
    }
  }

  @Test("references lead to inputs and to tasks upstream, directly or not, and nowhere else")
  func upstream() {
    func plan(_ reference: String) -> Plan {
      var plan = Plan(["a": [], "b": ["a"], "c": ["b"], "d": ["a"]])
      plan.inputs = Array(#"{"any":1}"#.utf8)
      plan.tasks[2].payload = Array("{\"p\":\"${{ \(reference) }}\"}".utf8)
      return plan
    }
    for good in ["inputs.any", "tasks.b.output", "tasks.a.output.x"] {
      #expect(refusals(plan(good)) == [], "\(good)")
    }
    for bad in ["tasks.d.output", "tasks.c.output"] {
      #expect(refusals(plan(bad)) == ["tasks[2].payload NOT_UPSTREAM"], "\(bad)")
    }
    #expect(
      problems(plan("tasks.x.output.y")).map(\.description) == [
        #"tasks[2].payload: ${{ tasks.x.output.y }}: there is no task "x""#
      ])
    #expect(
      problems(plan("tasks.d.output")).map(\.message) == [
        #"reads the output of "d", which is not upstream of "c"; add it to depends_on"#
      ])
  }

  @Test("the whole of a wide plan is checked, not the first 64 tasks of it")
  func wide() {
    var plan = Plan()
    plan.tasks = (0..<300).map { PlanTask("t\($0)") }
    plan.tasks.append(PlanTask("middle", after: plan.tasks.filter { $0.id != "t171" }.map(\.id)))
    let all = (0..<300).map { "\"${{ tasks.t\($0).output }}\"" }.joined(separator: ",")
    plan.tasks.append(PlanTask("last", after: ["middle"], payload: "{\"p\":[\(all)]}"))
    #expect(
      problems(plan).map(\.message) == [
        #"reads the output of "t171", which is not upstream of "last"; add it to depends_on"#
      ])
  }

  @Test("says which outputs somebody reads")
  func isReferenced() throws {
    var plan = Plan(["a": [], "b": [], "c": ["a", "b"]])
    plan.tasks[2].payload = Array(#"{"p":"${{ tasks.b.output }}"}"#.utf8)
    #expect(try CompiledPlan(plan).isReferenced == [false, true, false])
  }

  @Test("an escaped spelling of a reference is a reference, and is checked as one")
  func escapedSpelling() {
    var plan = Plan(["a": [], "b": []])
    plan.tasks[1].payload = Array(#"{"p":"\u0024{\u007b tasks.a.output }}"}"#.utf8)
    #expect(refusals(plan) == ["tasks[1].payload NOT_UPSTREAM"])
  }

  @Test("inputs hold no references")
  func inputs() {
    var plan = Plan(["a": []])
    plan.inputs = Array(#"{"x":"${{ inputs.y }}"}"#.utf8)
    #expect(refusals(plan) == ["inputs BAD_REFERENCE"])
  }

  @Test("section 4: an input that was not given is refused at submission, naming it")
  func missingInput() {
    var plan = Plan(["a": []])
    plan.inputs = Array(#"{"topic":{"sub":1},"n":null}"#.utf8)
    let good = ["inputs", "inputs.topic", "inputs.topic.nothing", "inputs['n']", "inputs.topic[3]"]
    for text in good {
      plan.tasks[0].payload = Array("{\"p\":\"${{ \(text) }}\"}".utf8)
      #expect(refusals(plan) == [], "\(text)")
    }
    for text in ["inputs.x", "inputs[0]", "inputs['to pic'].y"] {
      plan.tasks[0].payload = Array("{\"p\":[\"- ${{ \(text) }}\"]}".utf8)
      #expect(refusals(plan) == ["tasks[0].payload BAD_REFERENCE"], "\(text)")
    }
    plan.tasks[0].payload = Array(#"{"p":"${{ inputs.x.y }}"}"#.utf8)
    #expect(
      problems(plan).map(\.message) == [
        #"${{ inputs.x.y }}: there is no input "x"; there are: n, topic"#
      ])
  }
}
