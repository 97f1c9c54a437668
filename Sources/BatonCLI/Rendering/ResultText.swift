internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping

/// What came out of a plan, for reading.
enum ResultText {
  /// - Parameters:
  ///   - state: FULL view with all tasks.
  ///   - width: columns to fill at most.
  static func lines(_ state: BatonV1.PlanState, width: Int, style: Style) -> [String] {
    var lines: [String] = []
    let shown = tasksToShow(state.tasks)
    for task in shown {
      lines += ["", style.paint(TerminalText.clean(heading(task)), .bold)]
      lines += body(task, width: width, style: style).map { "  \($0)" }
    }
    if shown.count < state.tasks.count {
      lines += [
        "",
        style.paint(
          "The last tasks of \(state.tasks.count); `baton get \(state.planId) --results` shows all.",
          .dim),
      ]
    }
    return lines
  }

  /// Everything of a small plan; of a larger one what nothing else builds on, and what failed.
  private static func tasksToShow(_ tasks: [BatonV1.TaskState]) -> [BatonV1.TaskState] {
    guard tasks.count > smallPlan else { return tasks }
    let builtOn = Set(tasks.flatMap(\.dependsOn))
    return Array(
      tasks.filter { !builtOn.contains($0.id) || $0.status == .failed }.prefix(smallPlan))
  }

  private static let smallPlan = 20

  static func heading(_ task: BatonV1.TaskState) -> String {
    var facts: [String] = []
    if !task.adapter.isEmpty { facts.append(task.adapter) }
    if task.startedAtMs > 0, task.finishedAtMs > 0 {
      facts.append(TimeText.duration(task.finishedAtMs - task.startedAtMs))
    }
    if task.attempt > 1 { facts.append("\(task.attempt) tries") }
    if let usage = task.usage, usage.outputTokens > 0 {
      facts.append("\(usage.outputTokens) tokens")
    }
    let name = TaskWords.name(task)
    return facts.isEmpty ? name : "\(name) (\(facts.joined(separator: ", ")))"
  }

  static func body(_ task: BatonV1.TaskState, width: Int, style: Style) -> [String] {
    if !task.outputJson.isEmpty {
      return readable(task.outputJson).flatMap { TerminalText.wrap($0, to: max(20, width - 2)) }
    }
    let status = TaskStatus.allCases.first { $0.message == task.status }
    var lines = [style.paint(status?.word ?? "unknown", status?.color)]
    if let error = task.error {
      let text = TaskWords.error(error.code, error.message)
      lines += TerminalText.wrap(TerminalText.clean(text), to: max(20, width - 2))
      lines += TerminalText.cleanLines(error.diagnostics).prefix(20)
        .filter { !$0.isEmpty }.map { style.paint($0, .dim) }
    }
    return lines
  }

  /// An output's `text` where it has one, as `prompt` and `agent` do; otherwise its JSON.
  private static func readable(_ output: [UInt8]) -> [String] {
    guard let value = try? JSONValue(parsing: output) else {
      return TerminalText.cleanLines(String(decoding: output, as: UTF8.self))
    }
    let text = value["text"]?.stringValue ?? value.stringValue
    return TerminalText.cleanLines(text ?? PrettyJSON.text(value))
  }
}

/// JSON with a member or element a line.
enum PrettyJSON {
  static func text(_ value: JSONValue) -> String { text(value, indentation: "") }

  private static func text(_ value: JSONValue, indentation: String) -> String {
    let inner = indentation + "  "
    switch value {
    case .object(let members) where !members.isEmpty:
      let lines = members.map {
        "\(inner)\(JSONValue.string($0.key).text): \(text($0.value, indentation: inner))"
      }
      return "{\n\(lines.joined(separator: ",\n"))\n\(indentation)}"
    case .array(let elements) where !elements.isEmpty:
      let lines = elements.map { inner + text($0, indentation: inner) }
      return "[\n\(lines.joined(separator: ",\n"))\n\(indentation)]"
    default:
      return value.text
    }
  }
}
