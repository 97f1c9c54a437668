import HTTP2
import NIOCore
import Testing

@Suite struct ShutdownTests {
  @Test func goAwayLetsOpenStreamsFinishAndRefusesNewOnes() throws {
    let pair = try Pair()
    let (stream, peer) = try pair.open(endStream: true)
    pair.server.submitShutdownNotice()
    pair.server.ping(1)
    pair.pump()
    #expect(transcript(pair.takeClientEvents()).contains("goaway 2147483647 NO_ERROR"))
    pair.server.submitGoAway()
    pair.pump()
    #expect(transcript(pair.takeClientEvents()) == ["goaway 1 NO_ERROR"])

    let (late, outcome) = pair.client.submitRequest(
      request(), endStream: true, context: Marker())
    if outcome == .ok {
      pair.pump()
      #expect(late.isClosed)
      #expect(!late.isRequestSent)
    }
    _ = pair.takeClientEvents()

    pair.server.submitResponse(peer, response(), endStream: true)
    pair.pump()
    #expect(
      transcript(pair.takeClientEvents()) == [
        "1 headers :status: 200 END", "1 closed NO_ERROR",
      ])
    #expect(stream.isClosed)
  }

  @Test func streamsAboveTheLastOneWereRefused() throws {
    let pair = try Pair()
    let (_, _) = try pair.open(endStream: true)
    pair.server.submitGoAway()
    let goAway = pair.server.bytesToSend()
    // Crosses with the GOAWAY on the wire.
    let (late, _) = pair.client.submitRequest(request(), endStream: true, context: Marker())
    _ = pair.client.bytesToSend()
    #expect(late.isRequestSent)
    let events = pair.client.receive(goAway)
    #expect(transcript(events).contains("3 closed REFUSED_STREAM"))
  }

  @Test func overTheLimitOfStreamsRequestsWait() throws {
    let pair = try Pair(server: .init(concurrentStreamsMax: 2))
    pair.pump()
    #expect(pair.client.peerConcurrentStreamsMax == 2)
    let streams = (0..<3).map { _ in
      pair.client.submitRequest(request(), endStream: true, context: Marker()).0
    }
    pair.pump()
    #expect(streams.map(\.isRequestSent) == [true, true, false])
    let first = try #require(
      pair.takeServerEvents().compactMap {
        if case .headers(let stream, _, _) = $0 { stream } else { nil }
      }.first)
    pair.server.submitResponse(first, response(), endStream: true)
    pair.pump()
    #expect(streams[2].isRequestSent)
  }

  @Test func terminateFinishesTheSession() throws {
    let pair = try Pair()
    pair.pump()
    #expect(!pair.server.isFinished)
    pair.server.terminate(.enhanceYourCalm)
    pair.pump()
    #expect(pair.server.isFinished)
    #expect(transcript(pair.takeClientEvents()).last == "goaway 0 ENHANCE_YOUR_CALM")
  }
}
