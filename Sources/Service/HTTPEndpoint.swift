internal import GRPC
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Liveness and readiness over plain HTTP, for load balancers and Kubernetes.
final class HTTPEndpoint: Sendable {
  private let listener = NIOLockedValueBox<(any Channel)?>(nil)
  private let isReady = NIOLockedValueBox(false)
  private let open = NIOLockedValueBox(0)

  func setReady(_ ready: Bool) { isReady.withLockedValue { $0 = ready } }

  /// Listens on `host:port`; answers the same with the port that the system chose.
  func start(on address: String) async throws -> String {
    guard case .tcp(let host, let port) = try Address(address) else {
      throw AddressError(text: address, message: "health is served at host:port")
    }
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          // A lack of descriptors passes: accepting waits, and goes on.
          try channel.pipeline.syncOperations.addHandler(
            AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.serve(channel) }
      }
    let channel = try await bootstrap.bind(host: host, port: port).get()
    listener.withLockedValue { $0 = channel }
    return Address.tcp(
      host: channel.localAddress?.ipAddress ?? host, port: channel.localAddress?.port ?? port
    ).description
  }

  /// Probes are few and short: what does not fit that is cut off, because it takes descriptors
  /// that the gRPC server needs.
  private func serve(_ channel: any Channel) throws {
    let isAdmitted = open.withLockedValue { open in
      guard open < Self.connectionsMax else { return false }
      open += 1
      return true
    }
    guard isAdmitted else {
      channel.close(promise: nil)
      return
    }
    channel.closeFuture.whenComplete { [open] _ in open.withLockedValue { $0 -= 1 } }
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(IdleStateHandler(readTimeout: Self.readTimeout))
    try pipeline.configureHTTPServerPipeline()
    try pipeline.addHandler(HTTPResponder { self.answer(to: $0) })
  }

  static let connectionsMax = 100
  /// How long a connection may be silent.
  private static let readTimeout = TimeAmount.seconds(10)

  func stop() async {
    let channel = listener.withLockedValue { $0.take() }
    // A listener that is closed already is what is wanted.
    try? await channel?.close()
  }

  private func answer(to path: String) -> (HTTPResponseStatus, String) {
    switch path {
    case "/healthz": return (.ok, "ok\n")
    case "/readyz":
      return isReady.withLockedValue { $0 }
        ? (.ok, "ready\n") : (.serviceUnavailable, "not ready: starting or stopping\n")
    default: return (.notFound, "there are /healthz and /readyz\n")
    }
  }
}

/// Answers GET and HEAD with short texts.
private final class HTTPResponder: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let answer: (String) -> (HTTPResponseStatus, String)
  private var head: HTTPRequestHead?

  init(_ answer: @escaping (String) -> (HTTPResponseStatus, String)) { self.answer = answer }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    case .body: break
    case .end:
      guard let head else { return }
      self.head = nil
      respond(to: head, context)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is IdleStateHandler.IdleStateEvent {
      context.close(promise: nil)
    } else {
      context.fireUserInboundEventTriggered(event)
    }
  }

  private func respond(to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let path = head.uri.split(separator: "?", maxSplits: 1).first.map(String.init) ?? "/"
    var (status, text) = answer(path)
    if head.method != .GET && head.method != .HEAD {
      (status, text) = (.methodNotAllowed, "only GET is served here\n")
    }
    let headers: HTTPHeaders = [
      "content-type": "text/plain; charset=utf-8", "content-length": "\(text.utf8.count)",
    ]
    context.write(
      wrapOutboundOut(
        .head(HTTPResponseHead(version: head.version, status: status, headers: headers))),
      promise: nil)
    if head.method != .HEAD {
      context.write(
        wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    if !head.isKeepAlive { context.close(promise: nil) }
  }
}
