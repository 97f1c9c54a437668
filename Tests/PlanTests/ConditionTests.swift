import JSON
import Testing

@testable import Plan

/// `when:` as docs/conditions.md has it.
struct ConditionTests {
  private let inputs = #"""
    {"n":3,"big":9007199254740993,"x":1.5,"name":"tea","on":true,"none":null,"list":[1,"a",null],
     "o":{"k":{"d":[10,20]}},"a.b":7}
    """#

  /// true, false or what is wrong.
  private func answer(_ text: String) throws -> String {
    let condition = try Condition(parsing: text)
    let tasks = [
      "a": UpstreamTask(status: .succeeded, output: Array(#"{"text":"yes","n":2}"#.utf8)),
      "b.c": UpstreamTask(status: .succeeded, output: Array("[1,2]".utf8)),
      "f": UpstreamTask(status: .failed, output: nil),
      "s": UpstreamTask(status: .skipped, output: nil),
    ]
    do throws(ConditionError) {
      return "\(try condition.evaluate(inputs: Array(inputs.utf8), tasks: tasks))"
    } catch {
      return error.message
    }
  }

  @Test(
    "what is true",
    arguments: [
      "true", "!false", "(true)", "1 == 1", "1 == 1.0", "1 < 2 && 2 <= 2 || false", "-1 < 0",
      "inputs.n == 3", "inputs.n >= 3 && inputs.n <= 3", "inputs.x > 1", "inputs.x == 15e-1",
      "inputs.name == 'tea'", "inputs.name == \"tea\"", "'\\u0074ea' == inputs.name",
      "'it\\'s\\n' != ''", "'a' < 'b'", "'Z' < 'a'", "inputs.on", "!(inputs.on == false)",
      "inputs.none == null", "inputs.list == [1, 'a', null]", "inputs.list != [1]",
      "1 in inputs.list", "!('b' in inputs.list)", "inputs.name in ['tea', 'milk']",
      "'k' in inputs.o", "!('z' in inputs.o)", "inputs.o.k.d[1] == 20", "inputs['a.b'] == 7",
      "size(inputs.list) == 3", "size('söß') == 3", "size(inputs.o) == 1", "size([]) == 0",
      "has(inputs.n)", "!has(inputs.nowhere.at.all)", "has(inputs.none)",
      "inputs.name.startsWith('te')", "inputs.name.endsWith('ea')", "inputs.name.contains('')",
      "inputs.name.contains('e')", "!inputs.name.contains('eb')", "'abc'.contains('bc')",
      "tasks.a.output.text == 'yes'", "tasks['b.c'].output[0] == 1",
      "tasks.a.status == 'succeeded'",
      "tasks.f.status == 'failed' && tasks.s.status == 'skipped'", "tasks.f.output == null",
      "tasks.f.output.text == null", "!has(tasks.s.output.text)", "has(tasks.a.output)",
      "inputs.big != 9007199254740992", "1 != '1'", "null != false", "inputs.name != 1",
      // One part that decides is enough, on either side.
      "true || inputs.nowhere", "inputs.nowhere || true", "!(inputs.nowhere && false)",
    ])
  func isTrue(_ text: String) throws { #expect(try answer(text) == "true") }

  @Test("what has no answer says which value is why")
  func errors() throws {
    for (text, message) in [
      ("inputs.nowhere == 1", "inputs.nowhere leads to nothing"),
      ("tasks.a.output.text[0] == 1", "tasks.a.output.text[0] leads to nothing"),
      ("inputs.n", "inputs.n (a number) stands where true or false is needed"),
      ("!inputs.name", "inputs.name (a string) stands where true or false is needed"),
      ("inputs.n < 'a'", "< cannot compare inputs.n (a number) with a string"),
      ("inputs.none > 1", "> cannot compare inputs.none (null) with a number"),
      ("size(inputs.n) == 1", "inputs.n (a number) stands where a string, a list or an object"),
      ("inputs.n.contains('a')", "inputs.n (a number) stands where a string is needed"),
      ("1 in inputs.n", "inputs.n (a number) stands where a list or an object is needed"),
      ("inputs.o == inputs.o", "objects cannot be compared"),
      ("inputs.nowhere && true", "inputs.nowhere leads to nothing"),
    ] {
      let found = try answer(text)
      #expect(found.hasPrefix(message), "\(text): \(found)")
    }
  }

  @Test("section 5: what is no condition is refused at submission, naming the place")
  func mistakes() {
    for (text, message) in [
      ("", "at character 1: expected a value, not the end"),
      ("inputs.n =  3", "at character 10: \"=\" means nothing here; write == to compare"),
      ("inputs.n ==", "at character 12: expected a value, not the end"),
      ("inputs.n + 1 == 2", "at character 10: \"+\" means nothing here; there is no arithmetic"),
      ("${{ inputs.n }}", "at character 1: \"$\" means nothing here; a condition is written"),
      ("input.n == 3", "at character 1: \"input\" is not known"),
      ("exec('x')", "at character 1: \"exec\" is not known"),
      ("tasks.a == 1", "at character 1: write tasks.ID.output or tasks.ID.status"),
      ("tasks.a.state == 'x'", "at character 1: write tasks.ID.output or tasks.ID.status"),
      ("tasks.my-task.output == 1", "at character 9: expected an operator"),
      ("tasks.a.status == 'success'", "at character 19: no task upstream can be 'success'; known"),
      ("(true", "at character 6: expected \")\", not the end"),
      ("true)", "at character 5: expected an operator such as && or ==, not \")\""),
      ("'abc", "at character 1: the string is not closed"),
      ("'\\q'", "at character 3: unknown escape"),
      ("1 == 2 == true", "at character 8: one comparison at a time"),
      ("1", "at character 1: expected true or false, not a number"),
      ("size(inputs.x)", "at character 1: expected true or false, not a number"),
      ("!1", "at character 2: expected true or false, not a number"),
      ("true && 'a'", "at character 9: expected true or false, not a string"),
      ("1 < 'a'", "at character 3: < cannot compare a number with a string"),
      ("true < false", "at character 1: expected a number or a string, not true or false"),
      ("1 in 2", "at character 6: expected a list, not a number"),
      ("has(tasks.a.status)", "at character 5: has() asks for a field"),
      ("99999999999999999999 == 1", "at character 1: \"99999999999999999999\" is no number"),
      ("007 == 7", "at character 1: \"007\" is no number"),
      ("inputs.n.matches('x')", "at character 17: expected an operator"),
      ("true\u{0}", "at character 5"),
    ] {
      let mistake = #expect(throws: ConditionMistake.self) { try Condition(parsing: text) }
      let sentence = mistake?.sentence ?? ""
      #expect(sentence.hasPrefix(message), "\(text): \(sentence)")
    }
  }

  @Test("text, nesting and look-ups are bounded")
  func bounds() throws {
    let nested = { String(repeating: "(", count: $0) + "true" + String(repeating: ")", count: $0) }
    #expect(try answer(nested(32)) == "true")
    #expect(throws: ConditionMistake.self) { try Condition(parsing: nested(33)) }
    #expect(throws: ConditionMistake.self) {
      try Condition(parsing: String(repeating: "!", count: 1_000) + "true")
    }
    let names = Array(repeating: "inputs.on", count: 32).joined(separator: "&&")
    #expect(try answer(names) == "true")
    #expect(throws: ConditionMistake.self) { try Condition(parsing: names + "&&inputs.on") }
    let long = "'" + String(repeating: "x", count: 2_048) + "' != ''"
    #expect(throws: ConditionMistake.self) { try Condition(parsing: long) }
  }

  @Test("a condition may name tasks upstream only")
  func upstream() {
    var plan = Plan(["a": [], "b": ["a"], "c": ["b"], "d": []])
    plan.tasks[2].when = "tasks.a.status == 'succeeded' && tasks.b.output.x"
    #expect(refusals(plan) == [])
    plan.tasks[2].when = "tasks.d.output"
    plan.tasks[1].when = "tasks.b.output"
    plan.tasks[0].when = "inputs.x ="
    plan.tasks[3].when = "tasks.e.output"
    #expect(
      refusals(plan) == [
        "tasks[0].when BAD_CONDITION", "tasks[3].when BAD_CONDITION", "tasks[1].when NOT_UPSTREAM",
        "tasks[2].when NOT_UPSTREAM",
      ])
  }

  @Test("an input that is not given is refused, unless has() asks for it")
  func unknownInput() {
    var plan = Plan(["a": []])
    plan.inputs = Array(#"{"n":1}"#.utf8)
    plan.tasks[0].when = "inputs.n == 1 && has(inputs.x) && inputs.x.y == 2"
    #expect(refusals(plan) == [])
    plan.tasks[0].when = "inputs.m == 1"
    #expect(refusals(plan) == ["tasks[0].when BAD_REFERENCE"])
  }

  @Test("what a condition reads is kept at hand")
  func referenced() throws {
    var plan = Plan(["a": [], "b": [], "c": ["a", "b"]])
    plan.tasks[2].when = "tasks.a.output.x && tasks.b.status == 'failed'"
    #expect(try CompiledPlan(plan).isReferenced == [true, false, false])
  }
}
