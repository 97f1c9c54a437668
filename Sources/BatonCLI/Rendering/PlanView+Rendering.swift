internal import Plan

extension PlanView {
  /// The plan as lines of at most `width` columns.
  ///
  /// - Parameters:
  ///   - height: lines to fill at most; the tasks that matter least give way.
  ///   - now: milliseconds since the Unix epoch, for elapsed times and what moves.
  func render(width: Int, height: Int, now: Int64, style: Style) -> [String] {
    var lines = [headline(width: width, now: now, style: style)]
    for words in [notice, hold] where !words.isEmpty {
      lines.append(style.paint(TerminalText.clip(TerminalText.clean(words), to: width), .yellow))
    }
    let room = max(2, height - lines.count - 1)
    let shown = tasks.count <= room ? Array(tasks.indices) : mostTelling(room - 1)
    var table = TextTable(
      ["", "TASK", "STATE", "ADAPTER", "TRY", "TIME", ""], rightAligned: [4, 5])
    for ordinal in shown { table.add(cells(tasks[ordinal], now: now, style: style)) }
    lines += table.lines(width: width, style: style)
    if shown.count < tasks.count {
      lines.append(style.paint(TerminalText.clip(rest(shown), to: width), .dim))
    }
    return lines
  }

  /// As much as fits, the most important first.
  private func headline(width: Int, now: Int64, style: Style) -> String {
    let title = TerminalText.clip(
      TerminalText.clean(name.isEmpty ? planID : name), to: min(30, width))
    var parts: [(text: String, color: Style.Color?)] = [
      (title, .bold), (status.rawValue.uppercased(), status.color),
    ]
    if let startedAt { parts.append((TimeText.duration((finishedAt ?? now) - startedAt), nil)) }
    parts.append(("\(finishedCount)/\(tasks.count) tasks", nil))
    parts.append((style.bar(finishedCount, of: tasks.count, columns: 20), .cyan))
    if !name.isEmpty { parts.append((planID, .dim)) }
    var line = ""
    var used = 0
    for part in parts {
      let gap = used == 0 ? "" : "  "
      used += gap.count + TerminalText.width(part.text)
      guard used <= width else { break }
      line += gap + style.paint(part.text, part.color)
    }
    return line
  }

  /// Ordinals of the tasks to show where there is no room for all: what runs, what failed, what
  /// comes next; in the plan's order.
  private func mostTelling(_ count: Int) -> [Int] {
    let ranked = tasks.indices.sorted { left, right in
      (tasks[left].status.dullness, left) < (tasks[right].status.dullness, right)
    }
    return ranked.prefix(max(0, count)).sorted()
  }

  private func rest(_ shown: [Int]) -> String {
    let hidden = Set(tasks.indices).subtracting(shown)
    let counts = TaskStatus.allCases.compactMap { status -> String? in
      let count = hidden.count { tasks[$0].status == status }
      return count == 0 ? nil : "\(count) \(status.word)"
    }
    return "… and \(hidden.count) more: \(counts.joined(separator: ", "))"
  }

  private func cells(_ task: Line, now: Int64, style: Style) -> [TextTable.Cell] {
    var state = task.status.word
    if task.status == .waitingRetry, let retryAt = task.retryAt {
      state = "retry in \(TimeText.duration(retryAt - now))"
    }
    let elapsed = task.startedAt.map { TimeText.duration((task.finishedAt ?? now) - $0) }
    return [
      .init(task.status.mark(at: now, style), task.status.color),
      .init(task.id), .init(state, task.status.color), .init(task.adapter),
      .init(task.attempt > 0 ? "\(task.attempt)" : ""), .init(elapsed ?? ""),
      .init(detail(task), task.error.isEmpty || task.status == .running ? .dim : .red),
    ]
  }

  private func detail(_ task: Line) -> String {
    switch task.status {
    case .pending: return "after \(open(task).joined(separator: ", "))"
    case .ready: return "waits for an adapter"
    case .waitingInput: return "baton approve \(planID) \(task.id)"
    case .dispatched, .running, .expanded, .delegated:
      if task.itemCount > 0 { return "\(task.endedItems)/\(task.itemCount)" }
      if !task.subPlanID.isEmpty { return "plan \(task.subPlanID)" }
      return TerminalText.clipStart(task.words.isEmpty ? task.note : task.words, to: 60)
    case .waitingRetry, .failed, .skipped, .cancelled: return task.error
    case .succeeded:
      if task.itemCount > 0 { return "\(task.endedItems)/\(task.itemCount)" }
      return task.outputTokens > 0 ? "\(task.outputTokens) tokens" : ""
    }
  }
}

extension PlanStatus {
  var color: Style.Color {
    switch self {
    case .created, .running: .blue
    case .paused, .cancelled: .yellow
    case .completed: .green
    case .failed: .red
    }
  }
}

extension TaskStatus {
  var word: String {
    switch self {
    case .waitingRetry: "retry"
    case .waitingInput: "asks"
    default: rawValue
    }
  }

  var color: Style.Color? {
    switch self {
    case .pending, .skipped: .dim
    case .ready: nil
    case .dispatched, .running, .expanded, .delegated: .blue
    case .waitingRetry, .waitingInput, .cancelled: .yellow
    case .succeeded: .green
    case .failed: .red
    }
  }

  /// A sign before the task's line; it moves while the task runs.
  func mark(at now: Int64, _ style: Style) -> String {
    switch self {
    case .pending, .ready: style.usesUnicode ? "·" : "."
    case .dispatched, .running, .expanded, .delegated: style.spinner(at: now)
    case .waitingRetry: style.usesUnicode ? "↻" : "~"
    case .waitingInput: "?"
    case .succeeded: style.usesUnicode ? "✓" : "+"
    case .failed: style.usesUnicode ? "✗" : "x"
    case .cancelled, .skipped: "-"
    }
  }

  /// What is shown last where there is no room for all.
  fileprivate var dullness: Int {
    switch self {
    case .running, .dispatched, .expanded, .delegated, .waitingInput: 0
    case .waitingRetry: 1
    case .failed: 2
    case .ready: 3
    case .pending: 4
    case .cancelled, .skipped: 5
    case .succeeded: 6
    }
  }
}
