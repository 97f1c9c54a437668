internal import HTTP2
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// One connection of a channel, from the attempt to the last call that ends on it.
///
/// `@unchecked Sendable`: used on the channel's event loop only.
final class ClientConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
  private let core: ChannelCore
  private let subchannel: Subchannel
  /// Nil before the channel is made and after it is closed.
  private(set) var connection: HTTP2Connection?
  private var isGone = false
  /// Why it is gone, where this side found out.
  private var failure: ConnectionFailure?
  /// When the server's SETTINGS arrived: not before then is it a connection.
  private var readyAt: NIODeadline?
  private var hasAnswered = false
  private var settingsTimer: Scheduled<Void>?
  private var keepalive: KeepaliveMachine?
  private var keepaliveTimer: Scheduled<Void>?

  /// What a keepalive PING carries ("keepaliv").
  private static let keepalivePing: UInt64 = 0x6b65_6570_616c_6976

  init(_ core: ChannelCore, _ subchannel: Subchannel) {
    self.core = core
    self.subchannel = subchannel
  }

  /// Whether it has answered a call, or has been there for longer than any backoff.
  var wasOfUse: Bool {
    guard let readyAt else { return false }
    return hasAnswered || readyAt + TimeAmount(core.configuration.backoff.max) <= .now()
  }

  // MARK: Beginning

  func connect() {
    settingsTimer = core.eventLoop.assumeIsolated().scheduleTask(
      in: TimeAmount(core.configuration.connectTimeout)
    ) {
      self.fail(.init("no connection within \(self.core.configuration.connectTimeout)"))
    }
    guard let tls = core.configuration.tls else { return open(nil) }
    // The files are read elsewhere.
    let name = core.name(of: subchannel.address)
    NIOThreadPool.singleton.runIfActive(eventLoop: core.eventLoop) { try tls.context(for: name) }
      .assumeIsolated().whenComplete { outcome in
        switch outcome {
        case .success(let context): if !self.isGone { self.open(context) }
        case .failure(let error): self.fail(.init(error))
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
    connect(bootstrap).assumeIsolated().whenFailure { self.fail(.init($0)) }
  }

  private func connect(_ bootstrap: ClientBootstrap) -> EventLoopFuture<any Channel> {
    switch subchannel.address {
    case .unix(let path): return bootstrap.connect(unixDomainSocketPath: path)
    case .tcp(let host, let port):
      do {
        return bootstrap.connect(to: try SocketAddress(ipAddress: host, port: port))
      } catch {
        return core.eventLoop.makeFailedFuture(error)
      }
    }
  }

  private func addHandlers(to channel: any Channel, _ context: NIOSSLContext?) throws {
    if let context, let tls = core.configuration.tls {
      let name = try tls.hostName(of: core.name(of: subchannel.address))
      try channel.addTLS(
        NIOSSLClientHandler(context: context, serverHostname: name), peer: .server, host: name
      ) { _ in
        // What fails, fails the connection.
      }
    } else if case .tcp = subchannel.address {
      try channel.pipeline.syncOperations.addHandler(CleartextGate())
    }
    let session = try HTTP2Session(role: .client, configuration: core.configuration.http2)
    let http2 = HTTP2Connection(session: session, eventLoop: channel.eventLoop, delegate: self)
    connection = http2
    try channel.pipeline.syncOperations.addHandler(http2)
    if isGone { http2.close() }
  }

  // MARK: Events

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
    keepalive?.received(now: .now())
    switch event {
    case .headers(let stream, _, _):
      hasAnswered = true
      call(of: stream)?.handle(event)
    case .endStream(let stream), .drained(let stream):
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
        call?.connectionLost(reason(connection).text)
      }
    case .settings:
      settingsAreHere()
    case .goAway(_, let code, let debugData):
      // The session is finished with its last stream; nghttp2 closes those that the server will
      // not look at as refused.
      if code == .enhanceYourCalm, debugData.elementsEqual("too_many_pings".utf8) {
        core.pingedTooOften()
      }
      subchannel.lost(self, .init("the server is going away (\(code))"))
    case .failed, .ping, .pingAcknowledged:
      break
    }
  }

  private func settingsAreHere() {
    settingsTimer?.cancel()
    settingsTimer = nil
    readyAt = readyAt ?? .now()
    if keepalive == nil, let configuration = core.keepalive {
      keepalive = KeepaliveMachine(configuration, now: .now())
      keepConnectionAlive()
    }
    subchannel.ready(self)
  }

  func connectionClosed(_ connection: HTTP2Connection) {
    self.connection = nil
    fail(reason(connection))
    keepaliveTimer?.cancel()
  }

  private func reason(_ connection: HTTP2Connection) -> ConnectionFailure {
    failure ?? connection.failure.map { ConnectionFailure($0) }
      ?? ConnectionFailure("closed by the server")
  }

  /// The context of a client's stream is its call, set by the call and nowhere else.
  private func call(of stream: HTTP2Stream) -> ClientCall? {
    stream.context.map { unsafeDowncast($0, to: ClientCall.self) }
  }

  // MARK: Keepalive

  private func keepConnectionAlive() {
    guard let connection else { return }
    let hasCalls = connection.session.openStreamCount > 0
    switch keepalive?.timer(now: .now(), hasCalls: hasCalls) {
    case .wait(let duration): lookAgain(in: duration)
    case .ping(let duration):
      connection.session.ping(Self.keepalivePing)
      connection.setNeedsFlush()
      lookAgain(in: duration)
    case .fail:
      fail(.init("the server does not answer PING"))
      connection.abort()
    case nil: break
    }
  }

  private func lookAgain(in duration: Duration) {
    keepaliveTimer = core.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(duration)) {
      self.keepConnectionAlive()
    }
  }

  // MARK: End

  /// Takes no new calls and closes after the last open one.
  func drain() {
    guard let connection else { return close() }
    connection.session.submitGoAway()
    connection.setNeedsFlush()
  }

  /// Ends the connection; its calls have ended already.
  func close() {
    isGone = true
    settingsTimer?.cancel()
    connection?.session.submitGoAway()
    connection?.close()
  }

  private func fail(_ reason: ConnectionFailure) {
    guard !isGone else { return }
    isGone = true
    failure = reason
    settingsTimer?.cancel()
    connection?.close()
    subchannel.lost(self, reason)
  }
}
