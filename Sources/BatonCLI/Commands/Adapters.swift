internal import ArgumentParser
internal import JSON
internal import Messages
internal import Stubs

struct Adapters: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists the adapters that have registered.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    let answer = try await connection.call { options in
      try await connection.registry.listAdapters(BatonV1.ListAdaptersRequest(), options: options)
    }
    let terminal = Terminal.standardOutput
    if format == .json {
      let adapters = JSONMember("adapters", .array(answer.adapters.map(\.json)))
      return terminal.write(lines: [JSONValue.object([adapters]).text])
    }
    if answer.adapters.isEmpty {
      return terminal.write(lines: ["No adapter has registered at \(connection.address)."])
    }
    let width = terminal.isInteractive ? terminal.size.columns : nil
    terminal.write(
      lines: AdapterText.table(answer.adapters, now: TimeText.now())
        .lines(width: width, style: terminal.style))
  }
}
