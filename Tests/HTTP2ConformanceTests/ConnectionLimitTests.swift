import GRPC
import NIOConcurrencyHelpers
import Testing

/// `ConnectionLimits` over sockets, with short times. Nothing here sleeps: every test
/// waits for what the server does.
@Suite(.timeLimit(.minutes(1))) struct ConnectionLimitTests {
  typealias Limit = ConnectionLimitEvent.Limit

  /// What the server told of limits.
  private final class Told: Sendable {
    private let events = NIOLockedValueBox<[ConnectionLimitEvent]>([])

    var limits: [Limit] { events.withLockedValue { $0.map(\.limit) } }

    func note(_ event: ConnectionLimitEvent) {
      events.withLockedValue { $0.append(event) }
    }
  }

  private let told = Told()

  /// A server with these limits alone, and the means to connect to it.
  private func withServer(
    _ change: (inout ConnectionLimits) -> Void, _ body: (SpecTarget) async throws -> Void
  ) async throws {
    var limits = ConnectionLimits()
    limits.headersTimeout = nil
    limits.bodyTimeout = nil
    limits.writeTimeout = nil
    limits.idleTimeout = nil
    limits.keepaliveTime = nil
    change(&limits)
    var configuration = ServerConfiguration(connections: limits)
    configuration.onConnectionLimit = { [told] in told.note($0) }
    let server = GRPCServer(services: [Echo()], configuration: configuration)
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    guard case .tcp(let host, let port) = address else { return }
    try await body(SpecTarget(host: host, port: port, kind: .grpc))
    try await server.shutdown(grace: .zero)
  }

  /// Waits for the end of a connection; answers the code of every GOAWAY on it.
  private func end(of connection: SpecConnection) async -> [UInt32] {
    while (try? await connection.next()) != nil {}
    await connection.close()
    return connection.goAways
  }

  private let calm: UInt32 = 11

  @Test(arguments: [0, 10, 24])
  func aPrefaceThatDoesNotCome(byteCount: Int) async throws {
    try await withServer {
      $0.headersTimeout = .milliseconds(100)
    } _: { target in
      let connection = try await SpecConnection(target)
      connection.raw(Array(SpecConnection.preface.prefix(byteCount)))
      #expect(await end(of: connection).last == calm)
      #expect(told.limits == [.headersTimeout])
    }
  }

  @Test func headersThatDoNotEnd() async throws {
    try await withServer {
      $0.headersTimeout = .seconds(1)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      connection.send(Frame.headers, stream: 1, Block.get)
      #expect(await end(of: connection).last == calm)
      #expect(told.limits == [.headersTimeout])
    }
  }

  @Test func aRequestThatStops() async throws {
    try await withServer {
      $0.bodyTimeout = .milliseconds(100)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1, [0, 0, 0], end: false)
      // Refused, and stopped by RST_STREAM(NO_ERROR).
      try await connection.frame { $0.type == Frame.headers && $0.endsStream }
      try await connection.expectEnd(of: 1)
      // The connection lives on.
      connection.request(3)
      try await connection.expectData()
      await connection.close()
    }
  }

  @Test func aResponseThatNobodyReads() async throws {
    try await withServer {
      $0.writeTimeout = .milliseconds(100)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake(connection.setting(4, 1))
      connection.request(1)
      let frame = try await connection.frame { $0.type == Frame.rstStream }
      #expect(frame.errorCode == calm)
      await connection.close()
    }
  }

  @Test func aConnectionWithoutCalls() async throws {
    try await withServer {
      $0.idleTimeout = .seconds(1)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      while connection.goAways.isEmpty, (try? await connection.next()) != nil {}
      #expect(connection.goAways == [0])
      await connection.close()
      #expect(told.limits == [.idleTimeout])
    }
  }

  @Test func anOldConnection() async throws {
    try await withServer {
      $0.ageMax = .seconds(1)
      $0.ageGrace = .seconds(1)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      // A call that never ends by itself.
      connection.openRequest(1)
      // UNAVAILABLE, once the grace is over.
      try await connection.frame { $0.type == Frame.headers && $0.endsStream }
      #expect(await end(of: connection).last == 0)
      #expect(told.limits == [.age])
    }
  }

  @Test func aClientThatDoesNotAnswer() async throws {
    try await withServer {
      $0.keepaliveTime = .seconds(1)
      $0.keepaliveTimeout = .seconds(1)
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      let ping = try await connection.frame { $0.type == Frame.ping }
      connection.send(Frame.ping, flags: SpecConnection.ack, ping.payload)
      try await connection.frame { $0.type == Frame.ping }
      #expect(await end(of: connection).isEmpty)
      #expect(told.limits == [.keepaliveTimeout])
    }
  }

  @Test func aClientThatPingsTooOften() async throws {
    try await withServer { _ in
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      for _ in 0..<4 { connection.send(Frame.ping, zeros(8)) }
      let goAway = try await connection.frame { $0.type == Frame.goAway }
      #expect(goAway.errorCode == calm)
      #expect(String(decoding: goAway.payload.dropFirst(8), as: UTF8.self) == "too_many_pings")
      _ = await end(of: connection)
      #expect(told.limits == [.tooManyPings])
    }
  }

  @Test func aConnectionTooMany() async throws {
    try await withServer {
      $0.connectionsMax = 2
    } _: { target in
      let first = try await SpecConnection(target)
      let second = try await SpecConnection(target)
      try await first.handshake()
      try await second.handshake()
      let third = try await SpecConnection(target)
      #expect(await end(of: third).isEmpty)
      #expect(told.limits == [.tooManyConnections])
      // The others are served, and a place that becomes free is taken.
      first.request(1)
      try await first.expectData()
      #expect(await leave(second).isEmpty)
      let fourth = try await admitted(target)
      fourth.request(1)
      try await fourth.expectData()
      await first.close()
      await fourth.close()
    }
  }

  /// Ends the connection politely, so that the server has seen the end when this returns.
  private func leave(_ connection: SpecConnection) async -> [UInt32] {
    connection.send(Frame.goAway, zeros(8))
    return await end(of: connection)
  }

  /// A connection that is let in: the server counts a closed one until it has handled its end.
  private func admitted(_ target: SpecTarget) async throws -> SpecConnection {
    while true {
      let connection = try await SpecConnection(target)
      do {
        try await connection.handshake()
        return connection
      } catch is SpecFailure {
        await connection.close()
      }
    }
  }

  @Test func floodsAreTold() async throws {
    try await withServer { _ in
    } _: { target in
      let connection = try await SpecConnection(target)
      try await connection.handshake()
      for _ in 0..<600 { connection.priority(3, dependsOn: 0) }
      #expect(await end(of: connection).last == calm)
      #expect(told.limits == [.protocolError])
    }
  }
}
