import GRPC
import Messages
import Testing

/// Calls with many requests against grpcio's server.
@Suite struct PythonStreamTests {
  private typealias Joining = ClientStreamingCall<Text, Text>
  private typealias Talking = BidirectionalCall<Text, Text>

  private func withServer(_ body: (ClientChannel) async throws -> Void) async throws {
    try await PythonPeer.withServer { port in
      let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
      try await body(channel)
      channel.close()
    }
  }

  private func code(_ body: () async throws -> Void) async -> StatusCode? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? RPCError)?.code
    }
  }

  @Test func manyRequestsAndOneResponse() async throws {
    try await withServer { channel in
      let call: Joining = try await channel.clientStreaming(Probe.method("Join"))
      for index in 0..<2000 { try await call.requests.write(Text("\(index)")) }
      call.requests.finish()
      let response = try await call.response()
      #expect(response.message.service == "2000 6890 719981999")
      #expect(response.initialMetadata.string("x-initial") == "i")
      #expect(response.trailingMetadata.string("x-trailing") == "t")
      // Asked for again it is the same.
      #expect(try await call.response() == response)
      await #expect(throws: RPCError.self) { try await call.requests.write(Text("late")) }

      let none: Joining = try await channel.clientStreaming(Probe.method("Join"))
      none.requests.finish()
      #expect(try await none.response().message.service == "0 0 ")

      let large: Joining = try await channel.clientStreaming(Probe.method("Join"))
      let text = String(repeating: "x", count: 1_000_000)
      for _ in 0..<3 { try await large.requests.write(Text(text)) }
      large.requests.finish()
      #expect(try await large.response().message.service == "3 3000000 xxxxxxxxx")
    }
  }

  @Test func anAnswerBeforeTheEndOfTheRequests() async throws {
    try await withServer { channel in
      let call: Joining = try await channel.clientStreaming(Probe.method("First"))
      try await call.requests.write(Text("one"))
      #expect(try await call.response().message.service == "one")
      #expect(await code { try await call.requests.write(Text("two")) } == .cancelled)
      // Also for a writer that is being held up.
      let held: Joining = try await channel.clientStreaming(Probe.method("First"))
      let text = Text(String(repeating: "x", count: 100_000))
      #expect(
        await code { while true { try await held.requests.write(text) } } == .cancelled)
      #expect(try await held.response().message == text)
    }
  }

  @Test func aServerThatStopsReadingStopsTheWriter() async throws {
    try await withServer { channel in
      let call: Joining = try await channel.clientStreaming(Probe.method("Ignore"))
      let text = Text(String(repeating: "x", count: 10_000))
      let (written, signal) = AsyncStream.makeStream(of: Void.self)
      let writer = Task {
        while true {
          try await call.requests.write(text)
          signal.yield()
        }
      }
      var count = 0
      for await _ in written {
        count += 1
        if count == 5 { break }
      }
      // grpcio takes in less than a megabyte; calls beside pass the time until nothing moves.
      let counting = Task {
        var count = 0
        for await _ in written { count += 1 }
        return count
      }
      for _ in 0..<500 { #expect(try await channel.text("Echo", "beside") == "beside") }
      // Cancelling the writer's task while it waits ends the call.
      writer.cancel()
      #expect(await code { try await writer.value } == .cancelled)
      signal.finish()
      #expect(await counting.value < 2000)
      #expect(await code { _ = try await call.response() } == .cancelled)
      #expect(try await channel.text("WasCancelled") == "True")
    }
  }

  @Test func aConversation() async throws {
    try await withServer { channel in
      let call: Talking = try await channel.bidirectionalStreaming(Probe.method("Talk"))
      var answers = call.responses.makeAsyncIterator()
      for index in 0..<200 {
        try await call.requests.write(Text("\(index)"))
        #expect(try await answers.next()?.service == "\(index)")
      }
      #expect(call.responses.initialMetadata?.string("x-initial") == "i")
      call.requests.finish()
      #expect(try await answers.next() == nil)
      #expect(call.responses.trailingMetadata?.string("x-trailing") == "t")

      // Both directions at once, more than fits any window.
      let busy: Talking = try await channel.bidirectionalStreaming(Probe.method("Talk"))
      let text = String(repeating: "x", count: 1000)
      async let writing: Void = {
        for index in 0..<2000 { try await busy.requests.write(Text("\(index) \(text)")) }
        busy.requests.finish()
      }()
      var count = 0
      for try await answer in busy.responses {
        #expect(answer.service.hasPrefix("\(count) x"))
        count += 1
      }
      try await writing
      #expect(count == 2000)
    }
  }

  @Test func failuresReachWriterAndReader() async throws {
    try await withServer { channel in
      let refused: Talking = try await channel.bidirectionalStreaming(Probe.method("Refuse"))
      #expect(
        await code { for try await _ in refused.responses {} } == .permissionDenied)
      #expect(await code { try await refused.requests.write(Text("a")) } == .permissionDenied)

      let late: Joining = try await channel.clientStreaming(
        Probe.method("Ignore"), CallOptions(timeout: .milliseconds(200)))
      try await late.requests.write(Text("a"))
      #expect(await code { _ = try await late.response() } == .deadlineExceeded)

      let cancelled: Talking = try await channel.bidirectionalStreaming(Probe.method("Talk"))
      try await cancelled.requests.write(Text("a"))
      cancelled.cancel()
      #expect(await code { for try await _ in cancelled.responses {} } == .cancelled)

      // Letting go of the call ends it.
      let writer: RequestWriter<Text>
      do {
        let call: Joining = try await channel.clientStreaming(Probe.method("Join"))
        writer = call.requests
        try await writer.write(Text("a"))
      }
      #expect(
        await code { while true { try await writer.write(Text("b")) } } == .cancelled)
    }
  }
}
