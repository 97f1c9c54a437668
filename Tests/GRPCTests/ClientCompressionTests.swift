import GRPC
import Messages
import Testing

/// Messages compressed by our client and for it, with our server and with grpcio's.
@Suite struct ClientCompressionTests {
  private typealias Chat = BidirectionalCall<Text, Text>

  private let compressing = CallOptions(compressesRequests: true)

  @Test func requestsAreCompressedWhereAskedFor() async throws {
    try await withProbe { channel, _, _ in
      let plain = try await channel.text("IsCompressed", "a")
      #expect(plain == "false")
      let packed = try await channel.text("IsCompressed", "a", compressing)
      #expect(packed == "true")
      let chat: Chat = try await channel.bidirectionalStreaming(
        Probe.method("ChatCompressed"), compressing)
      var answers = chat.responses.makeAsyncIterator()
      for isCompressed in [true, false, true] {
        try await chat.requests.write(Text("a"), compressed: isCompressed)
        let answer = try await answers.next()
        #expect(answer?.service == "\(isCompressed)")
        #expect(chat.responses.isCompressed == isCompressed)
      }
      // Nothing is compressed that was not announced.
      let quiet: Chat = try await channel.bidirectionalStreaming(Probe.method("ChatCompressed"))
      try await quiet.requests.write(Text("a"), compressed: true)
      var quietAnswers = quiet.responses.makeAsyncIterator()
      let answer = try await quietAnswers.next()
      #expect(answer?.service == "false")
    }
  }

  @Test func responsesAreCompressedWhereAccepted() async throws {
    try await withProbe { channel, _, _ in
      let text = Text(String(repeating: "ab", count: 500_000))
      let method = Probe.method("EchoCompressed")
      let packed: UnaryResponse<Text> = try await channel.unaryResponse(method, text)
      #expect(packed.message == text)
      #expect(packed.isCompressed)
      let plain: UnaryResponse<Text> = try await channel.unaryResponse(
        method, text, CallOptions(acceptsCompressed: false))
      #expect(plain.message == text)
      #expect(!plain.isCompressed)
      // The limit is that of the message, not of what travels.
      let limited = CallOptions(responseBytesMax: 10_000)
      let error = await channel.failure("EchoCompressed", text.service, limited)
      #expect(error?.code == .resourceExhausted)
    }
  }

  @Test func withPython() async throws {
    try await PythonPeer.withServer { port in
      let channel = ClientChannel(address: .tcp(host: "127.0.0.1", port: port))
      let text = Text(String(repeating: "ab", count: 500_000))
      let method = Probe.method("EchoCompressed")
      let packed: UnaryResponse<Text> = try await channel.unaryResponse(
        method, text, compressing)
      #expect(packed.message == text)
      #expect(packed.isCompressed)
      // Told to compress, it does so for clients too that have not offered to understand it.
      let unasked: UnaryResponse<Text> = try await channel.unaryResponse(
        method, text, CallOptions(acceptsCompressed: false))
      #expect(unasked.message == text)
      let joining: ClientStreamingCall<Text, Text> = try await channel.clientStreaming(
        Probe.method("Join"), compressing)
      try await joining.requests.write(Text("one"))
      try await joining.requests.write(Text("two"), compressed: false)
      try await joining.requests.write(Text())
      joining.requests.finish()
      #expect(try await joining.response().message.service == "3 6 onetwo")
      channel.close()
    }
  }
}
