public import Messages
internal import Tracing

/// What a server does for one method, with its types hidden.
public struct MethodHandler: Sendable {
  public let descriptor: MethodDescriptor
  /// The `:path` as bytes.
  let path: [UInt8]
  /// Whether the handler reads a stream of requests; it is started by the call's headers then.
  let streamsRequests: Bool
  private(set) var endsAtShutdown = false
  /// Decodes the request (none where requests are streamed), runs the handler and ends the call;
  /// then it may do the same for the calls that are next in the turn.
  let run: @Sendable (ServerCall, HandlerTurn) async -> Void

  private init(
    _ descriptor: MethodDescriptor, streamsRequests: Bool = false,
    run: @escaping @Sendable (ServerCall, HandlerTurn) async -> Void
  ) {
    self.descriptor = descriptor
    path = Array(descriptor.path.utf8)
    self.streamsRequests = streamsRequests
    self.run = run
  }

  /// The same, for a stream that clients keep open between their questions: a server that shuts down
  /// does not wait for it, but ends it with UNAVAILABLE.
  public func endingAtShutdown() -> MethodHandler {
    var handler = self
    handler.endsAtShutdown = true
    return handler
  }

  /// A method that answers one request with one response.
  ///
  /// The handler starts on the connection's event loop and must not block it; it may suspend. It is
  /// cancelled when the caller goes away or the deadline passes.
  public static func unary<Request: Message, Response: Message>(
    _ descriptor: MethodDescriptor,
    _ handler: @escaping @Sendable (Request, ServerContext) async throws -> Response
  ) -> MethodHandler {
    MethodHandler(descriptor) { first, turn in
      let handlers = first.connection.handlers
      var call = first
      // Each async function between here and the handler costs a call about as much as decoding it.
      repeat {
        guard let request: Request = call.decodeRequest() else { continue }
        let context = call.context
        do {
          if let serviceContext = call.serviceContext {
            let response = try await ServiceContext.$current.withValue(serviceContext) {
              try await handler(request, context)
            }
            call.succeeded(with: response)
          } else {
            call.succeeded(with: try await handler(request, context))
          }
        } catch {
          call.failed(error)
        }
      } while handlers.advance(&call, in: turn)
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
    MethodHandler(descriptor) { call, _ in
      guard let request: Request = call.decodeRequest() else { return }
      do {
        try await call.inScope {
          try await handler(request, ResponseWriter(call: call), call.context)
        }
        call.succeeded()
      } catch {
        call.failed(error)
      }
    }
  }

  /// A method that answers any number of requests with one response. The handler starts with the
  /// call's headers; it may answer before it has read everything, which ends the call.
  public static func clientStreaming<Request: Message, Response: Message>(
    _ descriptor: MethodDescriptor,
    _ handler:
      @escaping @Sendable (RequestStream<Request>, ServerContext) async throws -> Response
  ) -> MethodHandler {
    MethodHandler(descriptor, streamsRequests: true) { call, _ in
      do {
        let response = try await call.inScope {
          try await handler(RequestStream(call: call), call.context)
        }
        call.succeeded(with: response)
      } catch {
        call.failed(error)
      }
    }
  }

  /// A method that answers any number of requests with any number of responses, in whatever order
  /// it likes; it starts with the call's headers and ends when the handler returns.
  public static func bidirectionalStreaming<Request: Message, Response: Message>(
    _ descriptor: MethodDescriptor,
    _ handler:
      @escaping @Sendable (RequestStream<Request>, ResponseWriter<Response>, ServerContext)
      async throws -> Void
  ) -> MethodHandler {
    MethodHandler(descriptor, streamsRequests: true) { call, _ in
      do {
        try await call.inScope {
          try await handler(RequestStream(call: call), ResponseWriter(call: call), call.context)
        }
        call.succeeded()
      } catch {
        call.failed(error)
      }
    }
  }
}

/// A service as a server takes it: its methods.
public protocol GRPCService: Sendable {
  var methods: [MethodHandler] { get }
}
