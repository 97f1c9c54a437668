import Messages
import Testing

@testable import GRPC

/// Every refusal carries `google.rpc.ErrorInfo` with a stable reason (docs/contract.md, section 5);
/// these are the ones of the RPC layer itself.
@Suite struct RefusalReasonTests {
  /// A request that is refused: what differs from a good one, and the answer.
  struct Case: CustomTestStringConvertible, Sendable {
    let reason: String
    let code: StatusCode
    var fields: [(String, String)] = []
    var frames = [framed(Text("hello").serializedBytes())]

    var testDescription: String { "\(code) \(reason) \(fields)" }
  }

  private static func path(_ method: String) -> (String, String) {
    (":path", "/baton.test.Probe/\(method)")
  }

  private static let cases: [Case] = [
    // The headers.
    Case(reason: "UNKNOWN_METHOD", code: .unimplemented, fields: [path("Nothing")]),
    Case(reason: "UNKNOWN_ENCODING", code: .unimplemented, fields: [("grpc-encoding", "zstd")]),
    Case(
      reason: "HEADERS_TOO_LARGE", code: .resourceExhausted,
      fields: (0..<100).map { ("x-\($0)", String(repeating: "v", count: 300)) }),
    Case(reason: "MALFORMED_TIMEOUT", code: .invalidArgument, fields: [("grpc-timeout", "soon")]),
    Case(reason: "DEADLINE_PASSED", code: .deadlineExceeded, fields: [("grpc-timeout", "0n")]),
    Case(
      reason: "DEADLINE_PASSED", code: .deadlineExceeded,
      fields: [path("Wait"), ("grpc-timeout", "20m")]),
    Case(reason: "PERMISSION_DENIED", code: .permissionDenied, fields: [("x-refuse", "plainly")]),
    Case(reason: "MY_REASON", code: .permissionDenied, fields: [("x-refuse", "MY_REASON")]),
    // The number of requests and their framing.
    Case(reason: "NOT_ONE_REQUEST", code: .unimplemented, frames: []),
    Case(reason: "NOT_ONE_REQUEST", code: .unimplemented, frames: [framed([]), framed([])]),
    Case(reason: "MALFORMED_FRAME", code: .internalError, frames: [framed([1], flag: 7)]),
    Case(reason: "TRUNCATED_MESSAGE", code: .internalError, frames: [[0, 0, 0, 0, 9, 1]]),
    Case(reason: "MESSAGE_TOO_LARGE", code: .resourceExhausted, frames: [[0, 255, 255, 255, 255]]),
    Case(
      reason: "UNANNOUNCED_COMPRESSION", code: .internalError, frames: [framed([1], flag: 1)]),
    Case(
      reason: "CORRUPT_MESSAGE", code: .internalError, fields: [("grpc-encoding", "gzip")],
      frames: [framed([1, 2, 3], flag: 1)]),
    // The message.
    Case(reason: "MALFORMED", code: .invalidArgument, frames: [framed([0x0a, 0x7f, 1])]),
    Case(reason: "INVALID_UTF8", code: .invalidArgument, frames: [framed([0x0a, 0x01, 0xff])]),
    Case(reason: "NUL_IN_TEXT", code: .invalidArgument, frames: [framed([0x0a, 0x01, 0])]),
    // What the handler does.
    Case(reason: "UNEXPECTED_FAILURE", code: .unknown, fields: [path("Crash")]),
    Case(reason: "CANCELLED", code: .cancelled, fields: [path("GiveUp")]),
    Case(reason: "FAILED_WITH_OK", code: .internalError, fields: [path("FailWithOK")]),
    Case(reason: "INVALID_METADATA", code: .internalError, fields: [path("BadInitialMetadata")]),
    Case(reason: "INVALID_METADATA", code: .internalError, fields: [path("BadTrailingMetadata")]),
  ]

  private struct More: GRPCService {
    var methods: [MethodHandler] {
      [
        .unary(Probe.method("GiveUp")) { (_: Text, _) -> Text in throw CancellationError() },
        .unary(Probe.method("FailWithOK")) { (_: Text, _) -> Text in
          throw RPCError(code: .ok, message: "no response")
        },
        .unary(Probe.method("BadInitialMetadata")) { (request: Text, context) in
          context.initialMetadata = ["x-text": "ü"]
          return request
        },
        .unary(Probe.method("BadTrailingMetadata")) { (request: Text, context) in
          context.trailingMetadata = ["grpc-mine": "no"]
          return request
        },
      ]
    }
  }

  /// Refuses who asks for it.
  private struct Refusing: ServerInterceptor {
    func callStarted(_ context: ServerContext) throws(RPCError) {
      guard let reason = context.metadata.string("x-refuse") else { return }
      if reason == "plainly" { throw RPCError(code: .permissionDenied, message: "no") }
      throw RPCError(code: .permissionDenied, reason: reason, message: "no")
    }
  }

  @Test(arguments: cases)
  func everyRefusalHasItsReason(_ refused: Case) async throws {
    let configuration = ServerConfiguration(requestBytesMax: 1000, interceptors: [Refusing()])
    try await withProbe(services: [More()], server: configuration) { _, _, address in
      let client = RawClient(address)
      try await client.connect()
      let answer = await client.send(refused.fields, frames: refused.frames)
      #expect(answer["grpc-status"] == "\(refused.code.rawValue)")
      #expect(answer["grpc-message"] != nil)
      let details = try #require(answer["grpc-status-details-bin"])
      let bytes = try #require(
        details.utf8.withContiguousStorageIfAvailable {
          Base64.decode(UnsafeRawBufferPointer($0))
        } ?? nil)
      let status = try GoogleRpc.Status(serializedBytes: bytes)
      #expect(status.code == Int32(refused.code.rawValue))
      let error = RPCError(code: refused.code, message: "", details: status.details)
      #expect(error.errorInfo?.reason == refused.reason)
      #expect(error.errorInfo?.domain == "baton")
      client.close()
    }
  }
}
