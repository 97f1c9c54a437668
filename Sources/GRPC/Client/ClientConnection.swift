internal import HTTP2
internal import NIOCore
internal import NIOPosix

/// One connection of a channel, from the attempt to the last call that ends on it.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
final class ClientConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
  private let core: ChannelCore
  /// Nil before the channel is made and after it is closed.
  private(set) var connection: HTTP2Connection?
  private var isGone = false
  private var settingsTimer: Scheduled<Void>?

  init(_ core: ChannelCore) {
    self.core = core
  }

  func connect() {
    let bootstrap = ClientBootstrap(group: core.eventLoop)
      .connectTimeout(TimeAmount(core.configuration.connectTimeout))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.addHandler(to: channel) }
      }
    settingsTimer = core.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(core.configuration.connectTimeout)
    ) {
      self.fail("no connection within \(self.core.configuration.connectTimeout)")
    }
    let channel =
      switch core.address {
      case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    channel.assumeIsolated().whenFailure { self.fail("\($0)") }
  }

  private func addHandler(to channel: any Channel) throws {
    let session = try HTTP2Session(role: .client, configuration: core.configuration.http2)
    let http2 = HTTP2Connection(session: session, eventLoop: channel.eventLoop, delegate: self)
    connection = http2
    try channel.pipeline.syncOperations.addHandler(http2)
    if isGone { http2.close() }
  }

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
    switch event {
    case .headers(let stream, _, _), .endStream(let stream), .drained(let stream):
      call(of: stream)?.handle(event)
    case .data(let stream, let bytes, _):
      if let call = call(of: stream) {
        call.handle(event)
      } else {
        connection.session.giveBack(stream, byteCount: bytes.readableBytes)
      }
    case .closed(let stream, _):
      let call = call(of: stream)
      stream.context = nil
      if connection.isActive {
        call?.handle(event)
      } else {
        // First, so that a call which starts over does so on another connection.
        fail(reason(connection))
        call?.connectionLost(reason(connection))
      }
    case .settings:
      settingsTimer?.cancel()
      settingsTimer = nil
      core.ready(self)
    case .goAway(_, let code, _):
      // The session is finished with its last stream.
      core.lost(self, reason: "the server is going away (\(code))")
    case .failed, .pingAcknowledged:
      break
    }
  }

  func connectionClosed(_ connection: HTTP2Connection) {
    self.connection = nil
    fail(reason(connection))
  }

  private func reason(_ connection: HTTP2Connection) -> String {
    connection.failure.map { "\($0)" } ?? "closed by the server"
  }

  /// Ends the connection; its calls have ended already.
  func close() {
    isGone = true
    settingsTimer?.cancel()
    connection?.session.submitGoAway()
    connection?.close()
  }

  /// The context of a client's stream is its call, set by the call and nowhere else.
  private func call(of stream: HTTP2Stream) -> ClientCall? {
    stream.context.map { unsafeDowncast($0, to: ClientCall.self) }
  }

  private func fail(_ reason: String) {
    guard !isGone else { return }
    isGone = true
    settingsTimer?.cancel()
    connection?.close()
    core.lost(self, reason: reason)
  }
}
