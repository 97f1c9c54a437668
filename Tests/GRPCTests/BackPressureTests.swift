import GRPC
import HTTP2
import Messages
import Testing

/// What a client that stops costs.
@Suite struct BackPressureTests {
  private static let streams = 1000

  /// A thousand streams, none of which is read: of each, one window has left, and what waits behind
  /// it stays under the high-water mark of 8 KiB and one message.
  @Test func aThousandStreamsThatNobodyReads() async throws {
    let http2 = HTTP2SessionConfiguration(concurrentStreamsMax: UInt32(Self.streams))
    try await withProbe(server: ServerConfiguration(http2: http2)) { channel, probe, address in
      let connection = try await RawConnection.connect(to: address, readsByItself: false)
      var calls: [RawCall] = []
      for _ in 0..<Self.streams {
        let call = try await connection.open("Flood")
        call.send("")
        call.end()
        calls.append(call)
      }
      // Calls on another connection pass the time until all writers have come to a stop.
      var written = -1
      while probe.record.count("written") != written || written < Self.streams {
        written = probe.record.count("written")
        for _ in 0..<200 { _ = try await channel.text("Echo") }
      }
      var received = 0
      for call in calls { received += try await call.bytesReceived() }
      let messageBytes = framed(Text(String(repeating: "x", count: 1000)).serializedBytes()).count
      // A writer that waits has written one message that is not counted.
      let unsent = (written + Self.streams) * messageBytes - received
      #expect(unsent <= Self.streams * (8192 + messageBytes))
      connection.close()
      await probe.record.wait(for: "flood ended")
    }
  }

  /// Requests of which a part has arrived share one budget; what it refuses may be tried again, and
  /// is taken once others have ended. A small one that is complete takes nothing.
  @Test func unfinishedRequestsShareABudget() async throws {
    var configuration = ServerConfiguration()
    configuration.requestBytesTotalMax = 10_000
    try await withProbe(server: configuration) { channel, _, address in
      let connection = try await RawConnection.connect(to: address)
      let whole = framed(Text(String(repeating: "x", count: 6000)).serializedBytes())
      for method in ["Echo", "Join"] {
        let first = try await connection.open(method)
        first.send(Array(whole.dropLast(10)))
        #expect(try await channel.text("Echo", "small") == "small")
        let second = try await connection.open(method)
        second.send(Array(whole.dropLast(10)))
        let refused = await second.rest().trailers
        #expect(refused["grpc-status"] == "8")
        #expect(refused["grpc-message"]?.contains("10000 bytes of requests") == true)
        first.reset()
        let third = try await connection.open(method)
        third.send(Array(whole.dropLast(10)))
        third.send(Array(whole.suffix(10)))
        third.end()
        #expect(await third.rest().trailers["grpc-status"] == "0")
      }
      connection.close()
    }
  }

  /// A large request takes its decoded form of the same budget until its handler has returned.
  @Test func largeRequestsShareABudgetUntilTheyEnd() async throws {
    let text = String(repeating: "x", count: 1_000_000)
    var configuration = ServerConfiguration()
    // Each takes its bytes, what protobuf-c makes of them and its text: 3 MB and a little.
    configuration.requestBytesTotalMax = 10_000_000
    try await withProbe(server: configuration) { channel, probe, _ in
      var answers: [Task<RPCError?, Never>] = []
      for _ in 0..<8 { answers.append(Task { await channel.failure("Hold", text) }) }
      while probe.record.count("held") < 3 { await Task.yield() }
      // The budget is for what comes later, too.
      let refused = try #require(await channel.failure("Echo", text))
      #expect(refused.code == .resourceExhausted)
      #expect(refused.reason == "TOO_MANY_REQUEST_BYTES")
      #expect(refused.retryDelay == .seconds(1))
      #expect(try await channel.text("Echo", "small") == "small")
      probe.record.note("release")
      var outcomes: [String: Int] = [:]
      for answer in answers { outcomes[await answer.value?.reason ?? "OK", default: 0] += 1 }
      #expect(outcomes["OK", default: 0] >= 3)
      #expect(outcomes["OK", default: 0] + outcomes["TOO_MANY_REQUEST_BYTES", default: 0] == 8)
      #expect(try await channel.text("Echo", text) == text)
    }
  }

  /// What a caller has given up counts for as long as its handler keeps it.
  @Test func aCancelledRequestCountsUntilItsHandlerReturns() async throws {
    let text = String(repeating: "x", count: 1_000_000)
    var configuration = ServerConfiguration()
    configuration.requestBytesTotalMax = 6_000_000
    try await withProbe(server: configuration) { channel, probe, _ in
      let call = Task { await channel.failure("Hold", text) }
      await probe.record.wait(for: "held")
      call.cancel()
      #expect(await call.value?.code == .cancelled)
      #expect(await channel.failure("Echo", text)?.reason == "TOO_MANY_REQUEST_BYTES")
      probe.record.note("release")
      while let error = await channel.failure("Echo", text) {
        #expect(error.reason == "TOO_MANY_REQUEST_BYTES")
      }
    }
  }

  @Test func aRequestThatNeverFits() async throws {
    var configuration = ServerConfiguration()
    configuration.requestBytesTotalMax = 1_000_000
    try await withProbe(server: configuration) { channel, _, _ in
      let error = await channel.failure("Echo", String(repeating: "x", count: 500_000))
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "REQUEST_TAKES_TOO_MUCH")
      #expect(error?.retryDelay == nil, "there is no use in trying again")
    }
  }

  /// Responses that are finished and not read share one budget, too; small ones take nothing.
  @Test func unreadResponsesShareABudget() async throws {
    var configuration = ServerConfiguration()
    configuration.responseBytesTotalMax = 500_000
    try await withProbe(server: configuration) { channel, _, address in
      let large = framed(Text(String(repeating: "x", count: 200_000)).serializedBytes())
      var narrow = HTTP2SessionConfiguration()
      narrow.streamWindowBytes = 1_000
      let connection = try await RawConnection.connect(
        to: address, http2: narrow, readsByItself: false)
      func ask() async throws -> RawCall {
        let call = try await connection.open("Echo")
        call.send(large)
        call.end()
        return call
      }
      let first = try await ask()
      let second = try await ask()
      for call in [first, second] { while try await call.bytesReceived() < 1_000 {} }
      let refused = await (try ask()).rest()
      #expect(refused.trailers["grpc-status"] == "8")
      #expect(refused.trailers["grpc-message"]?.contains("500000 bytes of responses") == true)
      #expect(refused.end == .noError)
      #expect(try await channel.text("Echo", "small") == "small")
      // Given up, they make room.
      first.reset()
      second.reset()
      while await channel.failure("Echo", String(repeating: "x", count: 400_000)) != nil {}
      connection.close()
    }
  }
}
