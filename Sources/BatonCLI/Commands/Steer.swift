internal import ArgumentParser
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct Cancel: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ends a plan.",
    discussion: "Nothing of it is handed out any more, and what runs is cancelled.")

  @Argument(help: "The plan's id.")
  var planID: String

  @Option(help: "Why; for the trace.")
  var reason: String = ""

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let request = BatonV1.CancelPlanRequest(planId: planID, reason: reason)
    try await steer(planID, server, format, to: .cancelled) {
      try await $0.cancelPlan(request, options: Connection.callOptions).state
    }
  }
}

struct Pause: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Hands out no more tasks of a plan; what runs may finish.")

  @Argument(help: "The plan's id.")
  var planID: String

  @Option(help: "Why; for the trace.")
  var reason: String = ""

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let request = BatonV1.PausePlanRequest(planId: planID, reason: reason)
    try await steer(planID, server, format) {
      try await $0.pausePlan(request, options: Connection.callOptions).state
    }
  }
}

struct Resume: ReportingCommand {
  static let configuration = CommandConfiguration(abstract: "Goes on with a paused plan.")

  @Argument(help: "The plan's id.")
  var planID: String

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let request = BatonV1.ResumePlanRequest(planId: planID)
    try await steer(planID, server, format) {
      try await $0.resumePlan(request, options: Connection.callOptions).state
    }
  }
}

struct Retry: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a failed plan again.",
    discussion: """
      What failed, and what that blocked, runs again with a fresh allowance of attempts; what is done \
      stays. Follow it with: baton watch PLAN
      """)

  @Argument(help: "The plan's id.")
  var planID: String

  @Option(help: "Why; for the trace.")
  var reason: String = ""

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let request = BatonV1.RetryPlanRequest(planId: planID, reason: reason)
    try await steer(planID, server, format) {
      try await $0.retryPlan(request, options: Connection.callOptions).state
    }
  }
}

/// Asks the server and tells the state that the plan has then.
///
/// - Parameter end: what the plan is to end as; any other end came before.
func steer(
  _ planID: String, _ server: ServerOptions, _ format: OutputFormat, to end: PlanStatus? = nil,
  _ ask: (OrchestratorClient) async throws -> BatonV1.PlanState?
) async throws {
  let connection = try Connection(server)
  defer { connection.close() }
  let state = try await connection.call(about: planID) { _ in
    try await ask(connection.orchestrator) ?? BatonV1.PlanState()
  }
  let terminal = Terminal.standardOutput
  if format == .json { return terminal.write(lines: [state.json.text]) }
  let status = PlanStatus(state.status)
  let word = terminal.style.paint(status?.rawValue ?? "unknown", status?.color)
  let verb = status?.isFinal == true && status != end ? "had ended before: it is" : "is"
  let name = TerminalText.clean(state.name)
  terminal.write(lines: ["\(planID)\(name.isEmpty ? "" : " (\(name))") \(verb) \(word)"])
}
