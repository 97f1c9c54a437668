internal import GRPC
internal import InteropMessages
internal import InteropStubs

extension Cases {
  func emptyUnary() async throws {
    _ = try await client.emptyCall(GrpcTesting.Empty(), options: options)
  }

  func largeUnary() async throws {
    try await large(Self.largeRequest(), options)
  }

  /// A call whose response is to be as large as the request says.
  @discardableResult
  func large(
    _ request: GrpcTesting.SimpleRequest, _ options: CallOptions
  ) async throws -> UnaryResponse<GrpcTesting.SimpleResponse> {
    let response: UnaryResponse<GrpcTesting.SimpleResponse> = try await channel.unaryResponse(
      TestServiceClient.unaryCallMethod, request, options)
    try expect(response.message.payload, zeros: Int(request.responseSize))
    return response
  }

  // MARK: Metadata and status

  private static let initialKey = "x-grpc-test-echo-initial"
  private static let initialValue = "test_initial_metadata_value"
  private static let trailingKey = "x-grpc-test-echo-trailing-bin"
  private static let trailingValue: [UInt8] = [0xab, 0xab, 0xab]

  func customMetadata() async throws {
    var options = options
    options.metadata.add(Self.initialKey, Self.initialValue)
    options.metadata.add(Self.trailingKey, binary: Self.trailingValue)
    let unary = try await large(Self.largeRequest(), options)
    try expectEcho(unary.initialMetadata, unary.trailingMetadata)

    let call = try await client.fullDuplexCall(options: options)
    let request = Self.streamRequest(Self.requestBytes, [Self.responseBytes])
    try await call.requests.write(request)
    call.requests.finish()
    for try await response in call.responses {
      try expect(response.payload, zeros: Self.responseBytes)
    }
    try expectEcho(call.responses.initialMetadata, call.responses.trailingMetadata)
  }

  private func expectEcho(_ initial: Metadata?, _ trailing: Metadata?) throws {
    try expect(
      "the initial metadata", initial?.string(Self.initialKey), is: Self.initialValue)
    try expect(
      "the trailing metadata", trailing?.binary(Self.trailingKey), is: Self.trailingValue)
  }

  private static let statusMessage = "test status message"

  func statusCodeAndMessage() async throws {
    let status = GrpcTesting.EchoStatus(code: 2, message: Self.statusMessage)
    try await expectFailure(.unknown, Self.statusMessage) {
      let request = GrpcTesting.SimpleRequest(responseStatus: status)
      _ = try await client.unaryCall(request, options: options)
    }
    try await expectFailure(.unknown, Self.statusMessage) {
      let call = try await client.fullDuplexCall(options: options)
      try await call.requests.write(
        GrpcTesting.StreamingOutputCallRequest(responseStatus: status))
      call.requests.finish()
      for try await _ in call.responses {}
    }
  }

  func specialStatusMessage() async throws {
    let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    try await expectFailure(.unknown, message) {
      let status = GrpcTesting.EchoStatus(code: 2, message: message)
      let request = GrpcTesting.SimpleRequest(responseStatus: status)
      _ = try await client.unaryCall(request, options: options)
    }
  }

  func unimplementedMethod() async throws {
    try await expectFailure(.unimplemented) {
      _ = try await client.unimplementedCall(GrpcTesting.Empty(), options: options)
    }
  }

  func unimplementedService() async throws {
    try await expectFailure(.unimplemented) {
      let client = UnimplementedServiceClient(channel)
      _ = try await client.unimplementedCall(GrpcTesting.Empty(), options: options)
    }
  }
}
