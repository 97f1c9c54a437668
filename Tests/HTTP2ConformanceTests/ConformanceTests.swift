import Foundation
import GRPC
import Messages
import Testing

/// Every case against our server over a socket, or against another: BATON_HTTP2_PEER=host:port, one
/// that serves a file of at least five bytes at "/".
@Suite struct ConformanceTests {
  @Test func everyCaseIsThere() {
    let names = SpecCase.all.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count == 147)
  }

  @Test(.timeLimit(.minutes(1)), arguments: SpecCase.all)
  func theServerKeeps(_ specCase: SpecCase) async throws {
    if let peer = ProcessInfo.processInfo.environment["BATON_HTTP2_PEER"] {
      let parts = peer.split(separator: ":")
      let port = try #require(Int(parts.last ?? ""))
      try await play(
        specCase, SpecTarget(host: String(parts[0]), port: port, kind: .file))
      return
    }
    let server = GRPCServer(services: [Echo()])
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(let host, let port) = address else { return }
    let target = SpecTarget(host: host, port: port, kind: .grpc)
    try await play(specCase, target)
    try await server.shutdown(grace: .zero)
  }

  private func play(_ specCase: SpecCase, _ target: SpecTarget) async throws {
    let connection = try await SpecConnection(target)
    do {
      try await specCase.run(connection)
    } catch {
      await connection.close()
      throw error
    }
    await connection.close()
  }
}

/// Answers with what it was asked.
struct Echo: GRPCService {
  var methods: [MethodHandler] {
    [
      .unary(MethodDescriptor(service: "baton.test.Echo", method: "Echo")) {
        (request: GrpcHealthV1.HealthCheckRequest, _) in request
      }
    ]
  }
}
