public import NIOCore

/// What the user of a connection does with its events. Called on the connection's event loop, never
/// from inside the HTTP/2 library.
public protocol HTTP2ConnectionDelegate: AnyObject {
  /// Handles one event. It may submit to `connection.session`; call `connection.setNeedsFlush`
  /// then.
  func handle(_ event: HTTP2Event, on connection: HTTP2Connection)
  /// The transport is gone and with it every stream still open, each already handled as `closed`.
  func connectionClosed(_ connection: HTTP2Connection)
}

/// Moves bytes between a channel and a session: whatever was received is handled, and then, once a
/// turn of the event loop, everything there is to send leaves in as few writes as possible.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
public final class HTTP2Connection: ChannelInboundHandler, @unchecked Sendable {
  public typealias InboundIn = ByteBuffer
  public typealias OutboundOut = ByteBuffer

  public let session: HTTP2Session
  public let eventLoop: any EventLoop
  /// Why the connection failed, if it did.
  public private(set) var failure: (any Error)?

  private var delegate: (any HTTP2ConnectionDelegate)?
  private var context: ChannelHandlerContext?
  private var buffer = ByteBuffer()
  private var isReading = false
  private var isFlushScheduled = false
  private var isClosing = false
  private var lingerTimer: Scheduled<Void>?

  /// How much is pulled out of the session for one write.
  private static let writeBytesMax = 65_536
  /// A write buffer that grew larger is not kept for the next turn.
  private static let keptBytesMax = 16_384
  /// How long the peer may take to close its side.
  private static let lingerTime = TimeAmount.seconds(1)

  /// The connection keeps `delegate` until the channel closes.
  public init(
    session: HTTP2Session, eventLoop: any EventLoop, delegate: any HTTP2ConnectionDelegate
  ) {
    self.session = session
    self.eventLoop = eventLoop
    self.delegate = delegate
  }

  /// Whether the channel is open.
  public var isActive: Bool { context?.channel.isActive ?? false }

  public func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    if context.channel.isActive { flush() }
  }

  public func handlerRemoved(context: ChannelHandlerContext) {
    closed()
  }

  public func channelActive(context: ChannelHandlerContext) {
    flush()
    context.fireChannelActive()
  }

  public func channelInactive(context: ChannelHandlerContext) {
    closed()
    context.fireChannelInactive()
  }

  public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    handle(session.receive(unwrapInboundIn(data)))
  }

  public func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    flush()
  }

  public func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { flush() }
  }

  public func errorCaught(context: ChannelHandlerContext, error: any Error) {
    failure = failure ?? error
    context.close(promise: nil)
  }

  /// Something was submitted to the session: it leaves at the end of this turn of the loop.
  public func setNeedsFlush() {
    guard !isReading, !isFlushScheduled else { return }
    isFlushScheduled = true
    eventLoop.execute {
      self.isFlushScheduled = false
      self.flush()
    }
  }

  /// Sends GOAWAY and closes the channel.
  public func terminate(_ code: HTTP2ErrorCode) {
    session.terminate(code)
    setNeedsFlush()
  }

  /// Closes the channel once what is queued has left.
  public func close() {
    isClosing = true
    setNeedsFlush()
  }

  private func flush() {
    guard let context, context.channel.isActive, lingerTimer == nil else { return }
    var hasMore = true
    while hasMore, context.channel.isWritable {
      buffer.clear(minimumCapacity: 0)
      hasMore = session.bytesToSend(into: &buffer, limit: Self.writeBytesMax)
      if buffer.readableBytes > 0 {
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
      }
      handle(session.takeEvents())
    }
    if buffer.capacity > Self.keptBytesMax { buffer = ByteBuffer() }
    if !hasMore, isClosing || session.isFinished { closeOutput(context) }
  }

  /// Closes this side and waits for the peer to close its own: closing both at once, with bytes of
  /// the peer still unread, would make TCP drop what the peer has not read yet.
  private func closeOutput(_ context: ChannelHandlerContext) {
    guard lingerTimer == nil else { return }
    lingerTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
      context.close(promise: nil)
    }
    context.close(mode: .output, promise: nil)
  }

  private func handle(_ events: [HTTP2Event]) {
    for event in events {
      if case .failed(let error) = event { failure = failure ?? error }
      delegate?.handle(event, on: self)
      if case .closed(let stream, _) = event { stream.context = nil }
    }
  }

  private func closed() {
    guard let delegate else { return }
    self.delegate = nil
    context = nil
    lingerTimer?.cancel()
    // nghttp2 closes no streams when its session ends.
    for stream in session.streams {
      session.abandon(stream)
      delegate.handle(.closed(stream, .cancel), on: self)
      stream.context = nil
    }
    delegate.connectionClosed(self)
  }
}
