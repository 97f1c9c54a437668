import HTTP2
import NIOCore
import Testing

@Suite struct FlowControlTests {
  @Test func aStalledReaderHoldsBackTheWriter() throws {
    let pair = try Pair()
    let (stream, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    let total = 10_000_000
    _ = pair.server.write(peer, [UInt8](repeating: 7, count: total))
    pair.server.end(peer, trailers: trailers())
    pair.pump()

    var received = dataBytes(pair.takeClientEvents(), of: stream)
    #expect(received == 65_535, "the initial window and not a byte more")
    #expect(pair.pump() == 0)

    while !stream.isClosed {
      pair.client.giveBack(stream, byteCount: 40_000)
      #expect(pair.pump() > 0)
      let count = dataBytes(pair.takeClientEvents(), of: stream)
      #expect(count <= 65_535 + 40_000)
      received += count
    }
    #expect(received == total)
  }

  @Test func aStalledStreamHoldsUpNoOther() throws {
    let pair = try Pair(client: .init(connectionWindowBytes: 65_535))
    var stalled: [HTTP2Stream] = []
    for _ in 0..<20 {
      let (stream, peer) = try pair.open(endStream: true)
      pair.server.submitResponse(peer, response())
      _ = pair.server.write(peer, [UInt8](repeating: 7, count: 100_000))
      stalled.append(stream)
    }
    pair.pump()
    let events = pair.takeClientEvents()
    for stream in stalled { #expect(dataBytes(events, of: stream) == 65_535) }

    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    _ = pair.server.write(peer, "through")
    pair.server.end(peer, trailers: trailers())
    pair.pump()
    #expect(transcript(pair.takeClientEvents()).contains("\(peer.id) data through"))
  }

  @Test func theRequestIsHeldBackToo() throws {
    let pair = try Pair()
    let (stream, peer) = try pair.open()
    _ = pair.client.write(stream, [UInt8](repeating: 7, count: 200_000))
    pair.client.end(stream)
    pair.pump()
    #expect(dataBytes(pair.takeServerEvents(), of: peer) == 65_535)
    #expect(stream.unsentBytes == 200_000 - 65_535)
    pair.server.giveBack(peer, byteCount: 65_535)
    pair.pump()
    #expect(dataBytes(pair.takeServerEvents(), of: peer) == 65_535)
  }

  @Test func sendingStopsAtTheLimitAskedFor() throws {
    let pair = try Pair(client: .init(streamWindowBytes: 1_000_000))
    let (_, peer) = try pair.open(endStream: true)
    pair.server.submitResponse(peer, response())
    _ = pair.server.write(peer, [UInt8](repeating: 7, count: 500_000))
    var buffer = ByteBuffer()
    let hasMore = pair.server.bytesToSend(into: &buffer, limit: 50_000)
    #expect(hasMore)
    // One frame may go over the limit: 16,384 bytes and its head of nine.
    #expect((50_000..<50_000 + 16_393).contains(buffer.readableBytes))
  }
}
