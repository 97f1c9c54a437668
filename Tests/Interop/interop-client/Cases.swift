internal import GRPC
internal import InteropMessages
internal import InteropStubs

/// The cases of the gRPC interop tests on one channel; one that does not go as it must throws
/// (github.com/grpc/grpc, doc/interop-test-descriptions.md, "Client").
struct Cases {
  let channel: ClientChannel
  /// Whether the server sees which messages are compressed, and so refuses the wrong ones.
  let serverSeesCompression: Bool

  typealias Case = @Sendable (Cases) async throws -> Void

  /// The cases by name, but for the soaks.
  static let all: [String: Case] = [
    "empty_unary": { try await $0.emptyUnary() },
    "large_unary": { try await $0.largeUnary() },
    "client_compressed_unary": { try await $0.clientCompressedUnary() },
    "server_compressed_unary": { try await $0.serverCompressedUnary() },
    "client_streaming": { try await $0.clientStreaming() },
    "client_compressed_streaming": { try await $0.clientCompressedStreaming() },
    "server_streaming": { try await $0.serverStreaming() },
    "server_compressed_streaming": { try await $0.serverCompressedStreaming() },
    "ping_pong": { try await $0.pingPong() },
    "empty_stream": { try await $0.emptyStream() },
    "custom_metadata": { try await $0.customMetadata() },
    "status_code_and_message": { try await $0.statusCodeAndMessage() },
    "special_status_message": { try await $0.specialStatusMessage() },
    "unimplemented_method": { try await $0.unimplementedMethod() },
    "unimplemented_service": { try await $0.unimplementedService() },
    "cancel_after_begin": { try await $0.cancelAfterBegin() },
    "cancel_after_first_response": { try await $0.cancelAfterFirstResponse() },
    "timeout_on_sleeping_server": { try await $0.timeoutOnSleepingServer() },
  ]

  static let requestBytes = 271_828
  static let responseBytes = 314_159
  static let streamRequestBytes = [27_182, 8, 1_828, 45_904]
  static let streamResponseBytes = [31_415, 9, 2_653, 58_979]

  var client: TestServiceClient { TestServiceClient(channel) }
  /// Of every call, so that a server that says nothing fails the case.
  var options: CallOptions { CallOptions(timeout: .seconds(20)) }

  static func largeRequest(
    _ requestBytes: Int = requestBytes, _ responseBytes: Int = responseBytes
  ) -> GrpcTesting.SimpleRequest {
    GrpcTesting.SimpleRequest(
      responseSize: Int32(clamping: responseBytes), payload: payload(requestBytes))
  }

  /// A request with a payload, or none, that asks for responses of those sizes.
  static func streamRequest(
    _ byteCount: Int?, _ responses: [Int]
  ) -> GrpcTesting.StreamingOutputCallRequest {
    GrpcTesting.StreamingOutputCallRequest(
      responseParameters: responses.map { GrpcTesting.ResponseParameters(size: Int32($0)) },
      payload: byteCount.map { payload($0) })
  }
}
