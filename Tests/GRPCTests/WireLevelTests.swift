import GRPC
import Messages
import Testing

/// What our own client never sends, and what is sent back on the wire.
@Suite struct WireLevelTests {
  private func withRaw(
    _ probe: Probe = Probe(), _ body: (RawClient, Probe) async throws -> Void
  ) async throws {
    let configuration = ServerConfiguration(requestBytesMax: 1000)
    try await withProbe(probe, server: configuration) { _, probe, address in
      let client = RawClient(address)
      try await client.connect()
      try await body(client, probe)
      client.close()
    }
  }

  private let hello = framed(Text("hello").serializedBytes())

  @Test func aCallOnTheWire() async throws {
    try await withRaw { client, _ in
      let answer = await client.send(frames: [hello])
      #expect(answer.headers == ":status: 200\ncontent-type: application/grpc")
      #expect(answer.messages == [String(decoding: hello, as: UTF8.self)])
      #expect(answer.trailers == "grpc-status: 0")
      #expect(answer.end == "NO_ERROR")
    }
  }

  @Test func aMessageInPieces() async throws {
    try await withRaw { client, _ in
      let answer = await client.send(frames: hello.map { [$0] })
      #expect(answer["grpc-status"] == "0")
      #expect(answer.messages == [String(decoding: hello, as: UTF8.self)])
    }
  }

  /// Each is refused, and the connection lives on.
  @Test(
    arguments: [
      // Not gRPC at all.
      ([("content-type", "application/json")], 415, nil),
      ([("content-type", "")], 415, nil),
      ([(":method", "PUT")], 405, nil),
      // No such service, method, encoding.
      ([(":path", "/baton.test.Probe/Nothing")], 200, "12"),
      ([(":path", "/nothing")], 200, "12"),
      ([("grpc-encoding", "deflate")], 200, "12"),
      // Deadlines that cannot be kept or read.
      ([("grpc-timeout", "0n")], 200, "4"),
      ([("grpc-timeout", "soon")], 200, "3"),
    ] as [([(String, String)], Int, String?)])
  func refusedByItsHeaders(fields: [(String, String)], http: Int, status: String?) async throws {
    try await withRaw { client, _ in
      let answer = await client.send(fields, frames: [hello])
      #expect(answer[":status"] == "\(http)")
      #expect(answer["grpc-status"] == status)
      #expect(answer.trailers.isEmpty, "one block of headers is the whole answer")
      #expect(await client.send(frames: [hello])["grpc-status"] == "0")
    }
  }

  @Test(
    arguments: [
      // Malformed protobuf, a string that is not UTF-8, the wrong number of messages, an end inside
      // a message, the compressed flag with nothing said about it, a flag that does not exist, more than the limit.
      ([framed([0x0a, 0x7f, 1])], "3"), ([framed([0x0a, 0x01, 0xff])], "3"),
      ([], "12"), ([framed([]), framed([])], "12"), ([[0, 0, 0, 0, 9, 1]], "13"),
      ([framed([1], flag: 1)], "13"), ([framed([1], flag: 7)], "13"),
      ([[0, 0xff, 0xff, 0xff, 0xff]], "8"), ([[0, 0, 0, 3, 0xe9]], "8"),
    ] as [([[UInt8]], String)])
  func refusedByItsBytes(frames: [[UInt8]], status: String) async throws {
    try await withRaw { client, _ in
      let answer = await client.send(frames: frames)
      #expect(answer[":status"] == "200")
      #expect(answer["grpc-status"] == status)
      #expect(answer["grpc-message"] != nil)
      #expect(await client.send(frames: [hello])["grpc-status"] == "0")
    }
  }

  @Test func compressionThatIsNotUnderstood() async throws {
    try await withRaw { client, _ in
      // doc/compression.md: UNIMPLEMENTED, and what would be understood.
      let answer = await client.send([("grpc-encoding", "zstd")], frames: [hello])
      #expect(answer["grpc-status"] == "12")
      #expect(answer["grpc-accept-encoding"] == "identity,gzip")
    }
  }

  @Test func refusedBeforeItsEnd() async throws {
    try await withRaw { client, _ in
      // The rest of four gigabytes is not waited for: the answer, then RST_STREAM(NO_ERROR).
      let answer = await client.send(frames: [[0, 0xff, 0xff, 0xff, 0xff]], endStream: false)
      #expect(answer["grpc-status"] == "8")
      #expect(answer.end == "NO_ERROR")
      #expect(await client.send(frames: [hello])["grpc-status"] == "0")
    }
  }

  @Test func aHeaderListOverTheLimit() async throws {
    try await withRaw { client, _ in
      let large = (0..<100).map { ("x-\($0)", String(repeating: "v", count: 300)) }
      #expect(await client.send(large, frames: [hello])["grpc-status"] == "8")
      #expect(await client.send(frames: [hello])["grpc-status"] == "0")
    }
  }

  @Test func theServerKeepsTheDeadlineByItself() async throws {
    try await withRaw { client, probe in
      let answer = await client.send(
        [(":path", "/baton.test.Probe/Wait"), ("grpc-timeout", "500m")], frames: [hello])
      #expect(answer["grpc-status"] == "4")
      await probe.record.wait(for: "cancelled")
    }
  }

  @Test func aDeadlinePassesBeforeTheRequestIsComplete() async throws {
    try await withRaw { client, _ in
      let answer = await client.send(
        [("grpc-timeout", "50m")], frames: [[0, 0, 0]], endStream: false)
      #expect(answer["grpc-status"] == "4")
      #expect(answer.end == "NO_ERROR")
    }
  }

  @Test func errorDetailsOnTheWire() async throws {
    try await withRaw { client, _ in
      let answer = await client.send([(":path", "/baton.test.Probe/Fail")], frames: [hello])
      #expect(answer["grpc-status"] == "9")
      #expect(answer["grpc-message"] == "too old: 100 %25 %C3%BCnlucky")
      #expect(answer["grpc-status-details-bin"] != nil)
      #expect(answer.trailers.isEmpty)
    }
  }
}
