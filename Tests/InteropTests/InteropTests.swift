import Testing

/// The gRPC interop tests (github.com/grpc/grpc, doc/interop-test-descriptions.md): our server and
/// our client, against each other and against grpcio's.
///
/// grpcio does not show which messages are compressed. As a server it cannot hold our client to
/// what it says of them, and as a client it cannot tell what our server compressed; peers on bare
/// HTTP/2 frames do both.
@Suite(.timeLimit(.minutes(3))) struct InteropTests {
  private static let compressionCases = [
    "client_compressed_unary", "server_compressed_unary", "client_compressed_streaming",
    "server_compressed_streaming",
  ]

  private static let cases =
    compressionCases + [
      "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
      "empty_stream", "custom_metadata", "status_code_and_message", "special_status_message",
      "unimplemented_method", "unimplemented_service", "cancel_after_begin",
      "cancel_after_first_response", "timeout_on_sleeping_server", "rpc_soak", "channel_soak",
    ]

  /// For a machine that runs other tests at the same time.
  private static let soak = [
    "--soak_iterations", "30", "--soak_overall_timeout_seconds", "60",
    "--soak_per_iteration_max_acceptable_latency_ms", "10000",
  ]

  /// Who calls whom.
  enum Direction: CaseIterable, CustomTestStringConvertible {
    case theirClient, theirServer, bothOurs

    var server: InteropProgram {
      self == .theirServer ? .python("server") : .ours("interop-server")
    }

    var client: InteropProgram {
      self == .theirClient ? .python("client") : .ours("interop-client")
    }

    /// What the client must know of the server.
    var flags: [String] { self == .theirServer ? ["--server_sees_compression", "false"] : [] }

    var testDescription: String {
      switch self {
      case .theirClient: "our server with grpcio's client"
      case .theirServer: "our client with grpcio's server"
      case .bothOurs: "our client with our server"
      }
    }
  }

  @Test("Every case, in every direction", arguments: Direction.allCases)
  func cleartext(_ direction: Direction) async throws {
    try await withServer(direction.server) { port in
      try await expectPasses(direction.client, port, Self.cases, Self.soak + direction.flags)
    }
  }

  @Test("Every case over TLS, in every direction", arguments: Direction.allCases)
  func encrypted(_ direction: Direction) async throws {
    try await withCertificates { folder in
      let server = [
        "--use_tls", "true", "--tls_cert_file", "\(folder)/server.pem",
        "--tls_key_file", "\(folder)/server.key",
      ]
      let client = ["--use_tls", "true", "--ca_file", "\(folder)/ca.pem"]
      try await withServer(direction.server, server) { port in
        try await expectPasses(
          direction.client, port, Self.cases, Self.soak + direction.flags + client)
      }
    }
  }

  @Test("Every case through Envoy, from grpcio's client and from ours")
  func proxied() async throws {
    try await withServer(.ours("interop-server")) { upstream in
      try await withServer(.python("envoy"), ["--upstream_port", "\(upstream)"]) { port in
        try await expectPasses(.python("client"), port, Self.cases, Self.soak)
        try await expectPasses(.ours("interop-client"), port, Self.cases, Self.soak)
      }
    }
  }

  @Test("The flags of our server's messages, and what it makes of those of a client's")
  func serverFlags() async throws {
    try await withServer(.ours("interop-server")) { port in
      try await expectPasses(
        .python("raw_client"), port,
        Self.compressionCases + [
          "compressed_without_encoding", "unknown_encoding", "damaged_compression",
        ])
    }
  }

  @Test("The flags of our client's messages")
  func clientFlags() async throws {
    try await withServer(.python("raw_server")) { port in
      try await expectPasses(
        .ours("interop-client"), port, Self.compressionCases + ["large_unary"])
    }
  }

  @Test("A client that finds a case failing says so")
  func canary() async throws {
    // grpcio's server takes a message for compressed that is not.
    try await withServer(.python("server")) { port in
      let (status, lines) = try await runClient(
        .ours("interop-client"), port: port, ["empty_unary", "client_compressed_unary"])
      #expect(status == 1)
      #expect(lines.first == "empty_unary: passed")
      #expect(lines.last?.hasPrefix("client_compressed_unary: FAILED: ") == true)
    }
  }

  private func expectPasses(
    _ client: InteropProgram, _ port: Int, _ cases: [String], _ arguments: [String] = []
  ) async throws {
    let (status, lines) = try await runClient(client, port: port, cases, arguments)
    #expect(lines == cases.map { "\($0): passed" })
    #expect(status == 0)
  }
}
