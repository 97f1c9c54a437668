internal import ArgumentParser
internal import Foundation
internal import JSON

/// How a command prints what it has to say.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  /// For people.
  case text
  /// For programs.
  case json
}

struct OutputOptions: ParsableArguments {
  @Option(name: [.customShort("o"), .customLong("output")], help: "How to print: text or json.")
  var format: OutputFormat = .text
}

struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Where the server listens: host:port or unix:PATH (default: 127.0.0.1:7420).",
      discussion: "BATON_SERVER says the same where the option is left out."))
  var server: String?

  /// Whether somebody said where the server is.
  var isGiven: Bool { server != nil || Self.fromEnvironment != nil }

  var address: String { server ?? Self.fromEnvironment ?? "127.0.0.1:7420" }

  private static var fromEnvironment: String? {
    let text = ProcessInfo.processInfo.environment["BATON_SERVER"]
    return text?.isEmpty == false ? text : nil
  }
}

/// A command whose failures are told in the form that its output has.
protocol ReportingCommand: AsyncParsableCommand {
  var format: OutputFormat { get }
  func execute() async throws
}

extension ReportingCommand {
  func run() async throws {
    do {
      try await execute()
    } catch let failure as CommandFailure {
      let terminal = Terminal.standardError
      switch format {
      case .text: terminal.write(lines: failure.lines)
      case .json: terminal.write(lines: [failure.json.text])
      }
      throw ExitCode(failure.status.rawValue)
    }
  }
}
