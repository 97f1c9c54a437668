internal import HTTP2
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

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
    settingsTimer = core.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(core.configuration.connectTimeout)
    ) {
      self.fail("no connection within \(self.core.configuration.connectTimeout)")
    }
    guard let tls = core.configuration.tls else {
      open(nil)
      return
    }
    // The files are read elsewhere.
    let address = core.address
    NIOThreadPool.singleton.runIfActive(eventLoop: core.eventLoop) { try tls.context(for: address) }
      .assumeIsolated().whenComplete { outcome in
        switch outcome {
        case .success(let context): if !self.isGone { self.open(context) }
        case .failure(let error): self.fail("\(error)")
        }
      }
  }

  /// - Parameter context: of TLS; nil: cleartext.
  private func open(_ context: NIOSSLContext?) {
    let bootstrap = ClientBootstrap(group: core.eventLoop)
      .connectTimeout(TimeAmount(core.configuration.connectTimeout))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try self.addHandlers(to: channel, context) }
      }
    let channel =
      switch core.address {
      case .tcp(let host, let port): bootstrap.connect(host: host, port: port)
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      }
    channel.assumeIsolated().whenFailure { self.fail("\($0)") }
  }

  private func addHandlers(to channel: any Channel, _ context: NIOSSLContext?) throws {
    if let context, let tls = core.configuration.tls {
      let name = try tls.hostName(of: core.address)
      try channel.addTLS(
        NIOSSLClientHandler(context: context, serverHostname: name), peer: "the server", host: name
      ) { _ in
        // What fails, fails the connection.
      }
    }
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
    case .failed, .ping, .pingAcknowledged:
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
