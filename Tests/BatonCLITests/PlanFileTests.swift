import JSON
import Plan
import Testing

@testable import BatonCLI

@Suite struct PlanFileTests {
  private func failure(_ text: String, inputs: [String] = []) throws -> CommandFailure {
    do throws(CommandFailure) {
      var file = try PlanFile(text: text, name: "plan.yaml")
      try file.setInputs(inputs)
      _ = try file.compile()
    } catch {
      return error
    }
    Issue.record("the plan was taken")
    return CommandFailure(.success, code: "", message: "")
  }

  @Test func mistakesOfShapeAreShownAtTheirLines() throws {
    let failure = try failure(
      """
      name: briefing
      tasks:
        - id: facts
          type: prompt
          retry:
            max_attempts: many
        - id: write
          typ: prompt
          timeouts: {start_to_close: soon}
      """)
    #expect(failure.status == .badData)
    #expect(failure.lines.first == "baton: plan.yaml is not a valid plan")
    let lines = failure.lines.dropFirst()
    #expect(
      lines.contains {
        $0.hasPrefix("plan.yaml:6: tasks[0].retry.max_attempts: expected a whole number")
      })
    #expect(
      lines.contains { $0.hasPrefix("plan.yaml:8: tasks[1].typ: unknown field; did you mean") })
    #expect(lines.contains { $0.hasPrefix("plan.yaml:7: tasks[1].type: ") })
    #expect(lines.contains { $0.hasPrefix("plan.yaml:9: tasks[1].timeouts.start_to_close: ") })
  }

  @Test(arguments: [
    ("depends_on: [a]", "SELF_DEPENDENCY", "plan.yaml:3: tasks[0].depends_on[0]: "),
    ("depends_on: [b]", "UNKNOWN_DEPENDENCY", "plan.yaml:3: tasks[0].depends_on[0]: "),
    ("retry: {max_attempts: -1}", "OUT_OF_RANGE", "plan.yaml:3: tasks[0].retry.max_attempts: "),
    (
      "payload: {prompt: '${{ tasks.c.output }}'}", "BAD_REFERENCE",
      "plan.yaml:3: tasks[0].payload"
    ),
  ])
  func mistakesOfMeaningAreShownAtTheirLines(line: String, reason: String, shown: String) throws {
    let failure = try failure("tasks:\n  - {id: a, type: prompt,\n     \(line)}")
    #expect(failure.problems.map(\.reason) == [reason])
    #expect(failure.lines[1].hasPrefix(shown))
  }

  @Test func aCycleIsShown() throws {
    let failure = try failure(
      """
      tasks:
        - {id: a, type: prompt, depends_on: [c]}
        - {id: b, type: prompt, depends_on: [a]}
        - {id: c, type: prompt, depends_on: [b]}
      """)
    #expect(failure.reason == "CYCLE")
    #expect(failure.lines[1].contains("tasks wait for each other: "))
  }

  @Test func syntaxMistakesAreShownAtTheirLines() throws {
    let failure = try failure("tasks:\n  - {id: a]\n")
    #expect(failure.code == "BAD_SYNTAX")
    #expect(failure.message.hasPrefix("plan.yaml:2: "))
  }

  @Test func failuresForProgramsNameFieldAndLine() throws {
    let failure = try failure("tasks:\n  - {id: a, type: prompt,\n     depends_on: [b]}")
    let problem = failure.json["error"]?["problems"]
    guard case .array(let problems)? = problem else {
      Issue.record("no problems in \(failure.json.text)")
      return
    }
    #expect(problems[0]["field"]?.stringValue == "tasks[0].depends_on[0]")
    #expect(problems[0]["line"]?.integerValue == 3)
    #expect(problems[0]["reason"]?.stringValue == "UNKNOWN_DEPENDENCY")
  }

  @Test func textsOfAFileDoNotReachTheTerminal() throws {
    let failure = try failure("tasks:\n  - {id: a, type: prompt, \"\\e[2Jx\": 1}")
    #expect(failure.lines.allSatisfy { !$0.unicodeScalars.contains("\u{1B}") })
  }

  @Test func inputsOverrideThoseOfTheFile() throws {
    var file = try PlanFile(
      text: "inputs: {topic: tea, n: 1}\ntasks: [{id: a, type: prompt}]", name: "plan.yaml")
    try file.setInputs(["topic=bread: a history", "n=2", "list=[x, 3]", "quoted=\"4\"", "empty="])
    #expect(
      String(decoding: file.plan.inputs, as: UTF8.self) == """
        {"topic":"bread: a history","n":2,"list":["x",3],"quoted":"4","empty":null}
        """)
    #expect(try failure("tasks: [{id: a, type: prompt}]", inputs: ["topic"]).status == .usage)
    #expect(try failure("tasks: [{id: a, type: prompt}]", inputs: ["x=[1"]).status == .usage)
  }

  @Test(arguments: PlanTemplate.allCases) func everyTemplateIsAValidPlan(template: PlanTemplate)
    throws
  {
    let file = try PlanFile(text: template.text, name: template.rawValue)
    let compiled = try file.compile()
    #expect(compiled.plan.name == template.rawValue)
    #expect(template.text.hasPrefix("# "))
    #expect(template.text.hasSuffix("\n"))
    #expect(PlanTemplate.overview.contains(template.rawValue))
    let answer = compiled.graph.levels()
    #expect(template != .chain || answer.count == 3)
    #expect(template != .fanOutJoin || answer.map(\.count) == [3, 1])
  }

  @Test func twoFrameworksUsesBoth() throws {
    let plan = try PlanFile(text: PlanTemplate.twoFrameworks.text, name: "t").plan
    #expect(Set(plan.tasks.compactMap(\.adapter)) == ["crewai", "langchain"])
  }
}
