internal import GRPC
internal import InteropMessages

/// How a case did not go as it must.
struct CaseFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Fails the case unless `condition` holds.
func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
  guard condition else { throw CaseFailure(message()) }
}

/// Fails the case unless both are equal.
func expect<Value: Equatable>(_ name: String, _ found: Value, is expected: Value) throws {
  try expect(found == expected, "\(name) is \(found) instead of \(expected)")
}

/// Fails the case unless the call fails with that status.
func expectFailure(
  _ code: StatusCode, _ message: String? = nil, of call: () async throws -> Void
) async throws {
  do {
    try await call()
  } catch let error as RPCError {
    try expect("the status code", error.code, is: code)
    if let message { try expect("the status message", error.message, is: message) }
    return
  }
  throw CaseFailure("the call succeeded instead of failing with \(code)")
}

/// Fails the case unless the payload is so many zeros.
func expect(_ payload: GrpcTesting.Payload?, zeros byteCount: Int) throws {
  let body = payload?.body ?? []
  try expect("the size of the response", body.count, is: byteCount)
  try expect(body.allSatisfy { $0 == 0 }, "the response is not all zeros")
}

/// So many zeros.
func payload(_ byteCount: Int) -> GrpcTesting.Payload {
  GrpcTesting.Payload(body: Array(repeating: 0, count: byteCount))
}
