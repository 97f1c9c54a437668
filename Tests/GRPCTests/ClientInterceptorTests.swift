import InMemoryLogging
import InMemoryTracing
import Logging
import Messages
import Metrics
import MetricsTestKit
import NIOConcurrencyHelpers
import Testing
import Tracing

@testable import GRPC

/// Notes what happens and refuses calls that ask for it.
private struct Noting: ClientInterceptor {
  let name: String
  let notes: NIOLockedValueBox<[String]>

  func callStarting(_ call: inout OutgoingCall) throws(RPCError) {
    note("\(name) starting \(call.method.method)")
    call.metadata.add("x-text", name)
    if call.metadata.string("x-refused-by") == name {
      throw RPCError(code: .permissionDenied, message: "\(name) does not let this through")
    }
  }

  func callEnded(_ call: OutgoingCall, status: RPCError?) {
    note("\(name) ended \(status?.code ?? .ok)")
  }

  private func note(_ text: String) {
    notes.withLockedValue { $0.append(text) }
  }
}

@Suite struct ClientInterceptorTests {
  private func withInterceptors(
    _ interceptors: [any ClientInterceptor],
    _ body: (ClientChannel, Probe, Address) async throws -> Void
  ) async throws {
    try await withProbe(channel: ChannelConfiguration(interceptors: interceptors), body)
  }

  @Test func orderMetadataAndStatus() async throws {
    let notes = NIOLockedValueBox([String]())
    let both = ["a", "b"].map { Noting(name: $0, notes: notes) }
    try await withInterceptors(both) { channel, _, _ in
      let seen = try await channel.text("Metadata")
      #expect(seen == #"string("a") string("b") from somewhere"#)
      let short = CallOptions(timeout: .milliseconds(100))
      #expect(await channel.failure("Wait", "", short)?.code == .deadlineExceeded)
      let stream: ResponseStream<Text> = try await channel.serverStreaming(
        Probe.method("Count"), Text("3"))
      for try await _ in stream {}
      for name in ["a", "b"] {
        let error = await channel.failure(
          "Echo", "", CallOptions(metadata: ["x-refused-by": name]))
        #expect(error?.code == .permissionDenied)
        #expect(error?.neverSent == true)
      }
    }
    #expect(
      notes.withLockedValue { $0 } == [
        "a starting Metadata", "b starting Metadata", "b ended OK", "a ended OK",
        "a starting Wait", "b starting Wait", "b ended DEADLINE_EXCEEDED",
        "a ended DEADLINE_EXCEEDED",
        "a starting Count", "b starting Count", "b ended OK", "a ended OK",
        "a starting Echo",
        "a starting Echo", "b starting Echo", "a ended PERMISSION_DENIED",
      ])
  }

  /// A server that knows the method as one with many responses, and gives none.
  @Test func aMissingResponseIsNoOK() async throws {
    let notes = NIOLockedValueBox([String]())
    try await withInterceptors([Noting(name: "a", notes: notes)]) { channel, _, _ in
      #expect(await channel.failure("Count", "0")?.code == .unimplemented)
      let call: ClientStreamingCall<Text, Text> = try await channel.clientStreaming(
        Probe.method("Count"))
      try await call.requests.write(Text("0"))
      call.requests.finish()
      let error = await #expect(throws: RPCError.self) { try await call.response() }
      #expect(error?.code == .unimplemented)
    }
    #expect(
      notes.withLockedValue { $0 } == [
        "a starting Count", "a ended UNIMPLEMENTED", "a starting Count", "a ended UNIMPLEMENTED",
      ])
  }

  @Test func logging() async throws {
    let handler = InMemoryLogHandler()
    var logger = Logger(label: "test") { _ in handler }
    logger.logLevel = .debug
    try await withInterceptors([ClientLogging(logger)]) { channel, _, address in
      _ = try await channel.text("Echo", "secret")
      _ = await channel.failure("Fail", "secret")
      #expect(handler.entries.map(\.level) == [.debug, .info])
      let failed = try #require(handler.entries.last)
      #expect(failed.metadata["method"] == "baton.test.Probe/Fail")
      #expect(failed.metadata["code"] == "FAILED_PRECONDITION")
      #expect(failed.metadata["reason"] == "STALE_LEASE")
      #expect(failed.metadata["target"] == "\(address)")
      #expect(Double("\(failed.metadata["duration_ms"] ?? "")") ?? -1 >= 0)
      #expect(!handler.entries.contains { "\($0)".contains("secret") })
    }
  }

  @Test func metrics() async throws {
    let metrics = TestMetrics()
    try await withInterceptors([ClientMetrics(factory: metrics)]) { channel, _, _ in
      for _ in 0..<3 { _ = try await channel.text("Echo") }
      _ = await channel.failure("Fail")
    }
    func method(_ name: String) -> [(String, String)] {
      [("grpc_service", "baton.test.Probe"), ("grpc_method", name)]
    }
    func total(_ name: String, _ dimensions: [(String, String)]) throws -> Int64 {
      try metrics.expectCounter(name, dimensions).totalValue
    }
    #expect(try total("grpc_client_started_total", method("Echo")) == 3)
    #expect(
      try total("grpc_client_handled_total", method("Echo") + [("grpc_code", "OK")]) == 3)
    #expect(
      try total(
        "grpc_client_handled_total", method("Fail") + [("grpc_code", "FAILED_PRECONDITION")]) == 1)
    let timer = try metrics.expectTimer("grpc_client_handling_seconds", method("Echo"))
    #expect(timer.values.count == 3)
    #expect(timer.values.allSatisfy { $0 > 0 })
  }

  @Test func tracing() async throws {
    let tracer = InMemoryTracer()
    let parent = tracer.startSpan("parent", context: .topLevel)
    try await withInterceptors([ClientTracing(tracer: tracer)]) { channel, _, _ in
      try await ServiceContext.$current.withValue(parent.context) {
        _ = try await channel.text("Echo")
        _ = await channel.failure("Crash")
      }
    }
    parent.end()
    #expect(tracer.activeSpans.isEmpty)
    let spans = tracer.finishedSpans.dropLast()
    #expect(spans.map(\.operationName) == ["baton.test.Probe/Echo", "baton.test.Probe/Crash"])
    for span in spans {
      #expect(span.kind == .client)
      #expect(span.parentSpanID == parent.spanID)
      #expect(
        tracer.performedContextInjections.contains {
          $0.values[InMemoryTracer.spanIDKey] == span.spanID
        })
    }
    #expect(spans[0].attributes["rpc.grpc.status_code"]?.toSpanAttribute() == .int64(0))
    #expect(spans[0].status == nil)
    #expect(spans[1].attributes["rpc.grpc.status_code"]?.toSpanAttribute() == .int64(2))
    #expect(spans[1].status?.code == .error)
  }

  /// A call through two servers is one trace, each span under the one before.
  @Test func aTraceThroughTwoServers() async throws {
    let tracer = InMemoryTracer()
    let servers = ServerConfiguration(interceptors: [ServerTracing(tracer: tracer)])
    let channels = ChannelConfiguration(interceptors: [ClientTracing(tracer: tracer)])
    try await withProbe(server: servers, channel: channels) { inner, _, _ in
      var probe = Probe()
      probe.onward = inner
      try await withProbe(probe, server: servers, channel: channels) { outer, _, _ in
        _ = try await outer.text("Relay", "Echo")
      }
    }
    #expect(tracer.activeSpans.isEmpty)
    let spans = tracer.finishedSpans
    let chain = spans.sorted {
      $0.startInstant.nanosecondsSinceEpoch < $1.startInstant.nanosecondsSinceEpoch
    }
    #expect(chain.map(\.kind) == [.client, .server, .client, .server])
    #expect(Set(chain.map(\.traceID)).count == 1)
    for (outer, inner) in zip(chain, chain.dropFirst()) {
      #expect(inner.parentSpanID == outer.spanID)
    }
  }

  private struct NoToken: Error {}

  @Test func tokensTravelWhereNobodyReadsAlong() async throws {
    let token = ClientBearerToken { "secret" }
    let interceptors: [any ClientInterceptor] = [
      ClientDefaultMetadata(["x-text": "default"]), token,
    ]
    try await withInterceptors(interceptors) { channel, _, _ in
      let seen = try await channel.text("Metadata")
      #expect(seen == #"string("default") from somewhere"#)
    }
    try await PythonPeer.withServer { port in
      let channel = try ClientChannel(
        target: "localhost:\(port)", configuration: ChannelConfiguration(interceptors: [token]))
      #expect(try await channel.text("Authorization") == "Bearer secret")
      channel.close()
    }
    // Another machine (RFC 5737), in cleartext: nothing is sent, not even a connection made.
    let configuration = ChannelConfiguration(interceptors: [token])
    let far = try ClientChannel(target: "192.0.2.1:80", configuration: configuration)
    let error = await far.failure("Echo")
    #expect(error?.code == .unauthenticated)
    #expect(error?.reason == "CREDENTIALS_IN_CLEARTEXT")
    #expect(error?.neverSent == true)
    #expect(far.connectivity == .idle)
    far.close()
    let without = ClientBearerToken { throw NoToken() }
    try await withInterceptors([without]) { channel, _, _ in
      let error = await channel.failure("Echo")
      #expect(error?.code == .unauthenticated)
      #expect(error?.cause == "NoToken()")
    }
  }
}
