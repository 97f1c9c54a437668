internal import ArgumentParser
internal import Foundation
internal import GRPC
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
      """
      Where the server listens: host:port, unix:PATH, or https://host:port with TLS (default: \
      127.0.0.1:7420; BATON_SERVER).
      """))
  var server: String?

  @Flag(help: "Speak TLS, as https:// before the address says too (BATON_TLS=true).")
  var tls = false
  @Option(help: "PEM file of the authorities that sign the server's certificate (BATON_TLS_CA).")
  var tlsCa: String?
  @Option(help: "PEM file of a certificate to show to the server (BATON_TLS_CERTIFICATE).")
  var tlsCertificate: String?
  @Option(help: "PEM file of the certificate's key (BATON_TLS_KEY).")
  var tlsKey: String?
  @Option(help: "Name of the server's certificate, if not the host (BATON_TLS_SERVER_NAME).")
  var tlsServerName: String?
  @Option(
    help: """
      File with the token to show to the server (BATON_TOKEN_FILE); or the token itself in \
      BATON_TOKEN.
      """)
  var tokenFile: String?
  @Flag(help: "Call a server on another machine without TLS (BATON_INSECURE=true).")
  var insecure = false

  /// Whether somebody said where the server is.
  var isGiven: Bool { server != nil || Self.variable("BATON_SERVER") != nil }

  var address: String { server ?? Self.variable("BATON_SERVER") ?? "127.0.0.1:7420" }

  var usesTLS: Bool { tls || Self.variable("BATON_TLS") == "true" }

  var allowsCleartext: Bool { insecure || Self.variable("BATON_INSECURE") == "true" }

  var files: TLSFiles {
    TLSFiles(
      certificate: tlsCertificate ?? Self.variable("BATON_TLS_CERTIFICATE"),
      key: tlsKey ?? Self.variable("BATON_TLS_KEY"), ca: tlsCa ?? Self.variable("BATON_TLS_CA"),
      serverName: tlsServerName ?? Self.variable("BATON_TLS_SERVER_NAME"))
  }

  /// The token to show, if there is one. Throws `TokenError` where its file cannot be used.
  func token() throws(TokenError) -> (@Sendable () -> String)? {
    if let path = tokenFile ?? Self.variable("BATON_TOKEN_FILE") {
      let file = try TokenFile(path)
      return { file.token }
    }
    guard let token = Self.variable("BATON_TOKEN") else { return nil }
    return { token }
  }

  private static func variable(_ name: String) -> String? {
    let text = ProcessInfo.processInfo.environment[name]
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
