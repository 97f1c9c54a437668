import NIOCore
import Testing

@testable import HTTP2

/// A server's session before its first request. What it does must be what nghttp2 does.
@Suite struct DormantSessionTests {
  private let hello: ByteBuffer = {
    var bytes = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    // INITIAL_WINDOW_SIZE of 5, for what it does to the first response.
    bytes.writeImmutableBuffer(frame(4, [0, 4, 0, 0, 0, 5]))
    bytes.writeImmutableBuffer(frame(8, [0, 0, 1, 0]))
    bytes.writeImmutableBuffer(frame(4, flags: 1, []))
    bytes.writeImmutableBuffer(frame(6, [UInt8](1...8)))
    return bytes
  }()

  /// Types and flags of the frames in bytes sent.
  private func kinds(_ bytes: ByteBuffer) -> [String] {
    var scanner = FrameScanner(prefaceBytes: 0)
    return bytes.withUnsafeReadableBytes { bytes in
      var offset = 0
      var kinds: [String] = []
      while let frame = scanner.next(bytes, &offset) {
        kinds.append("\(frame.type) \(frame.flags) \(frame.length)")
      }
      return kinds
    }
  }

  @Test(arguments: [1, 2, 7, 24, 30, 1_000])
  func itStaysAsleepForAHandshake(chunkBytes: Int) throws {
    let session = try HTTP2Session(role: .server)
    #expect(kinds(session.bytesToSend()) == ["4 0 24", "8 0 4"])
    var rest = hello
    var events: [HTTP2Event] = []
    while rest.readableBytes > 0,
      let chunk = rest.readSlice(length: min(chunkBytes, rest.readableBytes))
    {
      events += session.receive(chunk)
    }
    #expect(transcript(events) == ["settings", "ping"])
    #expect(session.dormant != nil)
    #expect(kinds(session.bytesToSend()) == ["4 1 0", "6 1 8"])
    session.ping(9)
    #expect(kinds(session.bytesToSend()) == ["6 0 8"])
    #expect(
      transcript(session.receive(frame(6, flags: 1, [0, 0, 0, 0, 0, 0, 0, 9]))) == ["ping 9"])
    #expect(!session.isFinished)
  }

  @Test func whatWasAgreedIsKept() throws {
    let session = try HTTP2Session(role: .server)
    _ = session.receive(hello)
    _ = session.bytesToSend()
    let events = session.receive(
      frames([frame(1, flags: 4, stream: 1, requestBlock), frame(0, flags: 1, stream: 1, [7])]))
    #expect(session.dormant == nil)
    #expect(transcript(events).count == 2)
    let stream = try #require(session.streams.first)
    session.submitResponse(stream, response())
    _ = session.write(stream, "more than five bytes")
    // No second SETTINGS, and a window of five bytes.
    #expect(kinds(session.bytesToSend()).map { $0.prefix(4) } == ["1 4 ", "0 0 "])
    #expect(stream.unsentBytes == 15)
  }

  @Test func theFirstRequestWithTheHandshake() throws {
    let session = try HTTP2Session(role: .server)
    var bytes = hello
    bytes.writeImmutableBuffer(frame(1, flags: 5, stream: 1, requestBlock))
    let lines = transcript(session.receive(bytes))
    #expect(lines.prefix(2) == ["settings", "ping"])
    #expect(lines.count == 3 && lines[2].hasPrefix("1 headers"))
    #expect(kinds(session.bytesToSend()) == ["4 0 24", "8 0 4", "4 1 0", "6 1 8"])
  }

  /// Whatever is not quite right is judged by nghttp2.
  @Test(arguments: [
    (frame(4, [0, 4, 0x80, 0, 0, 0]), "FLOW_CONTROL_ERROR"),
    (frame(4, [0, 2, 0, 0, 0, 2]), "PROTOCOL_ERROR"),
    (frame(4, [1, 2, 3]), "FRAME_SIZE_ERROR"),
    (frame(4, flags: 1, [0, 0, 0, 0, 0, 1]), "FRAME_SIZE_ERROR"),
    (frame(4, flags: 1, []), "PROTOCOL_ERROR"),
    (frame(6, [1]), "FRAME_SIZE_ERROR"),
    (frame(8, [0, 0, 0, 0]), "PROTOCOL_ERROR"),
    (frame(8, [0x7f, 0xff, 0xff, 0xff]), "FLOW_CONTROL_ERROR"),
    (frame(0, []), "PROTOCOL_ERROR"),
  ])
  func whatIsWrongWakesItUp(bytes: ByteBuffer, code: String) throws {
    let session = try HTTP2Session(role: .server)
    _ = session.receive(hello)
    _ = session.receive(bytes)
    #expect(goAway(session.bytesToSend())?.description == code)
  }

  @Test func whatItHasToRememberIsBounded() throws {
    var limits = HTTP2FloodLimits()
    limits.windowUpdate = HTTP2Rate(burst: 1_000, perSecond: 1_000)
    let session = try HTTP2Session(role: .server, configuration: .init(floodLimits: limits))
    _ = session.receive(hello)
    for _ in 0..<100 { _ = session.receive(frame(8, [0, 0, 0, 1])) }
    #expect(session.dormant == nil)
    #expect(!session.isFinished)
    #expect(kinds(session.bytesToSend()) == ["4 0 24", "8 0 4", "4 1 0", "6 1 8"])
  }

  @Test func goodbyeAfterTheHandshake() throws {
    let session = try HTTP2Session(role: .server)
    _ = session.receive(hello)
    session.terminate(.enhanceYourCalm, debugData: "too_many_pings")
    let bytes = session.bytesToSend()
    #expect(kinds(bytes) == ["4 0 24", "8 0 4", "4 1 0", "6 1 8", "7 0 22", "7 0 8"])
    #expect(goAway(bytes) == .enhanceYourCalm)
    #expect(session.isFinished)
  }
}
