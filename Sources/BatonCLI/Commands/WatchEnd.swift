internal import ArgumentParser
internal import JSON
internal import Messages
internal import Plan

/// What comes after a plan was watched to its end: results, the way to the trace, the exit code.
struct WatchEnd: Sendable {
  let connection: Connection
  let format: OutputFormat
  let server: ServerOptions

  func follow(_ watch: PlanWatch) async throws {
    let status = try await watch.run()
    let state = try await connection.plan(watch.planID, view: .full)
    let terminal = Terminal.standardOutput
    switch format {
    case .json: terminal.write(lines: [state.json.text])
    case .text: terminal.write(lines: text(state, status, terminal))
    }
    switch status {
    case .failed: throw ExitCode(ExitStatus.planFailed.rawValue)
    case .cancelled: throw ExitCode(ExitStatus.planCancelled.rawValue)
    case .created, .running, .paused, .completed: return
    }
  }

  private func text(
    _ state: BatonV1.PlanState, _ status: PlanStatus, _ terminal: Terminal
  ) -> [String] {
    let style = terminal.style
    let width = terminal.isInteractive ? min(terminal.size.columns, 100) : 100
    var lines = ResultText.lines(state, width: width, style: style)
    var summary = [style.paint("Plan \(status.rawValue)", status.color)]
    if state.finishedAtMs > 0 {
      summary.append("after \(TimeText.duration(state.finishedAtMs - state.createdAtMs))")
    }
    if let usage = state.usage, usage.calls > 0 {
      summary.append(
        "with \(usage.inputTokens) + \(usage.outputTokens) tokens in \(usage.calls) model calls")
    }
    lines += ["", summary.joined(separator: " ")]
    if let error = state.error {
      lines.append(TerminalText.clean(TaskWords.error(error.code, error.message)))
    }
    lines.append("How it came about: baton trace \(state.planId)\(server.suffix)")
    return lines
  }
}
