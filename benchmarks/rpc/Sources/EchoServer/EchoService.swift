import GRPC
import Messages

/// `rpc.bench.Echo` of echo.proto. `google.protobuf.Any` is what the message is on the wire: bytes
/// in field 2.
struct EchoService: GRPCService {
  typealias EchoMessage = GoogleProtobuf.`Any`

  static let unary = MethodDescriptor(service: "rpc.bench.Echo", method: "Unary")
  static let stream = MethodDescriptor(service: "rpc.bench.Echo", method: "Stream")

  var methods: [MethodHandler] {
    [
      .unary(Self.unary) { request, context in
        try await self.unary(request, context)
      },
      .serverStreaming(Self.stream) { request, responses, context in
        try await self.stream(request, responses, context)
      },
    ]
  }

  private func unary(_ request: EchoMessage, _ context: ServerContext) async throws -> EchoMessage {
    request
  }

  /// The request's payload is the number of messages, as decimal digits.
  private func stream(
    _ request: EchoMessage, _ responses: ResponseWriter<EchoMessage>, _ context: ServerContext
  ) async throws {
    guard let count = Int(String(decoding: request.value, as: UTF8.self)) else {
      throw RPCError(code: .invalidArgument, message: "the payload is no number")
    }
    let message = EchoMessage(value: Array(repeating: UInt8(ascii: "x"), count: 30))
    for _ in 0..<count { try await responses.write(message) }
  }
}
