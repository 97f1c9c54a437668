internal import ArgumentParser
internal import Foundation
internal import JSON
internal import Messages
internal import Stubs

struct Trace: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows everything that happened to a plan, in order.",
    discussion: "With -o json: one event a line.")

  @Argument(help: "The plan's id.")
  var planID: String

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let terminal = Terminal.standardOutput
    var text = EventText(style: terminal.style, zone: .current)
    var request = BatonV1.GetPlanTraceRequest()
    request.planId = planID
    var isFirst = true
    repeat {
      let page = try await connection.call(about: planID) { [request] options in
        try await connection.orchestrator.getPlanTrace(request, options: options)
      }
      if format == .text, isFirst, let first = page.events.first {
        let date = TimeText.date(first.timeMs, in: .current)
        terminal.write(lines: ["Plan \(planID), submitted \(date)", EventText.header])
      }
      isFirst = false
      terminal.write(
        lines: page.events.map { format == .json ? $0.json.text : text.line($0) })
      request.fromSeq = page.nextSeq
    } while request.fromSeq > 0
  }
}
