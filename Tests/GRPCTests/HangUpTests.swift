import HTTP2
import Messages
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// Servers that take connections and are of no use.
@Suite(.timeLimit(.minutes(1))) struct HangUpTests {
  private func configuration(_ balancing: LoadBalancing) -> ChannelConfiguration {
    ChannelConfiguration(
      loadBalancing: balancing,
      // Who is connected to twice within a test has not been left alone.
      backoff: Backoff(initial: .seconds(3600), max: .seconds(3600)),
      retry: RetryPolicy(
        attemptsMax: 5, backoff: Backoff(initial: .milliseconds(1), max: .milliseconds(2)),
        throttling: nil))
  }

  @Test(arguments: [HangingUp.Moment.accepted, .settingsSent])
  func inTurnOverServersOfWhichOneHangsUp(moment: HangingUp.Moment) async throws {
    let hanging = try await HangingUp.start(after: moment)
    try await withProbe { _, _, address in
      let channel = ClientChannel(
        addresses: [hanging.address, address], configuration: configuration(.roundRobin))
      channel.connect()
      await hanging.firstConnection()
      let patiently = CallOptions(waitForReady: true, isIdempotent: true)
      for _ in 0..<100 {
        let answer = try await channel.text("Echo", "a", patiently)
        #expect(answer == "a")
      }
      #expect(hanging.connections == 1)
      channel.close()
    }
    try await hanging.stop()
  }

  @Test(arguments: [HangingUp.Moment.accepted, .settingsSent])
  func theOnlyServerHangsUp(moment: HangingUp.Moment) async throws {
    let hanging = try await HangingUp.start(after: moment)
    let channel = ClientChannel(
      addresses: [hanging.address], configuration: configuration(.roundRobin))
    var failure: RPCError?
    for _ in 0..<20 {
      failure = await channel.failure("Echo")
      #expect(failure?.code == .unavailable)
    }
    #expect(failure?.neverSent == true)
    #expect(hanging.connections == 1)
    #expect(channel.connectivity == .transientFailure)
    channel.close()
    try await hanging.stop()
  }

  /// Calls that do not wait for a connection are sent again as long as they have not left
  /// (github.com/grpc/proposal, A6).
  @Test func whatHasNotLeftIsSentElsewhere() async throws {
    let hanging = try await HangingUp.start(after: .noStreamsAcknowledged, connectionsMax: 3)
    try await withProbe { _, _, address in
      let channel = ClientChannel(
        addresses: [hanging.address, address], configuration: configuration(.pickFirst))
      let answer = try await channel.text("Echo", "a")
      #expect(answer == "a")
      #expect(hanging.connections == 3)
      channel.close()
    }
  }

  @Test func onAServerThatTakesNoRequestsCallsFail() async throws {
    let hanging = try await HangingUp.start(after: .noStreamsAcknowledged)
    let channel = ClientChannel(
      addresses: [hanging.address], configuration: configuration(.pickFirst))
    let failure = await channel.failure("Echo")
    #expect(failure?.code == .unavailable)
    #expect(failure?.neverSent == true)
    #expect(hanging.connections == 11)
    channel.close()
    try await hanging.stop()
  }

  /// Answers every request with half a message, and OK.
  private final class HalfAnswering: HTTP2ConnectionDelegate {
    func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
      guard case .headers(let stream, _, _) = event else { return }
      connection.session.submitResponse(stream, ResponseHeaders.headers)
      let half: [UInt8] = [0, 0, 0, 0, 9, 1]
      _ = half.withUnsafeBytes { connection.session.write(stream, $0) }
      connection.session.end(stream, trailers: ResponseHeaders.okTrailers)
      connection.setNeedsFlush()
    }

    func connectionClosed(_ connection: HTTP2Connection) {}
  }

  @Test func aStreamThatEndsInsideAMessageHasNotEndedWell() async throws {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = HTTP2Connection(
            session: try HTTP2Session(role: .server), eventLoop: channel.eventLoop,
            delegate: HalfAnswering())
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(listener.localAddress?.port)
    let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
    let responses: ResponseStream<Text> = try await channel.serverStreaming(
      Probe.method("Count"), Text("1"))
    await #expect(throws: RPCError.self) { for try await _ in responses {} }
    channel.close()
    try await listener.close()
  }
}
