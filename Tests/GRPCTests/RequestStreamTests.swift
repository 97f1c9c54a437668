import GRPC
import HTTP2
import Messages
import Testing

/// Calls with many requests, as a client of plain HTTP/2 makes them.
@Suite struct RequestStreamTests {
  private func withRaw(
    http2: HTTP2SessionConfiguration = HTTP2SessionConfiguration(),
    _ body: (RawConnection, Probe, ClientChannel) async throws -> Void
  ) async throws {
    let configuration = ServerConfiguration(requestBytesMax: 100_000, http2: http2)
    try await withProbe(server: configuration) { channel, probe, address in
      let connection = try await RawConnection.connect(to: address)
      try await body(connection, probe, channel)
      connection.close()
    }
  }

  @Test(arguments: ["Join", "JoinElsewhere"])
  func manyRequestsAndOneResponse(method: String) async throws {
    try await withRaw { connection, _, _ in
      let call = try await connection.open(method)
      call.send("a")
      call.send("b")
      // One in pieces, the last with the end.
      for byte in framed(Text("c").serializedBytes()) { call.send([byte]) }
      call.send("d")
      call.end()
      guard case .headers = await call.next() else {
        Issue.record("no headers")
        return
      }
      #expect(await call.nextText() == "a b c d")
      let rest = await call.rest()
      #expect(rest.trailers["grpc-status"] == "0")
      #expect(rest.end == .noError)
    }
  }

  @Test func noRequestAtAll() async throws {
    try await withRaw { connection, _, _ in
      let call = try await connection.open("Join")
      call.end()
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "")
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }

  @Test func requestsLargerThanTheWindow() async throws {
    try await withRaw(http2: HTTP2SessionConfiguration(streamWindowBytes: 1000)) {
      connection, _, _ in
      let large = String(repeating: "x", count: 50_000)
      for method in ["Join", "JoinElsewhere"] {
        let call = try await connection.open(method)
        for _ in 0..<3 { call.send(large) }
        call.end()
        #expect(await call.next() != nil)
        #expect(await call.nextText()?.utf8.count == 150_002)
        #expect(await call.rest().trailers["grpc-status"] == "0")
      }
    }
  }

  @Test func turnAndTurnAbout() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("Chat")
      guard case .headers(let headers) = await call.next() else {
        Issue.record("headers come before there is anything to say")
        return
      }
      #expect(headers[":status"] == "200")
      for index in 0..<100 {
        call.send("\(index)")
        #expect(await call.nextText() == "\(index)")
      }
      call.end()
      await probe.record.wait(for: "chat read to its end")
      #expect(await call.nextText() == "bye")
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }

  @Test func theStatusComesBeforeTheRequestsEnd() async throws {
    try await withRaw { connection, _, channel in
      let call = try await connection.open("First")
      call.send("first")
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "first")
      let rest = await call.rest()
      #expect(rest.trailers["grpc-status"] == "0")
      // RFC 9113 §8.1: the client may stop sending.
      #expect(rest.end == .noError)
      #expect(try await channel.text("Echo", "after") == "after")
    }
  }

  /// Each ends the call with its status while the handler reads, and the reader hears of it.
  @Test(
    arguments: [
      (framed([0x0a, 0x7f, 1]), "3", "INVALID_ARGUMENT"),
      (framed([1], flag: 7), "13", "INTERNAL"),
      ([0, 0xff, 0xff, 0xff, 0xff], "8", "RESOURCE_EXHAUSTED"),
      ([0, 0, 0x01, 0x86, 0xa1], "8", "RESOURCE_EXHAUSTED"),
    ] as [([UInt8], String, String)])
  func whatCannotBeRead(bytes: [UInt8], status: String, code: String) async throws {
    try await withRaw { connection, probe, channel in
      let call = try await connection.open("Chat")
      call.send("fine")
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "fine")
      call.send(bytes)
      let rest = await call.rest()
      #expect(rest.trailers["grpc-status"] == status)
      #expect(rest.end == .noError)
      await probe.record.wait(for: "chat ended: \(code)")
      #expect(try await channel.text("Echo", "after") == "after")
    }
  }

  @Test func anEndInsideAMessage() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("Chat")
      call.send([0, 0, 0, 0, 9, 1])
      call.end()
      #expect(await call.rest().trailers["grpc-status"] == "13")
      await probe.record.wait(for: "chat ended: INTERNAL")
    }
  }

  @Test func cancellationReachesTheReader() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("Chat")
      call.send("a")
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "a")
      call.reset()
      await probe.record.wait(for: "chat ended: CANCELLED")
    }
  }

  @Test func aLostConnectionReachesTheReader() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("Chat")
      #expect(await call.next() != nil)
      connection.cut()
      await probe.record.wait(for: "chat ended: CANCELLED")
    }
  }

  @Test func theDeadlineReachesTheReader() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("Chat", [("grpc-timeout", "50m")])
      #expect(await call.rest().trailers["grpc-status"] == "4")
      await probe.record.wait(for: "chat ended: DEADLINE_EXCEEDED")
    }
  }

  @Test func aReadingTaskMayBeCancelledAndAnotherReadsOn() async throws {
    try await withRaw { connection, probe, _ in
      let call = try await connection.open("TimedChat")
      await probe.record.wait(for: "reading")
      probe.record.note("enough")
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "gave up")
      call.send("still there")
      #expect(await call.nextText() == "still there")
      call.end()
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }

  @Test func aHandlerThatDoesNotReadStopsTheClient() async throws {
    try await withRaw { connection, probe, channel in
      let call = try await connection.open("Ignore")
      await probe.record.wait(for: "ignoring")
      let message = framed(Text(String(repeating: "x", count: 995)).serializedBytes())
      for _ in 0..<1000 { call.send(message) }
      // Once what the client may send has been sent, nothing more leaves.
      var unsent = -1
      while try await call.unsentBytes() != unsent {
        unsent = try await call.unsentBytes()
        for _ in 0..<50 { _ = try await channel.text("Echo") }
      }
      // One window, and no more, has gone to the server.
      #expect(1000 * message.count - unsent == 65_535)
      probe.record.note("read on")
      call.end()
      #expect(await call.next() != nil)
      #expect(await call.nextText() == "1000")
      #expect(await call.rest().trailers["grpc-status"] == "0")
    }
  }
}
