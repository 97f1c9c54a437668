internal import ArgumentParser
internal import Foundation
internal import GRPC

/// Runs cases of the gRPC interop tests against a server.
@main
struct InteropClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interop-client",
    abstract: "Runs the cases of the gRPC interop tests against a server.",
    discussion: """
      Prints one line for each case. Exit code 0: all passed; 1: one failed; 64: there is no such \
      case. Cases: \(names.joined(separator: " "))
      """)

  @Option(name: .customLong("server_host"), help: "Host of the server.")
  var serverHost = "127.0.0.1"
  @Option(
    name: .customLong("server_host_override"),
    help: "Name that the server's certificate must have, if another than --server_host.")
  var serverHostOverride: String?
  @Option(name: .customLong("server_port"), help: "Port of the server.")
  var serverPort: Int
  @Option(name: .customLong("use_tls"), help: "Whether connections are encrypted.")
  var usesTLS = false
  @Option(
    name: .customLong("ca_file"),
    help: "Authorities that may have signed the server's certificate, PEM; else the system's.")
  var authorities: String?
  @Option(name: .customLong("test_case"), help: "Names of cases, separated by commas.")
  var testCase: String
  @Option(
    name: .customLong("server_sees_compression"),
    help: "Whether the server refuses messages that are compressed other than they say.")
  var serverSeesCompression = true
  @OptionGroup var soak: Soak

  private static let names = Cases.all.keys.sorted() + ["rpc_soak", "channel_soak"]

  func validate() throws {
    for name in cases where !Self.names.contains(name) {
      throw ValidationError("there is no case \(name); known: \(Self.names)")
    }
  }

  private var cases: [String] { testCase.split(separator: ",").map(String.init) }

  func run() async throws {
    let shared = connect()
    defer { shared.channel.close() }
    var hasFailed = false
    for name in cases {
      do {
        try await run(name, shared)
        report("\(name): passed")
      } catch {
        report("\(name): FAILED: \(error)")
        hasFailed = true
      }
    }
    if hasFailed { throw ExitCode.failure }
  }

  private func run(_ name: String, _ shared: Cases) async throws {
    switch name {
    case "rpc_soak": try await soak.run({ shared }, { _ in })
    case "channel_soak": try await soak.run({ connect() }, { $0.channel.close() })
    default: try await Cases.all[name]?(shared)
    }
  }

  private func connect() -> Cases {
    var configuration = ChannelConfiguration()
    if usesTLS {
      configuration.tls = ClientTLS(
        trustRoots: authorities.map { .file($0) } ?? .system, serverName: serverHostOverride)
    }
    let channel = ClientChannel(
      address: .tcp(host: serverHost, port: serverPort), configuration: configuration)
    return Cases(channel: channel, serverSeesCompression: serverSeesCompression)
  }

  private func report(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
  }
}
