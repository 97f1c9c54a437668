import Testing

/// The gRPC interop tests (github.com/grpc/grpc, doc/interop-test-descriptions.md): our server and
/// our client, against each other and against grpcio's.
@Suite(.timeLimit(.minutes(3))) struct InteropTests {
  private static let cases = [
    "empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong",
    "empty_stream", "custom_metadata", "status_code_and_message", "special_status_message",
    "unimplemented_method", "unimplemented_service", "cancel_after_begin",
    "cancel_after_first_response", "timeout_on_sleeping_server", "rpc_soak", "channel_soak",
  ]

  private static let compressionCases = [
    "client_compressed_unary", "server_compressed_unary", "client_compressed_streaming",
    "server_compressed_streaming",
  ]

  /// For a machine that runs other tests at the same time.
  private static let soak = [
    "--soak_iterations", "50", "--soak_overall_timeout_seconds", "60",
    "--soak_per_iteration_max_acceptable_latency_ms", "10000",
  ]

  @Test("Our server with grpcio's client")
  func theirClient() async throws {
    try await withServer(.ours("interop-server")) { port in
      try await expectPasses(
        .python("client"), port, Self.cases + Self.compressionCases, Self.soak)
    }
  }

  @Test("Our client with grpcio's server")
  func theirServer() async throws {
    try await withServer(.python("server")) { port in
      try await expectPasses(.ours("interop-client"), port, Self.cases, Self.soak)
    }
  }

  @Test("Our client with our server")
  func bothOurs() async throws {
    try await withServer(.ours("interop-server")) { port in
      try await expectPasses(.ours("interop-client"), port, Self.cases, Self.soak)
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

  @Test("Over TLS, in all directions")
  func encrypted() async throws {
    try await withCertificates { folder in
      let server = [
        "--use_tls", "true", "--tls_cert_file", "\(folder)/server.pem",
        "--tls_key_file", "\(folder)/server.key",
      ]
      let client = ["--use_tls", "true", "--ca_file", "\(folder)/ca.pem"]
      for (theServer, theClient) in [
        (InteropProgram.ours("interop-server"), InteropProgram.python("client")),
        (.python("server"), .ours("interop-client")),
        (.ours("interop-server"), .ours("interop-client")),
      ] {
        try await withServer(theServer, server) { port in
          try await expectPasses(theClient, port, Self.cases, Self.soak + client)
        }
      }
    }
  }

  @Test("Through Envoy, from grpcio's client and from ours")
  func proxied() async throws {
    try await withServer(.ours("interop-server")) { upstream in
      try await withServer(.python("envoy"), ["--upstream_port", "\(upstream)"]) { port in
        try await expectPasses(.python("client"), port, Self.cases, Self.soak)
        try await expectPasses(.ours("interop-client"), port, Self.cases, Self.soak)
      }
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
