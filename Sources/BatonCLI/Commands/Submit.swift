internal import ArgumentParser
internal import Foundation
internal import GRPC
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct Submit: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Hands a plan to the server.",
    discussion: """
      With --watch: shows it while it runs, then its results, and ends with 0 if it completed, 1 if \
      it failed, 2 if it was cancelled.
      """)

  @Argument(help: "The plan, in YAML or JSON; - for standard input.")
  var file: String

  @Flag(name: .shortAndLong, help: "Follow the plan to its end.")
  var watch = false

  @Option(
    name: .customLong("input"), parsing: .singleValue,
    help: ArgumentHelp("An input of the plan; may be repeated.", valueName: "name=value"))
  var inputs: [String] = []

  @Option(help: "The namespace to put it in (default: default).")
  var namespace: String = ""

  @Option(help: "Makes the submission idempotent: the same key gives the same plan.")
  var requestKey: String?

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    var planFile = try PlanFile(path: file)
    try planFile.setInputs(inputs)
    _ = try planFile.compile()
    let connection = try Connection(server)
    defer { connection.close() }
    let answer = try await submit(planFile, connection)
    report(answer, planFile.plan)
    guard watch else { return }
    let watched = PlanWatch(connection: connection, planID: answer.planId, format: format)
    try await WatchEnd(connection: connection, format: format, server: server).follow(watched)
  }

  private func submit(
    _ planFile: PlanFile, _ connection: Connection
  ) async throws -> BatonV1.SubmitPlanResponse {
    var request = BatonV1.SubmitPlanRequest()
    request.plan = BatonV1.Plan(planFile.plan)
    request.namespace = namespace
    // A key of our own lets us ask again when the answer was lost, and still get one plan.
    request.requestKey = requestKey ?? UUID().uuidString
    var triesLeft = 3
    while true {
      do {
        return try await connection.orchestrator.submitPlan(
          request, options: Connection.callOptions)
      } catch let error as RPCError {
        triesLeft -= 1
        if error.code == .unavailable, !error.neverSent, triesLeft > 0 {
          try await Task.sleep(for: .seconds(1))
          continue
        }
        let problems = error.planProblems.filter { !Self.arguments.contains($0.field) }
        guard !problems.isEmpty else {
          throw CommandFailure(error, server: connection.address)
        }
        throw planFile.refusal(problems)
      }
    }
  }

  /// Fields of the request that no plan file has.
  private static let arguments = ["namespace", "request_key"]

  private func report(_ answer: BatonV1.SubmitPlanResponse, _ plan: Plan) {
    let terminal = Terminal.standardOutput
    if format == .json {
      var object = JSONObject()
      object.add("plan_id", answer.planId)
      object.add("created", .bool(answer.created))
      object.add("warnings", answer.warnings)
      return terminal.write(lines: [object.value.text])
    }
    let name = TerminalText.clean(plan.name.isEmpty ? "plan" : plan.name)
    let tasks = plan.tasks.count == 1 ? "1 task" : "\(plan.tasks.count) tasks"
    let what = answer.created ? "submitted" : "was there already under this request key"
    terminal.write(lines: ["\(answer.planId)  \(name), \(tasks): \(what)"])
    for warning in answer.warnings {
      Terminal.standardError.write(lines: ["baton: warning: \(TerminalText.clean(warning))"])
    }
    if !watch { terminal.write(lines: ["Follow it: baton watch \(answer.planId)\(server.suffix)"]) }
  }
}

extension ServerOptions {
  /// What to add to a command so that it finds the same server.
  var suffix: String { isGiven ? " --server \(address)" : "" }
}
