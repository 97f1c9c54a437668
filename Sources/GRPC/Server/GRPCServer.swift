internal import HTTP2
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Serves gRPC over cleartext HTTP/2 (prior knowledge) on TCP or a Unix domain socket.
public final class GRPCServer: Sendable {
  private let methods: MethodTable
  private let configuration: ServerConfiguration
  private let group: any EventLoopGroup
  private let state = Mutex(State())

  private struct State {
    var listeners: [any Channel] = []
    var connections: [ObjectIdentifier: ServerConnection] = [:]
    var isShuttingDown = false
    /// Whoever waits for the last connection to close.
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  /// - Parameter services: of two methods with the same name, the first one is served.
  public init(
    services: [any GRPCService], configuration: ServerConfiguration = ServerConfiguration()
  ) {
    methods = MethodTable(services.flatMap(\.methods), configuration)
    self.configuration = configuration
    group = configuration.eventLoopGroup ?? MultiThreadedEventLoopGroup.singleton
  }

  /// Listens, on any number of addresses; calls are accepted from now on. Answers the bound
  /// address, with the port that the system chose for port 0. A socket file without a listener is
  /// replaced.
  ///
  /// Throws the system's error (address in use, permission denied).
  @discardableResult
  public func start(on address: Address) async throws -> Address {
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: configuration.backlog)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
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
    let isLate = state.withLock { state in
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
      let connection = ServerConnection(
        eventLoop: channel.eventLoop, executor: LoopTaskExecutor(channel.eventLoop),
        methods: methods, configuration: configuration, peer: peer,
        onClose: { [weak self] in self?.closed($0) })
      let session = try HTTP2Session(role: .server, configuration: configuration.http2)
      let http2 = HTTP2Connection(
        session: session, eventLoop: channel.eventLoop, delegate: connection)
      connection.attach(http2)
      try channel.pipeline.syncOperations.addHandler(http2)
      let isDraining = state.withLock { state in
        state.connections[ObjectIdentifier(connection)] = connection
        return state.isShuttingDown
      }
      if isDraining { connection.drain() }
    }
  }

  private func closed(_ connection: ServerConnection) {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.connections[ObjectIdentifier(connection)] = nil
      guard state.isShuttingDown, state.connections.isEmpty else { return [] }
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  /// Stops listening, tells every client (GOAWAY), lets open calls finish for as long as `grace`,
  /// ends the rest with UNAVAILABLE, and returns when all connections are closed.
  public func shutdown(grace: Duration) async throws {
    let (listeners, connections) = state.withLock { state in
      state.isShuttingDown = true
      return (state.listeners, Array(state.connections.values))
    }
    for listener in listeners {
      do {
        try await listener.close()
      } catch ChannelError.alreadyClosed {
        // Shut down before.
      }
    }
    for connection in connections { connection.eventLoop.execute { connection.drain() } }
    let timer = group.any().scheduleTask(in: TimeAmount(grace)) { self.abandonCalls() }
    await allClosed()
    timer.cancel()
  }

  private func abandonCalls() {
    let status = RPCError(
      code: .unavailable, reason: "SHUTTING_DOWN", message: "the server is shutting down")
    for connection in state.withLock({ Array($0.connections.values) }) {
      connection.eventLoop.execute { connection.abandonCalls(status) }
    }
  }

  private func allClosed() async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if !state.connections.isEmpty { state.waiting.append(continuation) }
        return state.connections.isEmpty
      }
      if isDone { continuation.resume() }
    }
  }
}
