import NIOCore
import Testing

@testable import HTTP2

@Suite struct TokenBucketTests {
  private static let rate = HTTP2Rate(burst: 3, perSecond: 10)

  private final class Bucket {
    var bucket = TokenBucket()

    func take(at milliseconds: Int64) -> Bool {
      let now = NIODeadline.uptimeNanoseconds(5_000_000_000) + .milliseconds(milliseconds)
      return bucket.take(TokenBucketTests.rate, now: now)
    }
  }

  @Test func aBurstThenOneATime() {
    let bucket = Bucket()
    for _ in 0..<3 { #expect(bucket.take(at: 0)) }
    #expect(!bucket.take(at: 0))
    #expect(!bucket.take(at: 99))
    #expect(bucket.take(at: 100))
    #expect(!bucket.take(at: 100))
    for _ in 0..<3 { #expect(bucket.take(at: 1_000)) }
    #expect(!bucket.take(at: 1_000), "a full bucket holds no more than its burst")
  }

  @Test func whatIsRefusedCostsNothing() {
    let bucket = Bucket()
    while bucket.take(at: 0) {}
    for _ in 0..<1_000 { #expect(!bucket.take(at: 50)) }
    #expect(bucket.take(at: 100))
  }

  @Test func tokensGivenBack() {
    let bucket = Bucket()
    while bucket.take(at: 0) {}
    bucket.bucket.give(2, Self.rate)
    #expect(bucket.take(at: 0))
    #expect(bucket.take(at: 0))
    #expect(!bucket.take(at: 0))
    bucket.bucket.give(.max, Self.rate)
    for _ in 0..<3 { #expect(bucket.take(at: 0)) }
    #expect(!bucket.take(at: 0))
  }
}

/// Every kind of frame that costs a client nothing, sent faster than it may.
@Suite struct FloodTests {
  enum Flood: String, CaseIterable {
    case ping, pingAcknowledgement, settings, priority, priorityUpdate, windowUpdate
    case streamWindowUpdate, emptyData, paddedData, unknownFrame, headersOfOldStreams
    case rapidReset, malformedRequests

    /// What it is answered with where no request has come before it; the first of these frames is a
    /// mistake by itself where there is no such stream.
    var answerBeforeARequest: HTTP2ErrorCode {
      switch self {
      case .streamWindowUpdate, .emptyData, .paddedData: .protocolError
      default: .enhanceYourCalm
      }
    }
  }

  /// A clock that stands still unless it is moved.
  final class Clock: @unchecked Sendable {
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
  }

  private let clock = Clock()
  private let tight = HTTP2Rate(burst: 10, perSecond: 1)

  private func limits() -> HTTP2FloodLimits {
    var limits = HTTP2FloodLimits()
    limits.ping = tight
    limits.settings = tight
    limits.priority = tight
    limits.windowUpdate = tight
    limits.empty = tight
    limits.reset = tight
    return limits
  }

  private func server() throws -> HTTP2Session {
    let server = try HTTP2Session(
      role: .server, configuration: .init(floodLimits: limits()), clock: { [clock] in clock.now })
    var hello = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    hello.writeImmutableBuffer(frame(4, []))
    _ = server.receive(hello)
    _ = server.bytesToSend()
    return server
  }

  /// One turn of a flood; `turn` counts from 0.
  private func bytes(_ flood: Flood, _ turn: Int) -> ByteBuffer {
    let old: UInt32 = 1
    let stream = UInt32(truncatingIfNeeded: turn) * 2 + 3
    return switch flood {
    case .ping: frame(6, [UInt8](repeating: 7, count: 8))
    case .pingAcknowledgement: frame(6, flags: 1, [UInt8](repeating: 7, count: 8))
    case .settings: frame(4, [])
    case .priority: frame(2, stream: old, [0, 0, 0, 0, 9])
    case .priorityUpdate: frame(16, [0, 0, 0, 1] + Array("u=1".utf8))
    case .windowUpdate: frame(8, [0, 0, 0, 1])
    case .streamWindowUpdate: frame(8, stream: old, [0, 0, 0, 1])
    case .emptyData: frame(0, stream: old, [])
    case .paddedData: frame(0, flags: 8, stream: old, [3, 0, 0, 0])
    case .unknownFrame: frame(77, [1, 2, 3])
    case .headersOfOldStreams: frame(1, flags: 5, stream: old, requestBlock)
    case .rapidReset:
      frames([frame(1, flags: 4, stream: stream, requestBlock), frame(3, stream: stream, cancel)])
    // A connection-specific field: nghttp2 resets the stream (CVE-2025-8671).
    case .malformedRequests:
      frame(1, flags: 5, stream: stream, requestBlock + literal("connection", "close"))
    }
  }

  private let cancel: [UInt8] = [0, 0, 0, 8]

  @Test(arguments: Flood.allCases)
  func aFloodEndsTheConnection(flood: Flood) throws {
    let server = try server()
    _ = server.receive(frame(1, flags: 4, stream: 1, requestBlock))
    if flood == .headersOfOldStreams {
      // Answered before its end, the request is stopped by RST_STREAM.
      let stream = try #require(server.streams.first)
      server.submitResponse(stream, response(), endStream: true)
    }
    _ = server.bytesToSend()
    var turns = 0
    while !server.isFinished, turns < 100 {
      _ = server.receive(bytes(flood, turns))
      turns += 1
    }
    // The bucket of SETTINGS has paid for the first.
    #expect(turns == (flood == .settings ? 10 : 11))
    let last = goAway(server.bytesToSend())
    #expect(last == .enhanceYourCalm)
  }

  /// The session is dormant until something comes that it leaves to nghttp2.
  @Test(arguments: Flood.allCases)
  func aFloodBeforeTheFirstRequestEndsTheConnection(flood: Flood) throws {
    // Its first frame is that request.
    if flood == .headersOfOldStreams { return }
    let server = try server()
    #expect(server.dormant != nil)
    var turns = 0
    while !server.isFinished, turns < 100 {
      _ = server.receive(bytes(flood, turns))
      turns += 1
    }
    #expect(turns <= 11)
    #expect(goAway(server.bytesToSend()) == flood.answerBeforeARequest)
  }

  @Test(arguments: Flood.allCases)
  func theSameSlowlyIsNone(flood: Flood) throws {
    if flood == .headersOfOldStreams { return }
    let server = try server()
    _ = server.receive(frame(1, flags: 4, stream: 1, requestBlock))
    for turn in 0..<200 {
      _ = server.receive(bytes(flood, turn))
      _ = server.bytesToSend()
      clock.now = clock.now + .seconds(1)
    }
    #expect(!server.isFinished)
  }

  @Test func whatIsSentEarnsWindowUpdates() throws {
    let server = try server()
    _ = server.receive(frame(1, flags: 5, stream: 1, requestBlock))
    let stream = try #require(server.streams.first)
    stream.context = server
    server.submitResponse(stream, response())
    for _ in 0..<500 {
      _ = server.write(stream, "one message")
      _ = server.bytesToSend()
      _ = server.receive(
        frames([
          frame(8, [0, 0, 0, 11]), frame(8, stream: 1, [0, 0, 0, 11]),
          frame(6, [UInt8](repeating: 1, count: 8)),
        ]))
    }
    #expect(!server.isFinished)
  }

  @Test func aBlockOfEndlessContinuations() throws {
    let server = try server()
    _ = server.receive(frame(1, flags: 0, stream: 1, requestBlock))
    var turns = 0
    while !server.isFinished, turns < 100 {
      _ = server.receive(frame(9, stream: 1, []))
      turns += 1
    }
    #expect(turns < 20)
    #expect(goAway(server.bytesToSend()) == .enhanceYourCalm)
  }

  /// 4,000 bytes in the dynamic table, and one byte for each time they stand in the list.
  @Test func anHPACKBombIsNotUnpacked() throws {
    let server = try server()
    let value = String(repeating: "b", count: 4_000)
    var block = requestBlock + [0x40] + text("bomb") + text(value)
    block += [UInt8](repeating: 0xbe, count: 10_000)
    let events = server.receive(frame(1, flags: 5, stream: 1, block))
    #expect(transcript(events).last == "failed ENHANCE_YOUR_CALM")
    #expect(goAway(server.bytesToSend()) == .enhanceYourCalm)
  }

  @Test func aListALittleTooLongCostsItsCallOnly() throws {
    let server = try server()
    let block = requestBlock + literal("large", String(repeating: "b", count: 16_000))
    let events = server.receive(frame(1, flags: 5, stream: 1, block))
    guard case .headers(_, let headers, true)? = events.first else {
      Issue.record("\(transcript(events))")
      return
    }
    #expect(!headers.isTruncated)
    let two =
      requestBlock + literal("large", String(repeating: "b", count: 10_000))
      + literal("other", String(repeating: "b", count: 6_200))
    let next = server.receive(frame(1, flags: 5, stream: 3, two))
    guard case .headers(_, let headers, true)? = next.first else {
      Issue.record("\(transcript(next))")
      return
    }
    #expect(headers.isTruncated)
    #expect(!server.isFinished)
  }
}
