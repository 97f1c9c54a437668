internal import HTTP2
internal import NIOCore
internal import NIOSSL
internal import NIOTLS

/// Stands between TLS and HTTP/2: lets a connection go on only where both sides agreed on "h2"
/// (RFC 9113 §3.2), knows who the peer is, and says in words why TLS failed.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
final class TLSGate: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// What was the outcome of the handshake, told once.
  typealias Outcome = (Result<PeerCertificate?, TLSError>) -> Void

  private enum State {
    case handshaking
    case open
    case refused
  }

  private let tls: NIOSSLHandler
  private let peer: TLSPeer
  private let host: String?
  private let timeout: Duration?
  private let outcome: Outcome
  private var state = State.handshaking
  private var timer: Scheduled<Void>?

  /// - Parameters:
  ///   - host: whose certificate the peer must have; nil: NIOSSL's own check of IP addresses is
  ///     enough. With a host it is not, for it takes a certificate for the peer's address as well,
  ///     and who answers DNS falsely may have one of those.
  init(
    _ tls: NIOSSLHandler, peer: TLSPeer, host: String?, timeout: Duration? = nil,
    outcome: @escaping Outcome
  ) {
    self.tls = tls
    self.peer = peer
    self.host = host
    self.timeout = timeout
    self.outcome = outcome
  }

  func handlerAdded(context: ChannelHandlerContext) {
    guard let timeout else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(timeout)) {
      self.refuse(
        TLSError(.handshakeFailed, "\(self.peer) did not end its TLS handshake within \(timeout)"),
        context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case TLSUserEvent.handshakeCompleted(let negotiated) = event else {
      context.fireUserInboundEventTriggered(event)
      return
    }
    guard state == .handshaking else { return }
    guard negotiated == "h2" else {
      refuse(
        TLSError(.noHTTP2, "\(peer) does not speak HTTP/2 over TLS: it did not take ALPN \"h2\""),
        context)
      return
    }
    let certificate = tls.peerCertificate.flatMap { PeerCertificate($0) }
    if let host, certificate?.isFor(host: host) != true {
      refuse(HandshakeFailure.wrongName(peer, certificate, host: host), context)
      return
    }
    timer?.cancel()
    state = .open
    outcome(.success(certificate))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if state == .open { context.fireChannelRead(data) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // HTTP/2 frames say themselves where they end, so nothing is lost with a missing close_notify.
    if state == .open, case NIOSSLError.uncleanShutdown = error { return }
    refuse(
      HandshakeFailure.error(error, peer: peer, host: host, certificate: tls.peerCertificate),
      context)
  }

  private func refuse(_ error: TLSError, _ context: ChannelHandlerContext) {
    let wasHandshaking = state == .handshaking
    guard state != .refused else { return }
    state = .refused
    timer?.cancel()
    if wasHandshaking { outcome(.failure(error)) }
    // HTTP/2 closes the connection.
    context.fireErrorCaught(error)
  }
}

extension Channel {
  /// Puts TLS in front of what handles HTTP/2, which comes next. On the channel's event loop.
  func addTLS(
    _ tls: NIOSSLHandler, peer: TLSPeer, host: String? = nil, timeout: Duration? = nil,
    outcome: @escaping TLSGate.Outcome
  ) throws {
    try pipeline.syncOperations.addHandlers([
      tls, TLSGate(tls, peer: peer, host: host, timeout: timeout, outcome: outcome),
    ])
  }
}
