import HTTP2
import NIOCore
import Testing

@Suite struct SessionTests {
  @Test(arguments: [Int.max, 7, 1])
  func requestAndResponseWithTrailers(chunkBytes: Int) throws {
    let pair = try Pair()
    pair.chunkBytes = chunkBytes
    let (stream, outcome) = pair.client.submitRequest(
      request(), endStream: false, context: Marker())
    #expect(outcome == .ok)
    #expect(pair.client.write(stream, "hello") == .ok)
    #expect(pair.client.end(stream) == .ok)
    pair.pump()
    let received = pair.takeServerEvents()
    let head = "1 headers :method: POST, :scheme: http, :path: /a/b, :authority: localhost"
    var lines = transcript(received)
    // With every byte on its own, the end of the last DATA frame cannot come with its payload.
    if lines.last == "1 END" { lines.replaceSubrange(2..., with: [lines[2] + " END"]) }
    #expect(lines == ["settings", head, "1 data hello END"])

    let peer = try #require(
      received.compactMap { if case .headers(let stream, _, _) = $0 { stream } else { nil } }.first)
    peer.context = Marker()
    #expect(pair.server.submitResponse(peer, response()) == .ok)
    #expect(pair.server.write(peer, "world") == .ok)
    #expect(pair.server.end(peer, trailers: trailers()) == .ok)
    pair.pump()
    #expect(
      transcript(pair.takeClientEvents()) == [
        "settings", "1 headers :status: 200", "1 data world",
        "1 headers grpc-status: 0 END", "1 closed NO_ERROR",
      ])
    #expect(transcript(pair.takeServerEvents()) == ["1 closed NO_ERROR"])
    #expect(pair.client.openStreamCount == 0)
    #expect(pair.server.openStreamCount == 0)
  }

  @Test func responseOfTrailersOnly() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    #expect(pair.server.submitResponse(peer, response("415"), endStream: true) == .ok)
    pair.pump()
    #expect(
      transcript(pair.takeClientEvents()).suffix(2) == [
        "1 headers :status: 415 END", "1 closed NO_ERROR",
      ])
  }

  private static let headers = PreparedHeaders([
    ":status": "200", "content-type": "application/grpc",
  ])
  private static let okTrailers = PreparedHeaders(["grpc-status": "0"])

  @Test func preparedHeadersAreSentAsOrdinaryOnes() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, Self.headers)
    pair.server.end(peer, trailers: Self.okTrailers)
    pair.pump()
    #expect(
      transcript(pair.takeClientEvents()).dropFirst() == [
        "1 headers :status: 200, content-type: application/grpc",
        "1 headers grpc-status: 0 END", "1 closed NO_ERROR",
      ])
  }

  @Test func laterWritesResumeDeferredData() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    pair.pump()
    for text in ["a", "b", "c"] {
      #expect(pair.server.write(peer, text) == .ok)
      pair.pump()
    }
    #expect(pair.pump() == 0, "nothing to send while nothing is written")
    pair.server.end(peer, trailers: trailers())
    pair.pump()
    let lines = transcript(pair.takeClientEvents())
    #expect(lines.contains("1 data abc"))
    #expect(lines.last == "1 closed NO_ERROR")
  }

  @Test func drainedIsToldOnceEverythingHasLeft() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    _ = pair.server.write(peer, "abc")
    pair.server.notifyWhenDrained(peer)
    #expect(peer.unsentBytes == 3)
    pair.pump()
    #expect(transcript(pair.takeServerEvents()) == ["1 drained"])
    #expect(peer.unsentBytes == 0)
    _ = pair.server.write(peer, "d")
    pair.pump()
    #expect(transcript(pair.takeServerEvents()).isEmpty)
  }

  @Test func resetReachesTheOtherSide() throws {
    let pair = try Pair()
    let (stream, peer) = try pair.open()
    #expect(pair.client.reset(stream, .cancel) == .ok)
    pair.pump()
    #expect(transcript(pair.takeServerEvents()) == ["1 closed CANCEL"])
    #expect(pair.server.submitResponse(peer, response()) == .streamError(.streamClosed))
    #expect(pair.server.write(peer, "x") == .streamError(.streamClosed))
    #expect(pair.server.end(peer) == .streamError(.streamClosed))
    #expect(pair.server.reset(peer, .cancel) == .streamError(.streamClosed))
    #expect(pair.client.openStreamCount == 0)
  }

  @Test func resetDropsWhatIsQueued() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    _ = pair.server.write(peer, [UInt8](repeating: 1, count: 200_000))
    pair.pump()
    pair.server.reset(peer, .internalError)
    pair.pump()
    #expect(transcript(pair.takeClientEvents()).last == "1 closed INTERNAL_ERROR")
    #expect(peer.unsentBytes == 0)
  }

  @Test func whatCannotBeSubmittedIsAStreamError() throws {
    let pair = try Pair()
    let (_, peer) = try pair.open(endStream: true)
    #expect(pair.server.write(peer, "early") == .streamError(.streamClosed))
    #expect(pair.server.end(peer) == .streamError(.internalError))
    #expect(pair.server.submitResponse(peer, response()) == .ok)
    #expect(pair.server.submitResponse(peer, response()) == .streamError(.internalError))
    #expect(pair.server.end(peer) == .ok)
    #expect(pair.server.write(peer, "late") == .streamError(.streamClosed))
  }

  @Test func earlyResponseStopsTheRequest() throws {
    let pair = try Pair()
    let (stream, peer) = try pair.open()
    pair.server.submitResponse(peer, response())
    pair.server.end(peer, trailers: trailers())
    pair.pump()
    // RFC 9113 §8.1: RST_STREAM(NO_ERROR) after the complete response.
    #expect(
      transcript(pair.takeClientEvents()).suffix(3) == [
        "1 headers :status: 200", "1 headers grpc-status: 0 END", "1 closed NO_ERROR",
      ])
    #expect(stream.isClosed)
    #expect(pair.server.openStreamCount == 0)
  }

  @Test func streamObjectsAreUsedAgain() throws {
    let pair = try Pair()
    var seen = Set<ObjectIdentifier>()
    for _ in 0..<50 {
      let (_, peer) = try pair.open(endStream: true)
      seen.insert(ObjectIdentifier(peer))
      #expect(peer.unsentBytes == 0)
      #expect(!peer.isClosed)
      pair.server.submitResponse(peer, response(), endStream: true)
      pair.pump()
      _ = pair.takeClientEvents()
      _ = pair.takeServerEvents()
    }
    #expect(seen.count < 10)
  }

  @Test func pingIsAnswered() throws {
    let pair = try Pair()
    pair.server.ping(0x0102_0304_0506_0708)
    pair.pump()
    #expect(transcript(pair.takeServerEvents()).contains("ping 72623859790382856"))
  }
}
