internal import HTTP2
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

/// Serves gRPC over HTTP/2, with TLS or in cleartext (prior knowledge), on TCP or a Unix domain
/// socket.
public final class GRPCServer: Sendable {
  private let methods: MethodTable
  private let configuration: ServerConfiguration
  private let group: any EventLoopGroup
  private let budgets: ServerBudgets
  private let credentials: TLSCredentials?
  private let healthServices: [HealthService]
  private let state = NIOLockedValueBox(State())
  private let ticks: [ObjectIdentifier: ConnectionTicks]

  private struct State {
    var listeners: [any Channel] = []
    var connections: [ObjectIdentifier: ServerConnection] = [:]
    /// Connections that were admitted and are being set up.
    var settingUp = 0
    var isShuttingDown = false
    var certificateWatch: RepeatedTask?
    /// Whoever waits for the last connection to close.
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  /// - Parameter services: of two methods with the same name, the first one is served.
  public init(
    services: [any GRPCService], configuration: ServerConfiguration = ServerConfiguration()
  ) {
    let handlers = services.flatMap(\.methods)
    methods = MethodTable(handlers, configuration)
    healthServices = services.compactMap { $0 as? HealthService }
    var bound = configuration
    bound.interceptors = configuration.interceptors.map {
      $0.bound(to: handlers.map(\.descriptor))
    }
    self.configuration = bound
    group = configuration.eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
    budgets = ServerBudgets(configuration)
    credentials = configuration.tls?.credentials
    let pairs = group.makeIterator().map { loop in
      (ObjectIdentifier(loop), ConnectionTicks(loop, configuration.connections))
    }
    ticks = Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }

  /// Listens, on any number of addresses; calls are accepted from now on. Answers the bound
  /// address, with the port that the system chose for port 0. A socket file without a listener is
  /// replaced.
  ///
  /// Throws the system's error (address in use, permission denied), and `TLSError` where the
  /// certificates cannot be used.
  @discardableResult
  public func start(on address: Address) async throws -> Address {
    try await reloadCertificates()
    watchCertificates()
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelInitializer { listener in
        // Out of file descriptors, accept(2) would fail over and over without a pause.
        listener.eventLoop.makeCompletedFuture {
          try listener.pipeline.syncOperations.addHandler(
            AcceptBackoffHandler(shouldForwardIOErrorCaught: false))
        }
      }
      .serverChannelOption(.backlog, value: configuration.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      // One short read a turn: who sends without end does not hold up the loop's other connections.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator,
        value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 16_384)
      )
      .childChannelInitializer { channel in self.accept(channel) }
    let listener: any Channel
    switch address {
    case .tcp(let host, let port):
      listener = try await bootstrap.bind(host: host, port: port).get()
    case .unix(let path):
      let isStale = await !isAnswering(path)
      listener = try await bootstrap.bind(
        unixDomainSocketPath: path, cleanupExistingSocketFile: isStale
      ).get()
    }
    let isLate = state.withLockedValue { state in
      state.listeners.append(listener)
      return state.isShuttingDown
    }
    if isLate { try await listener.close() }
    return Address(listener.localAddress) ?? address
  }

  private func isAnswering(_ path: String) async -> Bool {
    let probe = ClientBootstrap(group: group).connect(unixDomainSocketPath: path)
    guard let channel = try? await probe.get() else { return false }
    channel.close(promise: nil)
    return true
  }

  private func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let peer = Address(channel.remoteAddress)?.description ?? "unix:"
      guard admits() else {
        configuration.onConnectionLimit?(
          ConnectionLimitEvent(
            limit: .tooManyConnections, peer: peer,
            message: "there are \(configuration.connections.connectionsMax) connections"))
        throw Refused()
      }
      var connection: ServerConnection?
      defer { finishSettingUp(connection) }
      connection = try setUp(channel, peer: peer)
    }
  }

  private func setUp(_ channel: any Channel, peer: String) throws -> ServerConnection {
    let connection = ServerConnection(
      eventLoop: channel.eventLoop, executor: LoopTaskExecutor(channel.eventLoop),
      methods: methods, configuration: configuration, budgets: budgets, peer: peer,
      onClose: { [weak self] in self?.closed($0) })
    let session = try HTTP2Session(role: .server, configuration: configuration.http2)
    let http2 = HTTP2Connection(
      session: session, eventLoop: channel.eventLoop, delegate: connection)
    connection.attach(http2)
    try secure(channel, connection, peer: peer)
    try channel.pipeline.syncOperations.addHandler(http2)
    return connection
  }

  /// - Parameter connection: nil where it could not be set up.
  private func finishSettingUp(_ connection: ServerConnection?) {
    let isDraining = state.withLockedValue { state in
      state.settingUp -= 1
      if let connection { state.connections[ObjectIdentifier(connection)] = connection }
      return state.isShuttingDown
    }
    guard let connection else { return }
    ticks[ObjectIdentifier(connection.eventLoop)]?.add(connection)
    if isDraining { connection.drain() }
  }

  /// Reads the certificates again, whether or not their files have changed: new connections get
  /// them. Throws `TLSError` where they cannot be used; those before are kept then. Without TLS
  /// nothing happens.
  public func reloadCertificates() async throws {
    guard let credentials else { return }
    try await NIOThreadPool.singleton.runIfActive { try credentials.reload() }
  }

  private func watchCertificates() {
    guard let tls = configuration.tls, let credentials, let interval = tls.reloadInterval else {
      return
    }
    state.withLockedValue { state in
      guard state.certificateWatch == nil, !state.isShuttingDown else { return }
      state.certificateWatch = credentials.watch(every: interval, on: group.any()) { outcome in
        tls.onReload?(outcome)
      }
    }
  }

  /// Puts TLS before the HTTP/2 of a new connection.
  private func secure(
    _ channel: any Channel, _ connection: ServerConnection, peer: String
  ) throws {
    guard let tls = configuration.tls, let credentials else { return }
    let handler = NIOSSLServerHandler(context: try credentials.required)
    try channel.addTLS(handler, peer: .client, timeout: tls.handshakeTimeout) { outcome in
      switch outcome {
      case .success(let certificate): connection.peerCertificate = certificate
      case .failure(let error): tls.onHandshakeFailure?(peer, error)
      }
    }
  }

  /// Closes a connection that is too much.
  private struct Refused: Error {}

  /// Asks and counts at once: several event loops accept at a time.
  private func admits() -> Bool {
    state.withLockedValue { state in
      let count = state.connections.count + state.settingUp
      guard count < configuration.connections.connectionsMax else { return false }
      state.settingUp += 1
      return true
    }
  }

  private func closed(_ connection: ServerConnection) {
    ticks[ObjectIdentifier(connection.eventLoop)]?.remove(connection)
    let waiting = state.withLockedValue { state -> [CheckedContinuation<Void, Never>] in
      state.connections[ObjectIdentifier(connection)] = nil
      guard state.isShuttingDown, state.connections.isEmpty else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Stops listening, tells every client (GOAWAY), lets open calls finish for as long as `grace`,
  /// ends the rest with UNAVAILABLE, and returns when all connections are closed. Those who watch
  /// its health are told NOT_SERVING, and what would never end by itself is ended at once
  /// (`MethodHandler.endingAtShutdown`).
  public func shutdown(grace: Duration) async throws {
    let (listeners, connections) = state.withLockedValue { state in
      state.isShuttingDown = true
      state.certificateWatch?.cancel()
      state.certificateWatch = nil
      return (state.listeners, Array(state.connections.values))
    }
    for listener in listeners {
      do {
        try await listener.close()
      } catch ChannelError.alreadyClosed {
        // Shut down before.
      }
    }
    for service in healthServices { service.shutdown() }
    for connection in connections {
      connection.eventLoop.execute {
        connection.drain()
        connection.endIdleStreams()
      }
    }
    let timer = group.any().scheduleTask(in: TimeAmount(grace)) { self.abandonCalls() }
    await allClosed()
    timer.cancel()
  }

  private func abandonCalls() {
    for connection in state.withLockedValue({ Array($0.connections.values) }) {
      connection.eventLoop.execute { connection.abandonCalls(.shuttingDown) }
    }
  }

  private func allClosed() async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLockedValue { state in
        if !state.connections.isEmpty { state.waiting.append(continuation) }
        return state.connections.isEmpty
      }
      if isDone { continuation.resume() }
    }
  }
}
