internal import ArgumentParser
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping
internal import Stubs

struct Explain: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what the tasks of a plan wait for that are not running.",
    discussion: "With -o json: one object with all of them.")

  @Argument(help: "The plan's id.")
  var planID: String

  @Flag(help: "List every task, however many there are.")
  var all = false

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  /// Without --all, so many tasks are listed.
  private static let listedMax = 50

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let whole = try await explanation(connection)
    let terminal = Terminal.standardOutput
    if format == .json { return terminal.write(lines: [whole.json.text]) }
    let width = terminal.isInteractive ? terminal.size.columns : nil
    terminal.write(
      lines: ExplainText.lines(
        whole, listed: all ? .max : Self.listedMax, width: width, now: TimeText.now(),
        style: terminal.style))
  }

  /// The first page with the tasks of those that are wanted.
  private func explanation(_ connection: Connection) async throws -> BatonV1.ExplainPlanResponse {
    var request = BatonV1.ExplainPlanRequest()
    request.planId = planID
    var whole: BatonV1.ExplainPlanResponse?
    repeat {
      let page = try await connection.call(about: planID) { [request] options in
        try await connection.orchestrator.explainPlan(request, options: options)
      }
      if whole == nil { whole = page } else { whole?.tasks += page.tasks }
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty && (all || format == .json)
    return whole ?? BatonV1.ExplainPlanResponse()
  }
}

/// An explanation as people read it.
enum ExplainText {
  static func lines(
    _ answer: BatonV1.ExplainPlanResponse, listed: Int, width: Int?, now: Int64, style: Style
  ) -> [String] {
    let status = PlanStatus(answer.status)
    var lines = [
      "status     \(style.paint(status?.rawValue.uppercased() ?? "UNKNOWN", status?.color))"
    ]
    if let hold = answer.hold {
      lines.append("held by    " + TerminalText.clean(TaskWords.error(hold.code, hold.message)))
    }
    guard !answer.groups.isEmpty else { return lines + ["", "No task waits."] }
    lines.append("")
    for group in answer.groups {
      guard let reason = group.reason else { continue }
      let more = Int(group.count) - group.taskIds.count
      let names = group.taskIds.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
      lines.append(
        TerminalText.clean("\(group.count)  \(reason.code)  \(reason.message): \(names)"))
    }
    var table = TextTable(["TASK", "STATE", "WHY", ""])
    for task in answer.tasks.prefix(listed) { table.add(cells(task, now: now)) }
    lines += [""] + table.lines(width: width, style: style)
    let total = answer.groups.reduce(0) { $0 + Int($1.count) }
    let hidden = total - min(listed, answer.tasks.count)
    if hidden > 0 { lines.append("… and \(hidden) more; --all lists them") }
    return lines
  }

  private static func cells(_ task: BatonV1.TaskWait, now: Int64) -> [TextTable.Cell] {
    let status = TaskStatus.allCases.first { $0.message == task.status }
    let reason = task.reason ?? BatonV1.WaitReason()
    return [
      .init(name(task)), .init(status?.word ?? "unknown", status?.color), .init(reason.code),
      .init(words(reason, now: now), .dim),
    ]
  }

  /// `pages[3]` for an instance.
  private static func name(_ task: BatonV1.TaskWait) -> String {
    guard case .index(let index)? = task.instanceIndex else { return task.taskId }
    return "\(task.taskId)[\(index)]"
  }

  private static func words(_ reason: BatonV1.WaitReason, now: Int64) -> String {
    var text = reason.message
    if reason.dependencyCount > 0 {
      let names = reason.dependencies.map { "\($0.taskId) (\($0.status.upperWord))" }
      let more = Int(reason.dependencyCount) - names.count
      text = "after " + names.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }
    if reason.untilMs > 0 { text += ", for \(TimeText.duration(max(0, reason.untilMs - now)))" }
    return text
  }
}

extension BatonV1.ExplainPlanResponse {
  var json: JSONValue {
    var object = JSONObject()
    object.add("plan_id", planId)
    object.add("status", PlanStatus(status)?.rawValue.uppercased() ?? "")
    object.add("revision", revision)
    object.add("hold", hold?.json)
    object.add(
      "groups",
      .array(
        groups.map { group in
          var item = JSONObject()
          item.add("count", group.count)
          item.add("task_ids", group.taskIds)
          item.add("reason", group.reason?.json)
          return item.value
        }))
    object.add(
      "tasks",
      .array(
        tasks.map { task in
          var item = JSONObject()
          item.add("task_id", task.taskId)
          if case .index(let index)? = task.instanceIndex { item.add("index", .integer(index)) }
          item.add("status", task.status.upperWord)
          item.add("reason", task.reason?.json)
          return item.value
        }))
    return object.value
  }
}

extension BatonV1.WaitReason {
  var json: JSONValue {
    var object = JSONObject()
    object.add("code", code)
    object.add("message", message)
    if !dependencies.isEmpty {
      let words = dependencies.map { JSONMember($0.taskId, .string($0.status.upperWord)) }
      object.add("dependencies", .object(words))
    }
    object.add("dependency_count", dependencyCount)
    object.add("until_ms", untilMs)
    object.add("adapter", adapter)
    return object.value
  }
}
