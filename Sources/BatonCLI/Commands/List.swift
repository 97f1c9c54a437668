internal import ArgumentParser
internal import Foundation
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct List: ReportingCommand {
  static let configuration = CommandConfiguration(abstract: "Lists plans, newest first.")

  @Option(
    parsing: .singleValue,
    help: "Only plans in this state; may be repeated.",
    transform: planStatus)
  var status: [PlanStatus] = []

  @Option(help: "Only plans of this namespace.")
  var namespace: String = ""

  @Option(help: "Only plans of this owner.")
  var owner: String = ""

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("Only plans with this label; may be repeated.", valueName: "name=value"))
  var label: [String] = []

  @Option(help: "Only plans whose name starts so.")
  var name: String = ""

  @Option(help: ArgumentHelp("Only sub-plans of this plan.", valueName: "plan"))
  var parent: String = ""

  @Option(help: "How many plans to list at most.")
  var limit: Int = 50

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func validate() throws {
    guard limit >= 1 else { throw ValidationError("--limit must be at least 1") }
    for label in label where !label.contains("=") {
      throw ValidationError("--label \(label): write NAME=VALUE")
    }
  }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let plans = try await plans(connection)
    let terminal = Terminal.standardOutput
    if format == .json {
      let value = JSONValue.object([JSONMember("plans", .array(plans.map(\.json)))])
      return terminal.write(lines: [value.text])
    }
    if plans.isEmpty { return terminal.write(lines: ["There are no plans that match."]) }
    var table = TextTable(
      ["PLAN", "STATE", "TASKS", "CREATED", "TOOK", "NAMESPACE", "NAME"], rightAligned: [2, 4])
    for plan in plans {
      let status = PlanStatus(plan.status)
      table.add([
        .init(plan.planId), .init(status?.rawValue ?? "unknown", status?.color),
        .init("\(plan.taskCount)"), .init(TimeText.date(plan.createdAtMs, in: .current)),
        .init(PlanText.took(plan, now: TimeText.now()) ?? ""), .init(plan.namespace),
        .init(plan.name),
      ])
    }
    let width = terminal.isInteractive ? terminal.size.columns : nil
    terminal.write(lines: table.lines(width: width, style: terminal.style))
  }

  private func plans(_ connection: Connection) async throws -> [BatonV1.PlanState] {
    var request = BatonV1.ListPlansRequest()
    request.statuses = status.map(\.message)
    request.namespace = namespace
    request.owner = owner
    request.namePrefix = name
    request.parentPlanId = parent
    for label in label {
      let parts = label.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      request.labels[String(parts[0])] = String(parts[1])
    }
    var plans: [BatonV1.PlanState] = []
    repeat {
      request.pageSize = Int32(min(limit - plans.count, 500))
      let page = try await connection.call { [request] options in
        try await connection.orchestrator.listPlans(request, options: options)
      }
      plans += page.plans
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty && plans.count < limit
    return plans
  }
}

private func planStatus(_ text: String) throws -> PlanStatus {
  guard let status = PlanStatus(rawValue: text) else {
    let known = PlanStatus.allCases.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("\"\(text)\" is no state of a plan; it is one of \(known)")
  }
  return status
}
