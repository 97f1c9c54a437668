internal import GRPC
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Liveness and readiness over plain HTTP, for load balancers and Kubernetes.
final class HTTPEndpoint: Sendable {
  private let listener = NIOLockedValueBox<(any Channel)?>(nil)
  private let isReady = NIOLockedValueBox(false)

  func setReady(_ ready: Bool) { isReady.withLockedValue { $0 = ready } }

  /// Listens; answers the bound address.
  func start(on address: Address) async throws -> Address {
    let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(
            HTTPResponder { self.answer(to: $0) })
        }
      }
    let channel: any Channel
    switch address {
    case .tcp(let host, let port):
      channel = try await bootstrap.bind(host: host, port: port).get()
    case .unix(let path):
      channel = try await bootstrap.bind(
        unixDomainSocketPath: path, cleanupExistingSocketFile: true
      ).get()
    }
    listener.withLockedValue { $0 = channel }
    guard case .tcp(let host, _) = address, let port = channel.localAddress?.port else {
      return address
    }
    return .tcp(host: channel.localAddress?.ipAddress ?? host, port: port)
  }

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
