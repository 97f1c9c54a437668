internal import ArgumentParser
internal import Dispatch
internal import GRPC
internal import Glibc

/// Serves the gRPC interop tests until it is told to end.
@main
struct InteropServer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interop-server",
    abstract: "Serves grpc.testing.TestService, for interop clients.",
    discussion: "Prints READY {\"grpc\":\"HOST:PORT\",\"pid\":N} when it accepts calls.")

  @Option(help: "Where to listen.")
  var host = "127.0.0.1"
  @Option(help: "Port to listen on; 0: the system chooses.")
  var port = 0
  @Option(name: .customLong("use_tls"), help: "Whether connections are encrypted.")
  var usesTLS = false
  @Option(name: .customLong("tls_cert_file"), help: "Certificate chain of --use_tls, PEM.")
  var certificateChain: String?
  @Option(name: .customLong("tls_key_file"), help: "Private key of --use_tls, PEM.")
  var privateKey: String?

  func validate() throws {
    guard !usesTLS || certificateChain != nil && privateKey != nil else {
      throw ValidationError("--use_tls needs --tls_cert_file and --tls_key_file")
    }
  }

  func run() async throws {
    let server = GRPCServer(services: [TestService()], configuration: serverConfiguration)
    let (signals, continuation) = AsyncStream<Void>.makeStream()
    let sources = [SIGTERM, SIGINT].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number)
      source.setEventHandler { continuation.yield() }
      source.resume()
      return source
    }
    announce(try await server.start(on: .tcp(host: host, port: port)))
    for await _ in signals { break }
    for source in sources { source.cancel() }
    try await server.shutdown(grace: .zero)
  }

  private var serverConfiguration: ServerConfiguration {
    var configuration = ServerConfiguration()
    if usesTLS, let certificateChain, let privateKey {
      configuration.tls = ServerTLS(certificateChain: certificateChain, privateKey: privateKey)
    }
    return configuration
  }

  private func announce(_ address: Address) {
    print("READY {\"grpc\":\"\(address)\",\"pid\":\(getpid())}")
    // Without a terminal, output waits for more.
    fflush(nil)
  }
}
