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
  /// is taken once others have ended.
  @Test func unfinishedRequestsShareABudget() async throws {
    var configuration = ServerConfiguration()
    configuration.unfinishedRequestBytesMax = 10_000
    try await withProbe(server: configuration) { channel, _, address in
      let connection = try await RawConnection.connect(to: address)
      let whole = framed(Text(String(repeating: "x", count: 6000)).serializedBytes())
      for method in ["Echo", "Join"] {
        let first = try await connection.open(method)
        first.send(Array(whole.dropLast(10)))
        // A call that comes whole takes nothing of the budget.
        #expect(try await channel.text("Echo", "small") == "small")
        let second = try await connection.open(method)
        second.send(Array(whole.dropLast(10)))
        let refused = await second.rest().trailers
        #expect(refused["grpc-status"] == "8")
        #expect(refused["grpc-message"]?.contains("unfinished requests") == true)
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
}
