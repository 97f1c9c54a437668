internal import ArgumentParser
internal import GRPC
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct Validate: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks a plan without running it.",
    discussion: """
      Shows which tasks may run together and the longest chain. A server that answers checks too, \
      and says which task types nobody serves yet; with --server or BATON_SERVER it has to.
      """)

  @Argument(help: "The plan, in YAML or JSON; - for standard input.")
  var file: String

  @Option(
    name: .customLong("input"), parsing: .singleValue,
    help: ArgumentHelp("An input of the plan; may be repeated.", valueName: "name=value"))
  var inputs: [String] = []

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    var planFile = try PlanFile(path: file)
    try planFile.setInputs(inputs)
    let compiled = try planFile.compile()
    let connection = try Connection(server)
    defer { connection.close() }
    var answer = Self.local(compiled)
    var checkedBy: String?
    do throws(CommandFailure) {
      let request = BatonV1.ValidatePlanRequest(plan: BatonV1.Plan(planFile.plan))
      answer = try await connection.call { options in
        try await connection.orchestrator.validatePlan(request, options: options)
      }
      checkedBy = connection.address
    } catch {
      guard !server.isGiven, error.status == .unavailable else { throw error }
    }
    guard answer.problems.isEmpty else { throw planFile.refusal(answer.problems) }
    let terminal = Terminal.standardOutput
    switch format {
    case .json:
      var object = JSONObject()
      object.add("checked_by", checkedBy ?? "")
      guard case .object(let members) = answer.json else { return }
      terminal.write(lines: [JSONValue.object(members + object.members).text])
    case .text:
      terminal.write(lines: Self.text(answer, compiled.plan, checkedBy, terminal.style))
    }
  }

  private static func local(_ compiled: CompiledPlan) -> BatonV1.ValidatePlanResponse {
    let tasks = compiled.plan.tasks
    var answer = BatonV1.ValidatePlanResponse()
    answer.levels = compiled.graph.levels().map { level in
      BatonV1.TaskLevel(taskIds: level.map { tasks[$0].id })
    }
    answer.criticalPath = compiled.graph.criticalPath().map { tasks[$0].id }
    return answer
  }

  static func text(
    _ answer: BatonV1.ValidatePlanResponse, _ plan: Plan, _ checkedBy: String?, _ style: Style
  ) -> [String] {
    let name = TerminalText.clean(plan.name.isEmpty ? "The plan" : plan.name)
    let edges = plan.tasks.reduce(0) { $0 + $1.dependsOn.count }
    let by = checkedBy.map { "checked by the server at \($0)" } ?? "checked here; no server asked"
    var lines = [
      "\(name) is \(style.paint("valid", .green)): \(plan.tasks.count) tasks, "
        + "\(edges) dependencies (\(by))",
      "",
      "Tasks that may run together:",
    ]
    for (index, level) in answer.levels.enumerated() {
      let number = String(index + 1)
      let padding = String(repeating: " ", count: max(0, 3 - number.count))
      lines.append("\(padding)\(number)  \(level.taskIds.joined(separator: ", "))")
    }
    lines += ["", "Longest chain: \(answer.criticalPath.joined(separator: " -> "))"]
    lines += answer.warnings.map { style.paint("Warning: \(TerminalText.clean($0))", .yellow) }
    return lines
  }
}
