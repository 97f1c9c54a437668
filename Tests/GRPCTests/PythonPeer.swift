import Foundation
import GRPC
import Testing

/// Runs `Tests/python/grpc_boundary/peer.py`: Python's grpcio, as client or as server.
enum PythonPeer {
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The interpreter named by BATON_TEST_PYTHON, else the LangChain adapter's, which has grpcio.
  private static func interpreter() throws -> URL {
    if let path = ProcessInfo.processInfo.environment["BATON_TEST_PYTHON"] {
      return URL(filePath: path)
    }
    let path = root.appending(path: ".venv-langchain/bin/python")
    guard FileManager.default.isExecutableFile(atPath: path.path()) else {
      throw Failed(
        description: "there is no \(path.path()): `make setup` makes it, or name a Python with "
          + "grpcio and grpcio-health-checking in BATON_TEST_PYTHON")
    }
    return path
  }

  private static func process(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = try interpreter()
    process.arguments =
      [
        root.appending(path: "Tests/python/grpc_boundary/peer.py").path()
      ] + arguments
    return process
  }

  /// Runs the peer to its end; answers what it printed.
  static func run(_ arguments: [String]) async throws -> Data {
    let process = try process(arguments)
    let output = Pipe()
    process.standardOutput = output
    let status = AsyncStream<Int32> { continuation in
      process.terminationHandler = {
        continuation.yield($0.terminationStatus)
        continuation.finish()
      }
    }
    try process.run()
    let data = try await onThread { try output.fileHandleForReading.readToEnd() }
    for await code in status where code != 0 {
      throw Failed(description: "peer.py \(arguments) ended with \(code)")
    }
    return data ?? Data()
  }

  /// A server in a process of its own.
  final class Server {
    let port: Int
    private let process: Process
    private let input: Pipe
    private let ended: AsyncStream<Never>

    fileprivate init(_ process: Process, _ input: Pipe, _ ended: AsyncStream<Never>, port: Int) {
      self.process = process
      self.input = input
      self.ended = ended
      self.port = port
    }

    var address: Address { .tcp(host: "127.0.0.1", port: port) }

    /// The peer ends with its input.
    func stop() {
      guard process.isRunning else { return }
      input.fileHandleForWriting.closeFile()
    }

    /// The same, and waits until it has ended.
    func end() async {
      stop()
      for await _ in ended {}
    }
  }

  /// Starts a server; `options` are those of gRPC's core: "grpc.max_connection_age_ms=100".
  static func start(_ options: [String] = []) async throws -> Server {
    let process = try process(["serve"] + options)
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    let ended = AsyncStream<Never> { continuation in
      process.terminationHandler = { _ in continuation.finish() }
    }
    try process.run()
    let line = try await onThread { output.fileHandleForReading.availableData }
    let port = try JSONDecoder().decode([String: Int].self, from: line)["port"] ?? 0
    return Server(process, input, ended, port: port)
  }

  /// Starts a server for the time of `body`, which is given its port.
  static func withServer(_ body: (_ port: Int) async throws -> Void) async throws {
    let server = try await start()
    defer { server.stop() }
    try await body(server.port)
  }
}
