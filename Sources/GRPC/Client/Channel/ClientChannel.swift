public import Messages
public import NIOCore
internal import NIOPosix

/// Calls a gRPC server over one connection, or one for each of its addresses. Connections are made
/// when the first call needs them and made again when they were lost, with growing delays while
/// that fails. They are closed when there was no call for long, and when nobody holds the channel
/// or one of its calls any more.
public final class ClientChannel: Sendable {
  private let lifetime: ChannelLifetime
  private var core: ChannelCore { lifetime.core }

  /// - Parameters:
  ///   - target: "host:port", "unix:PATH", "dns:///host:port", "ipv4:1.2.3.4:80,1.2.3.5:80" or
  ///     "ipv6:[::1]:80" (github.com/grpc/grpc, doc/naming.md).
  ///   - eventLoopGroup: one of its loops carries the channel; nil: the process's shared group.
  public convenience init(
    target: String, configuration: ChannelConfiguration = ChannelConfiguration(),
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) throws(AddressError) {
    self.init(try Target(target), configuration, eventLoopGroup)
  }

  public convenience init(
    address: Address, configuration: ChannelConfiguration = ChannelConfiguration(),
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) {
    self.init(Target([address]), configuration, eventLoopGroup)
  }

  /// - Parameters:
  ///   - addresses: of servers that do the same; without any, calls fail with UNAVAILABLE.
  ///   - authority: what calls name as `:authority`; nil: the first address.
  public convenience init(
    addresses: [Address], authority: String? = nil,
    configuration: ChannelConfiguration = ChannelConfiguration(),
    eventLoopGroup: (any EventLoopGroup)? = nil
  ) {
    self.init(Target(addresses, authority: authority), configuration, eventLoopGroup)
  }

  private init(
    _ target: Target, _ configuration: ChannelConfiguration,
    _ eventLoopGroup: (any EventLoopGroup)?
  ) {
    let group = eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
    lifetime = ChannelLifetime(ChannelCore(target, configuration, group.any()))
  }

  // MARK: Connectivity

  /// How the channel stands now.
  public var connectivity: ConnectivityState { core.connectivity.current }

  /// How the channel stands, then every change; ends when the channel is closed.
  public var connectivityChanges: AsyncStream<ConnectivityState> { core.connectivity.changes() }

  /// Connects without waiting for a call, unless that is done or under way.
  public func connect() {
    core.eventLoop.execute { [core] in core.connect() }
  }

  /// What the next connection will do; the server may have asked for fewer PINGs.
  var currentKeepalive: Keepalive? {
    get async {
      await withCheckedContinuation { continuation in
        core.eventLoop.execute { [core] in continuation.resume(returning: core.keepalive) }
      }
    }
  }

  // MARK: Calls

  /// Calls a method with one request and one response. Throws `RPCError`; cancelling the task
  /// resets the stream and the call ends with CANCELLED.
  public func unary<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions = CallOptions()
  ) async throws -> Response {
    try await unaryResponse(method, request, options).message
  }

  /// The same with the metadata of the response.
  public func unaryResponse<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions = CallOptions()
  ) async throws -> UnaryResponse<Response> {
    let slot = CallSlot()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let call = UnaryCall<Request, Response>(method, request, options, lifetime) {
          continuation.resume(with: $0)
        }
        slot.fill(call)
        core.start(call)
      }
    } onCancel: {
      slot.cancel()
    }
  }

  /// The same without a task: `completion` is called once, on the channel's event loop, which it
  /// must not block. From any thread.
  @discardableResult
  public func unary<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions = CallOptions(),
    completion: @escaping @Sendable (Result<Response, RPCError>) -> Void
  ) -> CallHandle {
    let call = UnaryCall<Request, Response>(method, request, options, lifetime) {
      // Not a key path, which is put together anew at every call.
      completion($0.map { $0.message })
    }
    core.start(call)
    return CallHandle(call: call)
  }

  /// Calls a method with one request and a stream of responses. Returns at once; whatever fails,
  /// fails the reading.
  public func serverStreaming<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions = CallOptions()
  ) async throws -> ResponseStream<Response> {
    try Task.checkCancellation()
    let call = StreamingCall<Response>(method, request, options, lifetime)
    core.start(call)
    return ResponseStream(call)
  }

  /// Calls a method with a stream of requests and one response. Returns at once; whatever fails,
  /// fails the writing and the response.
  public func clientStreaming<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ options: CallOptions = CallOptions()
  ) async throws -> ClientStreamingCall<Request, Response> {
    try Task.checkCancellation()
    let outbox = RequestOutbox(replayBytesMax: core.configuration.replayBytesMax)
    let outcome = Promise<UnaryResponse<Response>>()
    let call = SingleResponseCall<Response>(method, options, lifetime, outbox: outbox) {
      outcome.fulfill($0)
    }
    core.start(call)
    return ClientStreamingCall(call, outbox, outcome)
  }

  /// Calls a method with a stream of requests and a stream of responses. Returns at once; whatever
  /// fails, fails the writing and the reading.
  public func bidirectionalStreaming<Request: Message, Response: Message>(
    _ method: MethodDescriptor, _ options: CallOptions = CallOptions()
  ) async throws -> BidirectionalCall<Request, Response> {
    try Task.checkCancellation()
    let outbox = RequestOutbox(replayBytesMax: core.configuration.replayBytesMax)
    let call = StreamingCall<Response>(method, options, lifetime, outbox: outbox)
    core.start(call)
    return BidirectionalCall(
      requests: RequestWriter(call: call, outbox: outbox), responses: ResponseStream(call))
  }

  /// Ends open calls with CANCELLED and the connection; later calls fail.
  public func close() {
    lifetime.close()
  }
}

/// What a channel and its calls share.
final class ChannelLifetime: Sendable {
  let core: ChannelCore

  init(_ core: ChannelCore) {
    self.core = core
  }

  deinit {
    close()
  }

  func close() {
    core.eventLoop.execute { [core] in core.close() }
  }
}
