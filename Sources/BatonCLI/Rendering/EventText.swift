internal import Foundation
internal import Messages

/// One event as one line: when, how long after the start, what, where, and why.
struct EventText {
  var style: Style
  var zone: TimeZone
  /// The first event's time, from which the others are counted; milliseconds since the epoch.
  private(set) var startedAt: Int64?
  private var taskWidth = 12

  init(style: Style, zone: TimeZone) {
    self.style = style
    self.zone = zone
  }

  static let header = "TIME          ELAPSED    EVENT"

  /// Ids are aligned as far as the longest one seen.
  mutating func line(_ event: BatonV1.PlanEvent) -> String {
    let start = startedAt ?? event.timeMs
    startedAt = start
    var task = TerminalText.clean(event.taskId)
    if case .index(let index)? = event.instanceIndex { task += "[\(index)]" }
    taskWidth = min(max(taskWidth, TerminalText.width(task)), 40)
    var parts = [
      TimeText.clock(event.timeMs, in: zone),
      Self.padded("+" + Self.seconds(event.timeMs - start), to: 9),
      style.paint(Self.padded(TerminalText.clean(event.kind), to: 20), Self.color(event.kind)),
      Self.padded(task, to: taskWidth),
      Self.padded(event.attempt > 0 ? "try \(event.attempt)" : "", to: 6),
    ]
    let place = [event.adapter, event.instance].filter { !$0.isEmpty }.joined(separator: "/")
    if !place.isEmpty { parts.append(TerminalText.clean(place)) }
    if event.delivery > 1 { parts.append("delivery \(event.delivery)") }
    let error = TerminalText.clean(TaskWords.error(event.code, event.message))
    if !error.isEmpty { parts.append(error) }
    if event.kind == "task_dispatched" && !event.subPlanId.isEmpty {
      parts.append("plan \(event.subPlanId)")
    }
    if event.kind == "task_expanded" { parts.append("\(event.itemCount) instances") }
    if event.delayMs > 0 { parts.append("next try in \(TimeText.duration(event.delayMs))") }
    var line = parts.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line
  }

  private static func seconds(_ milliseconds: Int64) -> String {
    let fraction = String(abs(milliseconds) % 1_000)
    let zeros = String(repeating: "0", count: 3 - fraction.count)
    return "\(milliseconds / 1_000).\(zeros)\(fraction)s"
  }

  private static func padded(_ text: String, to columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - TerminalText.width(text)))
  }

  private static func color(_ kind: String) -> Style.Color? {
    switch kind {
    case "task_succeeded", "plan_completed": .green
    case "task_failed", "plan_failed", "task_poisoned": .red
    case "task_retry_scheduled", "task_cancelled", "plan_cancelled", "plan_paused",
      "plan_retried",
      "task_redelivered", "adapter_switched", "result_refused", "budget_warning",
      "budget_exhausted":
      .yellow
    default: nil
    }
  }
}
