internal import ArgumentParser
internal import JSON
internal import Messages
internal import Service
internal import Stubs

/// The version of this program.
let toolVersion = BatonVersion.current

struct Version: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the version of this program and of the server, if one answers.")

  @OptionGroup var server: ServerOptions
  @OptionGroup var output: OutputOptions

  var format: OutputFormat { output.format }

  func execute() async throws {
    let connection = try Connection(server)
    defer { connection.close() }
    var info: BatonV1.GetServerInfoResponse?
    do throws(CommandFailure) {
      info = try await connection.call { options in
        try await connection.orchestrator.getServerInfo(
          BatonV1.GetServerInfoRequest(), options: options)
      }
    } catch {
      // Who named a server wants to know that it does not answer.
      guard !server.isGiven, error.status == .unavailable else { throw error }
    }
    let terminal = Terminal.standardOutput
    switch format {
    case .json:
      var object = JSONObject()
      object.add("version", toolVersion)
      object.add("server", info?.json)
      terminal.write(lines: [object.value.text])
    case .text:
      var lines = ["baton \(toolVersion)"]
      if let info {
        let durable = info.durability == "durable" ? "durable" : "lost at a restart"
        lines.append(
          "server at \(connection.address): \(TerminalText.clean(info.version)), "
            + "store \(TerminalText.clean(info.store)) (\(durable)), "
            + "up for \(TimeText.duration(info.uptimeMs))")
        lines += info.routes.map {
          "  route \($0.type): \($0.adapters.joined(separator: ", "))"
        }
      }
      terminal.write(lines: lines.map { TerminalText.clean($0) })
    }
  }
}
