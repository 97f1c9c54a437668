public import Messages
internal import NIOCore

/// What a server does for one method, with its types hidden.
public struct MethodHandler: Sendable {
  public let descriptor: MethodDescriptor
  /// The `:path` as bytes.
  let path: [UInt8]
  /// Decodes the request and runs the handler.
  let start: @Sendable (ByteBuffer, ServerCall) -> Void

  private init(
    _ descriptor: MethodDescriptor, start: @escaping @Sendable (ByteBuffer, ServerCall) -> Void
  ) {
    self.descriptor = descriptor
    path = Array(descriptor.path.utf8)
    self.start = start
  }

  /// A method that answers one request with one response.
  ///
  /// The handler starts at once on the connection's event loop and must not block it; it may
  /// suspend. It is cancelled when the caller goes away or the deadline passes.
  public static func unary<Request: Message, Response: Message>(
    _ descriptor: MethodDescriptor,
    _ handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) -> MethodHandler {
    MethodHandler(descriptor) { bytes, call in
      guard let request: Request = call.decode(bytes) else { return }
      call.start(
        Task.immediate(executorPreference: call.executor) {
          await call.run { call.sendLast(try await handler(request, call.context)) }
        })
    }
  }

  /// A method that answers one request with any number of responses; it ends when the handler
  /// returns.
  public static func serverStreaming<Request: Message, Response: Message>(
    _ descriptor: MethodDescriptor,
    _ handler:
      @escaping @Sendable (Request, ResponseWriter<Response>, ServerContext) async throws
      -> Void
  ) -> MethodHandler {
    MethodHandler(descriptor) { bytes, call in
      guard let request: Request = call.decode(bytes) else { return }
      call.start(
        Task.immediate(executorPreference: call.executor) {
          await call.run {
            try await handler(request, ResponseWriter(call: call), call.context)
          }
        })
    }
  }
}

/// A service as a server takes it: its methods.
public protocol GRPCService: Sendable {
  var methods: [MethodHandler] { get }
}
