internal import ArgumentParser
internal import Foundation
internal import JSON
internal import Messages
internal import Plan
internal import PlanMapping

struct Get: ReportingCommand {
  static let configuration = CommandConfiguration(abstract: "Shows a plan as it stands.")

  @Argument(help: "The plan's id.")
  var planID: String

  @Flag(help: "Show outputs too; -o json always has them.")
  var results = false

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let isFull = results || format == .json
    let state = try await connection.plan(planID, view: isFull ? .full : .basic)
    let terminal = Terminal.standardOutput
    if format == .json { return terminal.write(lines: [state.json.text]) }
    let width = terminal.isInteractive ? terminal.size.columns : nil
    var lines = PlanText.lines(
      state, width: width, now: TimeText.now(), zone: .current, style: terminal.style)
    if results {
      for task in state.tasks {
        lines += ["", terminal.style.paint(TerminalText.clean(ResultText.heading(task)), .bold)]
        lines += ResultText.body(task, width: width ?? 100, style: terminal.style).map { "  \($0)" }
      }
    }
    terminal.write(lines: lines)
  }
}
