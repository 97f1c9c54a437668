public import NIOCore

/// What the user of a connection does with its events. Called on the connection's event loop, never
/// from inside the HTTP/2 library.
public protocol HTTP2ConnectionDelegate: AnyObject {
  /// Handles one event. It may submit to `connection.session`; call `connection.setNeedsFlush`
  /// then. Of a stream that is `closed`, it lets go of the `context`.
  func handle(_ event: consuming HTTP2Event, on connection: HTTP2Connection)
  /// Every event that came with the same bytes has been handled.
  func eventsHandled(on connection: HTTP2Connection)
  /// The transport is gone and with it every stream still open, each already handled as `closed`.
  func connectionClosed(_ connection: HTTP2Connection)
}

extension HTTP2ConnectionDelegate {
  public func eventsHandled(on connection: HTTP2Connection) {}
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
  private var isOutputClosed = false
  /// Reading has stopped until something can be written again.
  private var isHoldingReads = false
  private var closeTimer: Scheduled<Void>?

  /// How much is pulled out of the session for one write.
  private static let writeBytesMax = 65_536
  /// A write buffer that grew larger is not kept for the next turn.
  private static let keptBytesMax = 16_384
  /// How long the peer may take to read the last bytes and to close its side.
  private static let lingerTime = TimeAmount.seconds(1)
  /// Frames that may wait for a peer that does not read; with more, what it sends waits too.
  private static let queuedFramesMax = 1_000

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

  /// Whether the transport takes bytes; false while the peer does not read.
  public var isWritable: Bool { context?.channel.isWritable ?? false }

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
    if !context.channel.isWritable, session.queuedFrameCount > Self.queuedFramesMax {
      holdReads(true, context)
    }
  }

  public func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable else { return }
    flush()
    if isHoldingReads { holdReads(false, context) }
  }

  /// The answers to what the peer sends (acknowledgements, resets) would wait in memory.
  private func holdReads(_ holds: Bool, _ context: ChannelHandlerContext) {
    guard holds != isHoldingReads else { return }
    isHoldingReads = holds
    // Fails only when the channel is closed.
    _ = context.channel.setOption(.autoRead, value: !holds)
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

  /// Sends GOAWAY and closes the channel. The debug data is for people and for clients that know it.
  public func terminate(_ code: HTTP2ErrorCode, debugData: StaticString = "") {
    session.terminate(code, debugData: debugData)
    closeSoon()
    setNeedsFlush()
  }

  /// Closes the channel once what is queued has left.
  public func close() {
    isClosing = true
    setNeedsFlush()
  }

  /// Closes the channel at once, whatever is queued.
  public func abort() {
    context?.close(promise: nil)
  }

  private func flush() {
    guard let context, context.channel.isActive, !isOutputClosed else { return }
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
    isOutputClosed = true
    closeSoon()
    context.close(mode: .output, promise: nil)
  }

  /// A peer that does not read its GOAWAY is not waited for.
  private func closeSoon() {
    guard closeTimer == nil, let context else { return }
    closeTimer = eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
      context.close(promise: nil)
    }
  }

  private func handle(_ taken: consuming [HTTP2Event]) {
    guard !taken.isEmpty else { return }
    var events = taken
    // Once for all, for each look at it counts references.
    let delegate = delegate
    for index in events.indices {
      // Moved out of the list, for each copy of an event counts references.
      var event = HTTP2Event.settings
      swap(&event, &events[index])
      if case .failed(let error) = event {
        failure = failure ?? error
        closeSoon()
      }
      // Handling an event may close the connection.
      guard self.delegate != nil else { return }
      delegate?.handle(event, on: self)
    }
    guard self.delegate != nil else { return }
    delegate?.eventsHandled(on: self)
  }

  private func closed() {
    guard let delegate else { return }
    self.delegate = nil
    context = nil
    closeTimer?.cancel()
    closeTimer = nil
    // nghttp2 closes no streams when its session ends.
    for stream in session.streams {
      session.abandon(stream)
      delegate.handle(.closed(stream, .cancel), on: self)
      stream.context = nil
    }
    delegate.connectionClosed(self)
  }
}
