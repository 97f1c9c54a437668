internal import NIOCore

/// Stands before the HTTP/2 of a client without TLS until the server has said something: a server
/// that expects TLS answers with an alert (RFC 8446 §6), or hangs up.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
final class CleartextGate: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// The bytes that a TLS alert begins with: its type, and the major version (RFC 8446 §5.1).
  private static let alert: [UInt8] = [0x15, 0x03]

  private var hasFailed = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !hasFailed else { return }
    if unwrapInboundIn(data).readableBytesView.starts(with: Self.alert) {
      return fail(context, .peerSpeaksTLS, "speaks TLS, and it was called in cleartext; write")
    }
    context.fireChannelRead(data)
    // HTTP/2 begins with SETTINGS, so this was it.
    _ = context.pipeline.syncOperations.removeHandler(self)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    hungUp(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    hungUp(context)
    context.fireChannelInactive()
  }

  private func hungUp(_ context: ChannelHandlerContext) {
    fail(
      context, .peerHungUp,
      "closed the connection before it said anything; if it speaks TLS, write")
  }

  private func fail(_ context: ChannelHandlerContext, _ code: TLSError.Code, _ what: String) {
    guard !hasFailed else { return }
    hasFailed = true
    // HTTP/2 closes the connection.
    context.fireErrorCaught(TLSError(code, "the server \(what) https:// before its address"))
  }
}
