internal import ArgumentParser
internal import Messages
internal import Plan
internal import Stubs

struct Update: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Changes the priority, deadline, budget or labels of a plan that runs or failed.")

  @Argument(help: "The plan's id.")
  var planID: String

  @Option(help: "Plans with a higher number are handed out first; -1000 to 1000.")
  var priority: Int32?

  @Option(
    help: ArgumentHelp(
      "How long the plan has from now, such as 2h; none: as long as it takes.",
      valueName: "duration"))
  var deadline: String?

  @Option(
    name: .customLong("label"), parsing: .singleValue,
    help: ArgumentHelp("A label to set; may be repeated.", valueName: "name=value"))
  var labels: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("A label to take away; may be repeated.", valueName: "name"))
  var removeLabel: [String] = []

  @OptionGroup var budget: BudgetOptions

  @Option(help: "Change nothing unless the plan is at this revision.")
  var revision: Int64?

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let request = try request()
    try await steer(planID, server, format) {
      try await $0.updatePlan(request, options: Connection.callOptions).state
    }
  }

  func request() throws -> BatonV1.UpdatePlanRequest {
    var request = BatonV1.UpdatePlanRequest()
    request.planId = planID
    request.expectedRevision = revision ?? 0
    request.priorityValue = priority.map { .priority($0) }
    if deadline == "none" {
      request.deadline = .noDeadline(true)
    } else if let deadline {
      guard let milliseconds = DurationText.milliseconds(deadline) else {
        throw Self.misuse("--deadline: \(deadline) is no duration; \(DurationText.hint)")
      }
      request.deadline = .deadlineAfterMs(milliseconds)
    }
    for label in labels {
      let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw Self.misuse("--label: write NAME=VALUE, not \(label)") }
      request.setLabels[String(parts[0])] = String(parts[1])
    }
    request.removeLabels = removeLabel
    request.budget = try budget.update()
    return request
  }

  static func misuse(_ message: String) -> CommandFailure {
    CommandFailure(.usage, code: "USAGE", message: message)
  }
}

/// Limits of a plan's budget: a number, or none.
struct BudgetOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Tokens that the plan may use, or none.", valueName: "count"))
  var budgetTokens: String?

  @Option(help: ArgumentHelp("Tokens at which it is warned, or none.", valueName: "count"))
  var budgetSoftTokens: String?

  @Option(help: ArgumentHelp("Attempts of tasks that it may start, or none.", valueName: "count"))
  var budgetTasks: String?

  @Option(help: ArgumentHelp("Attempts at which it is warned, or none.", valueName: "count"))
  var budgetSoftTasks: String?

  @Option(help: ArgumentHelp("What a warning does: warn or pause.", valueName: "action"))
  var budgetOnSoft: SoftAction?

  enum SoftAction: String, ExpressibleByArgument, CaseIterable {
    case warn, pause
  }

  /// Nil where nothing is to change.
  func update() throws -> BatonV1.BudgetUpdate? {
    var update = BatonV1.BudgetUpdate()
    update.tokensValue = try limit(budgetTokens, "budget-tokens").map { .tokens($0) }
    update.softTokensValue = try limit(budgetSoftTokens, "budget-soft-tokens")
      .map { .softTokens($0) }
    update.tasksValue = try limit(budgetTasks, "budget-tasks").map { .tasks($0) }
    update.softTasksValue = try limit(budgetSoftTasks, "budget-soft-tasks").map { .softTasks($0) }
    update.pauseAtSoftValue = budgetOnSoft.map { .pauseAtSoft($0 == .pause) }
    return update == BatonV1.BudgetUpdate() ? nil : update
  }

  private func limit(_ text: String?, _ name: String) throws -> Int64? {
    guard let text else { return nil }
    if text == "none" { return 0 }
    guard let limit = Int64(text), limit > 0 else {
      throw Update.misuse("--\(name): \(text) is neither a number above 0 nor none")
    }
    return limit
  }
}
