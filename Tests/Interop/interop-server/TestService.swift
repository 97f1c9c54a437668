internal import GRPC
internal import InteropMessages
internal import InteropStubs

/// The service of the gRPC interop tests
/// (github.com/grpc/grpc, doc/interop-test-descriptions.md, "Server").
struct TestService: TestServiceService {
  private static let initialKey = "x-grpc-test-echo-initial"
  private static let trailingKey = "x-grpc-test-echo-trailing-bin"

  func emptyCall(
    _ request: GrpcTesting.Empty, context: ServerContext
  ) async throws -> GrpcTesting.Empty {
    GrpcTesting.Empty()
  }

  func unaryCall(
    _ request: GrpcTesting.SimpleRequest, context: ServerContext
  ) async throws -> GrpcTesting.SimpleResponse {
    echoMetadata(context)
    try check(request.expectCompressed, context)
    try echo(request.responseStatus)
    context.compressesResponses = request.responseCompressed?.value ?? false
    return GrpcTesting.SimpleResponse(
      payload: try payload(request.responseType, byteCount: request.responseSize))
  }

  func streamingOutputCall(
    _ request: GrpcTesting.StreamingOutputCallRequest,
    responses: ResponseWriter<GrpcTesting.StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    try await answer(request, responses, context)
  }

  func streamingInputCall(
    _ requests: RequestStream<GrpcTesting.StreamingInputCallRequest>, context: ServerContext
  ) async throws -> GrpcTesting.StreamingInputCallResponse {
    var byteCount = 0
    for try await request in requests {
      try check(request.expectCompressed, context)
      byteCount += request.payload?.body.count ?? 0
    }
    return GrpcTesting.StreamingInputCallResponse(
      aggregatedPayloadSize: Int32(clamping: byteCount))
  }

  /// Answers each request as it comes.
  func fullDuplexCall(
    _ requests: RequestStream<GrpcTesting.StreamingOutputCallRequest>,
    responses: ResponseWriter<GrpcTesting.StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    echoMetadata(context)
    for try await request in requests { try await answer(request, responses, context) }
  }

  /// Answers all requests once the last one is there.
  func halfDuplexCall(
    _ requests: RequestStream<GrpcTesting.StreamingOutputCallRequest>,
    responses: ResponseWriter<GrpcTesting.StreamingOutputCallResponse>, context: ServerContext
  ) async throws {
    var waiting: [GrpcTesting.StreamingOutputCallRequest] = []
    for try await request in requests { waiting.append(request) }
    for request in waiting { try await answer(request, responses, context) }
  }

  func unimplementedCall(
    _ request: GrpcTesting.Empty, context: ServerContext
  ) async throws -> GrpcTesting.Empty {
    throw RPCError(code: .unimplemented, message: "left out, as the tests want it")
  }

  // MARK: What the methods share

  private func answer(
    _ request: GrpcTesting.StreamingOutputCallRequest,
    _ responses: ResponseWriter<GrpcTesting.StreamingOutputCallResponse>, _ context: ServerContext
  ) async throws {
    try echo(request.responseStatus)
    // Of the headers, which the first response sends: whether any may be compressed.
    context.compressesResponses = request.responseParameters.contains {
      $0.compressed?.value == true
    }
    for wanted in request.responseParameters {
      if wanted.intervalUs > 0 { try await Task.sleep(for: .microseconds(wanted.intervalUs)) }
      let response = GrpcTesting.StreamingOutputCallResponse(
        payload: try payload(request.responseType, byteCount: wanted.size))
      try await responses.write(response, compressed: wanted.compressed?.value ?? false)
    }
  }

  private func payload(
    _ type: GrpcTesting.PayloadType, byteCount: Int32
  ) throws -> GrpcTesting.Payload {
    guard case .compressable = type, byteCount >= 0 else {
      throw RPCError(code: .invalidArgument, message: "no payload of that type or size")
    }
    return GrpcTesting.Payload(body: Array(repeating: 0, count: Int(byteCount)))
  }

  /// Holds the caller to what it says of the message read last.
  private func check(_ expected: GrpcTesting.BoolValue?, _ context: ServerContext) throws {
    guard let expected, expected.value != context.isRequestCompressed else { return }
    throw RPCError(
      code: .invalidArgument,
      message: "the message is \(expected.value ? "not " : "")compressed")
  }

  private func echo(_ status: GrpcTesting.EchoStatus?) throws {
    guard let status, status.code != 0 else { return }
    throw RPCError(code: StatusCode(rawValue: Int(status.code)), message: status.message)
  }

  private func echoMetadata(_ context: ServerContext) {
    let metadata = context.metadata
    if let text = metadata.string(Self.initialKey) {
      context.initialMetadata = [Self.initialKey: text]
    }
    if let bytes = metadata.binary(Self.trailingKey) {
      var trailing = Metadata()
      trailing.add(Self.trailingKey, binary: bytes)
      context.trailingMetadata = trailing
    }
  }
}
