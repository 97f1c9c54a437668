import HTTP2
import NIOCore
import Testing

@Suite struct BadInputTests {
  @Test func anotherProtocolIsAConnectionError() throws {
    let session = try HTTP2Session(role: .server)
    let events = session.receive(ByteBuffer(string: "GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
    #expect(transcript(events) == ["failed PROTOCOL_ERROR"])
    #expect(session.isFinished)
    #expect(session.receive(ByteBuffer(string: "more")).isEmpty)
  }

  @Test(arguments: [
    // DATA on stream 0 (RFC 9113 §6.1), PING of 3 bytes (§6.7), WINDOW_UPDATE of 0 (§6.9),
    // SETTINGS of 5 bytes (§6.5), HEADERS with a broken HPACK index (RFC 7541 §6.1).
    (UInt8(0), UInt32(0), [UInt8](repeating: 0, count: 4), "PROTOCOL_ERROR"),
    (6, 0, [1, 2, 3], "FRAME_SIZE_ERROR"),
    (8, 0, [0, 0, 0, 0], "PROTOCOL_ERROR"),
    (4, 0, [1, 2, 3, 4, 5], "FRAME_SIZE_ERROR"),
    (1, 1, [0xff, 0xff, 0xff, 0xff, 0x0f], "COMPRESSION_ERROR"),
  ])
  func aBrokenFrameEndsTheConnectionWithItsCode(
    type: UInt8, stream: UInt32, payload: [UInt8], code: String
  ) throws {
    let pair = try Pair()
    pair.pump()
    _ = pair.takeClientEvents()
    // END_HEADERS where the frame is HEADERS.
    let flags: UInt8 = type == 1 ? 4 : 0
    _ = pair.server.receive(frame(type, flags: flags, stream: stream, payload))
    pair.pump()
    #expect(pair.server.isFinished)
    let last = try #require(transcript(pair.takeClientEvents()).last)
    #expect(last.hasPrefix("goaway ") && last.hasSuffix(" \(code)"))
  }

  @Test func aMalformedRequestIsAStreamError() throws {
    let pair = try Pair()
    var bad = HeaderBlock()
    bad.append(":method", "POST")
    bad.append(":path", "/a")
    bad.append(":scheme", "http")
    // RFC 9113 §8.2.2: connection-specific fields make a message malformed.
    bad.append("connection", "close")
    let (stream, _) = pair.client.submitRequest(bad, endStream: true, context: Marker())
    pair.pump()
    #expect(stream.isClosed)
    #expect(transcript(pair.takeClientEvents()).last == "1 closed PROTOCOL_ERROR")
    #expect(!pair.server.isFinished)
    _ = try pair.open(endStream: true)
  }

  @Test func aHeaderListOverTheLimitIsTruncated() throws {
    let pair = try Pair()
    var large = request()
    for index in 0..<100 { large.append("x-\(index)", String(repeating: "v", count: 300)) }
    _ = pair.client.submitRequest(large, endStream: true, context: Marker())
    pair.pump()
    let blocks = pair.takeServerEvents().compactMap { event -> HeaderBlock? in
      if case .headers(_, let headers, _) = event { headers } else { nil }
    }
    let received = try #require(blocks.first)
    #expect(received.isTruncated)
    #expect(received.listBytes <= 16_384)
    #expect(received[":path"] == "/a/b")
  }

  /// Valid traffic with bytes changed, cut and repeated: whatever comes, a session answers with
  /// events. The seed makes a failure repeatable.
  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
  func mutatedTrafficNeverTraps(seed: UInt64) throws {
    var random = SplitMix64(state: seed)
    let client = try HTTP2Session(role: .client)
    for _ in 0..<5 {
      let (stream, _) = client.submitRequest(request(), endStream: false, context: Marker())
      _ = client.write(stream, "payload")
      client.end(stream)
    }
    let valid = Array(client.bytesToSend().readableBytesView)
    for _ in 0..<300 {
      var bytes = valid
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        // Past the preface, which would otherwise fail every other session at once.
        let index = Int.random(in: 24..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[index], at: index)
        }
      }
      let server = try HTTP2Session(role: .server)
      for event in server.receive(ByteBuffer(bytes: bytes)) {
        if case .headers(let stream, _, _) = event {
          server.submitResponse(stream, response())
          server.end(stream, trailers: trailers())
        }
      }
      _ = server.bytesToSend()
      #expect(server.openStreamCount <= 100)
    }
  }
}

/// A small repeatable generator (prng.di.unimi.it/splitmix64.c).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
