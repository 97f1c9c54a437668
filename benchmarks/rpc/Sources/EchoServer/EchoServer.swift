import GRPC
import NIOPosix

/// The server that is measured: an echo, and a stream of as many messages as are asked for.
///
/// usage: EchoServer PORT     (0: the system chooses)
///
/// Prints `READY PORT` and serves until it is ended. One event loop, as the peers have one thread.
@main
struct EchoServer {
  static func main() async throws {
    let port = CommandLine.arguments.dropFirst().first.flatMap { Int($0) } ?? 0
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = GRPCServer(
      services: [EchoService()],
      configuration: ServerConfiguration(
        eventLoopGroup: group,
        interceptors: [ServerMetrics(factory: CountingMetrics()), ServerTracing()]))
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: port))
    guard case .tcp(_, let port) = address else { return }
    print("READY \(port)")
    while true { try await Task.sleep(for: .seconds(3600)) }
  }
}
