internal import Foundation
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping

/// A plan's state at one moment.
enum PlanText {
  static func lines(
    _ state: BatonV1.PlanState, width: Int?, now: Int64, zone: TimeZone, style: Style
  ) -> [String] {
    let status = PlanStatus(state.status)
    var facts = [
      ("name", state.name), ("plan", state.planId), ("namespace", state.namespace),
      ("owner", state.owner),
      (
        "part of",
        state.parentPlanId.isEmpty
          ? "" : "task \(state.parentTaskId) of plan \(state.parentPlanId)"
      ),
      (
        "labels",
        state.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
          .joined(separator: " ")
      ),
      ("created", TimeText.date(state.createdAtMs, in: zone)),
    ]
    if let took = took(state, now: now) { facts.append(("took", took)) }
    if let error = state.error {
      facts.append(("because", TaskWords.error(error.code, error.message)))
    }
    if let hold = state.hold { facts.append(("held by", TaskWords.error(hold.code, hold.message))) }
    if let usage = state.usage, usage.calls > 0 {
      facts.append(
        ("used", "\(usage.inputTokens) + \(usage.outputTokens) tokens, \(usage.calls) calls"))
    }
    facts.append(("budget", BudgetText.line(state)))
    let word = status?.rawValue.uppercased() ?? "UNKNOWN"
    var lines = ["status     \(style.paint(word, status?.color))"]
    for (name, text) in facts where !text.isEmpty {
      let padding = String(repeating: " ", count: max(1, 11 - name.count))
      lines.append(name + padding + TerminalText.clean(text))
    }
    lines.append("")
    return lines + table(state, now: now, style: style).lines(width: width, style: style)
  }

  /// How long it ran, or has been running.
  static func took(_ state: BatonV1.PlanState, now: Int64) -> String? {
    guard state.startedAtMs > 0 else { return nil }
    let end = state.finishedAtMs > 0 ? state.finishedAtMs : now
    return TimeText.duration(end - state.startedAtMs)
  }

  /// What a task asks that waits for input.
  private static func asks(_ task: BatonV1.TaskState) -> TextTable.Cell? {
    guard !task.promptJson.isEmpty, let prompt = try? JSONValue(parsing: task.promptJson) else {
      return nil
    }
    return TextTable.Cell(prompt.stringValue ?? prompt.text, .yellow)
  }

  private static func table(
    _ state: BatonV1.PlanState, now: Int64, style: Style
  ) -> TextTable {
    var table = TextTable(
      ["TASK", "TYPE", "STATE", "ADAPTER", "TRY", "TIME", ""], rightAligned: [4, 5])
    for task in state.tasks {
      let status = TaskStatus.allCases.first { $0.message == task.status }
      let end = task.finishedAtMs > 0 ? task.finishedAtMs : now
      let error = task.error.map { TaskWords.error($0.code, $0.message) } ?? ""
      var items = task.itemCount > 0 ? "\(task.endedItemCount)/\(task.itemCount)" : nil
      if !task.subPlanId.isEmpty { items = "plan \(task.subPlanId)" }
      let tokens = task.usage.map { $0.outputTokens > 0 ? "\($0.outputTokens) tokens" : "" }
      table.add([
        .init(TaskWords.name(task)), .init(task.type),
        .init(status?.word ?? "unknown", status?.color),
        .init([task.adapter, task.instance].filter { !$0.isEmpty }.joined(separator: "/")),
        .init(task.attempt > 0 ? "\(task.attempt)" : ""),
        .init(task.startedAtMs > 0 ? TimeText.duration(end - task.startedAtMs) : ""),
        asks(task)
          ?? .init(
            error.isEmpty ? items ?? tokens ?? "" : error, error.isEmpty ? .dim : .red),
      ])
    }
    return table
  }
}
