internal import GRPC
internal import InteropMessages
internal import InteropStubs

extension Cases {
  func clientCompressedUnary() async throws {
    var request = Self.largeRequest()
    request.expectCompressed = GrpcTesting.BoolValue(value: true)
    if serverSeesCompression {
      try await expectFailure(.invalidArgument) { try await large(request, options) }
    }
    var compressing = options
    compressing.compressesRequests = true
    try await large(request, compressing)
    request.expectCompressed = GrpcTesting.BoolValue(value: false)
    try await large(request, options)
  }

  func serverCompressedUnary() async throws {
    var request = Self.largeRequest()
    for isCompressed in [true, false] {
      request.responseCompressed = GrpcTesting.BoolValue(value: isCompressed)
      let response = try await large(request, options)
      try expect("the compressed flag", response.isCompressed, is: isCompressed)
    }
  }

  func clientCompressedStreaming() async throws {
    let compressed = GrpcTesting.StreamingInputCallRequest(
      payload: payload(27_182), expectCompressed: GrpcTesting.BoolValue(value: true))
    let plain = GrpcTesting.StreamingInputCallRequest(
      payload: payload(45_904), expectCompressed: GrpcTesting.BoolValue(value: false))
    if serverSeesCompression {
      try await expectFailure(.invalidArgument) {
        let call = try await client.streamingInputCall(options: options)
        try await call.requests.write(compressed)
        call.requests.finish()
        _ = try await call.response()
      }
    }
    var compressing = options
    compressing.compressesRequests = true
    let call = try await client.streamingInputCall(options: compressing)
    try await call.requests.write(compressed, compressed: true)
    try await call.requests.write(plain, compressed: false)
    call.requests.finish()
    let response = try await call.response().message
    try expect("the sum", response.aggregatedPayloadSize, is: 73_086)
  }

  func serverCompressedStreaming() async throws {
    var request = Self.streamRequest(nil, [31_415, 92_653])
    request.responseParameters[0].compressed = GrpcTesting.BoolValue(value: true)
    request.responseParameters[1].compressed = GrpcTesting.BoolValue(value: false)
    try expect("the compressed flags", try await download(request), is: [true, false])
  }
}
