import Foundation
import GRPC
import HTTP2
import Messages
import NIOCore
import NIOPosix
import Testing

/// Connections that come and go.
@Suite struct LifecycleTests {
  private func withTemporaryPath(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(
      path: "grpc-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let outcome: Result<Void, any Error>
    do {
      try await body(folder.appending(path: "s").path())
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try FileManager.default.removeItem(at: folder)
    try outcome.get()
  }

  private let quickly = ChannelConfiguration(
    backoff: Backoff(initial: .milliseconds(10), max: .milliseconds(20)))

  @Test func nobodyListens() async throws {
    try await withTemporaryPath { path in
      let channel = ClientChannel(address: .unix(path: path), configuration: quickly)
      let error = await channel.failure("Echo")
      #expect(error?.code == .unavailable)
      #expect(error?.neverSent == true)
      #expect(error?.cause != nil)
      let deadline = CallOptions(timeout: .milliseconds(100), waitForReady: true)
      #expect(await channel.failure("Echo", "", deadline)?.code == .deadlineExceeded)
      channel.close()
    }
  }

  @Test func aListenerThatSaysNothing() async throws {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    let channel = ClientChannel(
      address: .tcp(host: "127.0.0.1", port: port),
      configuration: ChannelConfiguration(connectTimeout: .milliseconds(50)))
    let error = await channel.failure("Echo")
    #expect(error?.code == .unavailable)
    #expect(error?.neverSent == true)
    channel.close()
    try await listener.close()
  }

  @Test func waitingForTheServer() async throws {
    try await withTemporaryPath { path in
      let channel = ClientChannel(address: .unix(path: path), configuration: quickly)
      async let answer = channel.text("Echo", "patience", CallOptions(waitForReady: true))
      #expect(await channel.failure("Echo")?.code == .unavailable)
      let server = GRPCServer(services: [Probe()])
      try await server.start(on: .unix(path: path))
      #expect(try await answer == "patience")
      channel.close()
      try await server.shutdown(grace: .zero)
    }
  }

  @Test func aSocketFileWithoutAListenerIsReplacedAndOneWithIsNot() async throws {
    try await withTemporaryPath { path in
      let first = GRPCServer(services: [Probe()])
      let address = try await first.start(on: .unix(path: path))
      #expect(address == .unix(path: path))
      let second = GRPCServer(services: [Probe()])
      await #expect(throws: (any Error).self) { try await second.start(on: .unix(path: path)) }
      let channel = ClientChannel(address: address, configuration: quickly)
      #expect(try await channel.text("Echo", "first") == "first")
      try await first.shutdown(grace: .zero)
      if !FileManager.default.fileExists(atPath: path) {
        // A file as a killed server leaves it.
        let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try SocketAddress(unixDomainSocketPath: path).withSockAddr { pointer, size in
          #expect(bind(left, pointer, socklen_t(size)) == 0)
        }
        close(left)
      }
      try await second.start(on: .unix(path: path))
      let options = CallOptions(waitForReady: true)
      #expect(try await channel.text("Echo", "second", options) == "second")
      channel.close()
      try await second.shutdown(grace: .zero)
    }
  }

  @Test func shutdownLetsOpenCallsFinish() async throws {
    let probe = Probe()
    let server = GRPCServer(services: [probe])
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    let channel = ClientChannel(address: address, configuration: quickly)
    async let held = channel.text("Hold", "kept")
    await probe.record.wait(for: "held")
    async let shutdown: Void = server.shutdown(grace: .seconds(3600))
    // Until the GOAWAY has arrived, calls still get through; then there is nobody to connect to.
    while await channel.failure("Echo") == nil {}
    let error = await channel.failure("Echo")
    #expect(error?.code == .unavailable)
    #expect(error?.neverSent == true)
    probe.record.note("release")
    #expect(try await held == "kept")
    try await shutdown
    channel.close()
  }

  @Test func shutdownEndsWhatTakesTooLong() async throws {
    let probe = Probe()
    let server = GRPCServer(services: [probe])
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    let channel = ClientChannel(address: address)
    async let failure = channel.failure("Wait")
    await probe.record.wait(for: "waiting")
    try await server.shutdown(grace: .milliseconds(10))
    let error = await failure
    #expect(error?.code == .unavailable)
    #expect(error?.reason == "SHUTTING_DOWN")
    #expect(error?.neverSent == false)
    await probe.record.wait(for: "cancelled")
    channel.close()
  }

  @Test func aLostConnectionIsMadeAgain() async throws {
    let first = GRPCServer(services: [Probe()])
    let address = try await first.start(on: .tcp(host: "127.0.0.1", port: 0))
    let channel = ClientChannel(address: address, configuration: quickly)
    #expect(try await channel.text("Echo", "a") == "a")
    try await first.shutdown(grace: .zero)
    let second = GRPCServer(services: [Probe()])
    try await second.start(on: address)
    #expect(try await channel.text("Echo", "b", CallOptions(waitForReady: true)) == "b")
    channel.close()
    try await second.shutdown(grace: .zero)
  }

  @Test func closingTheChannelEndsItsCalls() async throws {
    try await withProbe { channel, probe, _ in
      async let failure = channel.failure("Wait")
      await probe.record.wait(for: "waiting")
      channel.close()
      #expect(await failure?.code == .cancelled)
      await probe.record.wait(for: "cancelled")
      #expect(await channel.failure("Echo")?.neverSent == true)
    }
  }

  @Test func lettingGoOfTheChannelClosesItsConnection() async throws {
    let (events, signal) = AsyncStream.makeStream(of: Void.self)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = HTTP2Connection(
            session: try HTTP2Session(role: .server), eventLoop: channel.eventLoop,
            delegate: Signalling(signal))
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    do {
      let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
      let options = CallOptions(timeout: .milliseconds(10), waitForReady: true)
      _ = await channel.failure("Echo", "", options)
    }
    // Ends with the connection.
    for await _ in events {}
    try await listener.close()
  }

  /// Several event loops accept at once; none of them lets in one too many.
  @Test func tooManyConnectionsAtOnce() async throws {
    var configuration = ServerConfiguration()
    configuration.connections.connectionsMax = 8
    try await withProbe(server: configuration) { _, _, address in
      let channels = (0..<64).map { _ in ClientChannel(address: address, configuration: quickly) }
      let served = await withTaskGroup(of: Bool.self) { group in
        for channel in channels { group.addTask { await channel.failure("Echo") == nil } }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(served == 8)
      for channel in channels { channel.close() }
    }
  }

  /// A peer that takes the request and hangs up: nobody knows whether it acted on it.
  @Test func noAnswerIsNotNeverSent() async throws {
    let probe = Probe()
    let server = GRPCServer(services: [probe])
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(_, let port) = address else { return }
    let relay = try await Relay.start(onward: port)
    let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: relay.port))
    async let failure = channel.failure("Wait")
    await probe.record.wait(for: "waiting")
    relay.cut()
    let error = await failure
    #expect(error?.code == .unavailable)
    #expect(error?.neverSent == false)
    channel.close()
    try await server.shutdown(grace: .zero)
    try await relay.stop()
  }
}

/// Tells what happens on a connection and answers nothing.
private final class Signalling: HTTP2ConnectionDelegate {
  private let signal: AsyncStream<Void>.Continuation

  init(_ signal: AsyncStream<Void>.Continuation) {
    self.signal = signal
  }

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {}

  func connectionClosed(_ connection: HTTP2Connection) {
    signal.finish()
  }
}
