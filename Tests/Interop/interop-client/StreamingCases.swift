internal import GRPC
internal import InteropMessages
internal import InteropStubs

extension Cases {
  func clientStreaming() async throws {
    let call = try await client.streamingInputCall(options: options)
    for byteCount in Self.streamRequestBytes {
      try await call.requests.write(
        GrpcTesting.StreamingInputCallRequest(payload: payload(byteCount)))
    }
    call.requests.finish()
    let response = try await call.response().message
    try expect("the sum", response.aggregatedPayloadSize, is: 74_922)
  }

  func serverStreaming() async throws {
    try await download(Self.streamRequest(nil, Self.streamResponseBytes))
  }

  /// A call whose responses are to be as large as the request says; answers which of them came
  /// compressed.
  @discardableResult
  func download(_ request: GrpcTesting.StreamingOutputCallRequest) async throws -> [Bool] {
    var byteCounts: [Int32] = []
    var areCompressed: [Bool] = []
    let responses = try await client.streamingOutputCall(request, options: options)
    for try await response in responses {
      byteCounts.append(Int32(response.payload?.body.count ?? 0))
      areCompressed.append(responses.isCompressed)
    }
    let expected = request.responseParameters.map(\.size)
    try expect("the sizes of the responses", byteCounts, is: expected)
    return areCompressed
  }

  func pingPong() async throws {
    let call = try await client.fullDuplexCall(options: options)
    var responses = call.responses.makeAsyncIterator()
    for (request, response) in zip(Self.streamRequestBytes, Self.streamResponseBytes) {
      try await call.requests.write(Self.streamRequest(request, [response]))
      guard let received = try await responses.next() else {
        throw CaseFailure("the responses end early")
      }
      try expect(received.payload, zeros: response)
    }
    call.requests.finish()
    try expect(try await responses.next() == nil, "there is one response too many")
  }

  func emptyStream() async throws {
    let call = try await client.fullDuplexCall(options: options)
    call.requests.finish()
    for try await _ in call.responses { throw CaseFailure("there is a response") }
  }

  // MARK: Early ends

  func cancelAfterBegin() async throws {
    try await expectFailure(.cancelled) {
      let call = try await client.streamingInputCall(options: options)
      call.cancel()
      _ = try await call.response()
    }
  }

  func cancelAfterFirstResponse() async throws {
    try await expectFailure(.cancelled) {
      let call = try await client.fullDuplexCall(options: options)
      try await call.requests.write(Self.streamRequest(27_182, [31_415]))
      var responses = call.responses.makeAsyncIterator()
      try expect(try await responses.next()?.payload, zeros: 31_415)
      call.cancel()
      _ = try await responses.next()
    }
  }

  func timeoutOnSleepingServer() async throws {
    try await expectFailure(.deadlineExceeded) {
      let options = CallOptions(timeout: .milliseconds(1))
      let call = try await client.fullDuplexCall(options: options)
      try await call.requests.write(Self.streamRequest(27_182, []))
      for try await _ in call.responses { throw CaseFailure("there is a response") }
    }
  }
}
