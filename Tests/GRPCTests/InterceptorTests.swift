import GRPC
import HTTP2
import InMemoryLogging
import InMemoryTracing
import Logging
import Messages
import Metrics
import MetricsTestKit
import NIOConcurrencyHelpers
import Testing
import Tracing

/// Notes what happens and refuses calls that ask for it.
private struct Noting: ServerInterceptor {
  let name: String
  let notes: NIOLockedValueBox<[String]>

  func callStarted(_ context: ServerContext) throws(RPCError) {
    note("\(name) started \(context.method.method)")
    context.trailingMetadata = ["x-\(name)": "seen"]
    if context.metadata.string("x-refused-by") == name {
      throw RPCError(code: .unauthenticated, reason: "WHO", message: "\(name) does not know you")
    }
  }

  func callEnded(_ context: ServerContext, status: RPCError?) {
    note("\(name) ended \(status?.code ?? .ok)")
  }

  func note(_ text: String) {
    notes.withLockedValue { $0.append(text) }
  }
}

@Suite struct InterceptorTests {
  private func withServer(
    _ interceptors: [any ServerInterceptor],
    _ body: (ClientChannel, Probe, Address) async throws -> Void
  ) async throws {
    let configuration = ServerConfiguration(interceptors: interceptors)
    try await withProbe(services: [HealthService()], server: configuration, body)
  }

  @Test func orderAndStatus() async throws {
    let notes = NIOLockedValueBox([String]())
    let both = ["a", "b"].map { Noting(name: $0, notes: notes) }
    try await withServer(both) { channel, _, address in
      _ = try await channel.text("Echo", "x")
      #expect(await channel.failure("Fail")?.code == .failedPrecondition)
      // The client's own clock must not come first.
      let connection = try await RawConnection.connect(to: address)
      let late = try await connection.open("Wait", [("grpc-timeout", "30m")])
      late.send("x")
      late.end()
      #expect(await late.rest().trailers["grpc-status"] == "4")
      connection.close()
      // Methods that are not served have no calls.
      #expect(await channel.failure("Nothing")?.code == .unimplemented)
    }
    #expect(
      notes.withLockedValue { $0 } == [
        "a started Echo", "b started Echo", "b ended OK", "a ended OK",
        "a started Fail", "b started Fail", "b ended FAILED_PRECONDITION",
        "a ended FAILED_PRECONDITION",
        "a started Wait", "b started Wait", "b ended DEADLINE_EXCEEDED",
        "a ended DEADLINE_EXCEEDED",
      ])
  }

  @Test func callsThatTheClientGivesUp() async throws {
    let notes = NIOLockedValueBox([String]())
    try await withServer([Noting(name: "a", notes: notes)]) { channel, probe, address in
      let connection = try await RawConnection.connect(to: address)
      let running = try await connection.open("Chat")
      #expect(await running.next() != nil)
      running.reset()
      await probe.record.wait(for: "chat ended: CANCELLED")
      // One whose handler has not been started; the answer to another shows that it is over.
      let waiting = try await connection.open("Echo")
      waiting.send([0, 0])
      waiting.reset()
      let after = try await connection.open("Echo")
      after.send("after")
      after.end()
      #expect(await after.rest().trailers["grpc-status"] == "0")
      connection.close()
    }
    #expect(
      notes.withLockedValue { $0 } == [
        "a started Chat", "a ended CANCELLED", "a started Echo", "a ended CANCELLED",
        "a started Echo", "a ended OK",
      ])
  }

  /// Methods that end otherwise than their handlers mean.
  private struct Unsendable: GRPCService {
    static func method(_ name: String) -> MethodDescriptor {
      MethodDescriptor(service: "baton.test.Unsendable", method: name)
    }

    var methods: [MethodHandler] {
      [
        .unary(Self.method("Initial")) { (request: Text, context) in
          context.initialMetadata = ["x": "ü"]
          return request
        },
        .unary(Self.method("Trailing")) { (request: Text, context) in
          context.trailingMetadata = ["x": "ü"]
          return request
        },
        .serverStreaming(Self.method("TrailingOfMany")) {
          (request: Text, responses: ResponseWriter<Text>, context) in
          context.trailingMetadata = ["x": "ü"]
          try await responses.write(request)
        },
        .unary(Self.method("TrailingOfFailure")) { (_: Text, context) -> Text in
          context.trailingMetadata = ["x": "ü"]
          throw RPCError(code: .notFound, message: "nothing here")
        },
        .unary(Self.method("FailsWithOK")) { (_: Text, _) -> Text in
          throw RPCError(code: .ok, message: "no response")
        },
      ]
    }
  }

  /// What is refused here cannot be sent as it is meant.
  private struct Refusing: ServerInterceptor {
    func callStarted(_ context: ServerContext) throws(RPCError) {
      guard context.metadata.string("x-refused") != nil else { return }
      context.trailingMetadata = ["x": "ü"]
      throw RPCError(code: .unauthenticated, message: "unknown")
    }
  }

  /// What the interceptors see is what the client gets.
  @Test(
    arguments: [
      "Initial", "Trailing", "TrailingOfMany", "TrailingOfFailure", "FailsWithOK", "Refused",
    ])
  func theStatusThatTheClientGets(method: String) async throws {
    let notes = NIOLockedValueBox([String]())
    try await withProbe(
      services: [Unsendable()],
      server: ServerConfiguration(interceptors: [Outcomes(notes: notes), Refusing()])
    ) { _, _, address in
      let isRefused = method == "Refused"
      let path = Unsendable.method(isRefused ? "Trailing" : method).path
      let connection = try await RawConnection.connect(to: address)
      let call = try await connection.open(path, isRefused ? [("x-refused", "1")] : [])
      call.send("x")
      call.end()
      let rest = await call.rest()
      connection.close()
      #expect(rest.trailers["grpc-status"] == "13")
      #expect(rest.trailers["x"] == nil)
    }
    #expect(notes.withLockedValue { $0 } == ["INTERNAL"])
  }

  /// Notes how calls end.
  private struct Outcomes: ServerInterceptor {
    let notes: NIOLockedValueBox<[String]>

    func callEnded(_ context: ServerContext, status: RPCError?) {
      notes.withLockedValue { $0.append("\(status?.code ?? .ok)") }
    }
  }

  /// The refusal is sent before a byte of the request has arrived, so nothing can be decoded.
  @Test func aRefusedCallIsNotDecoded() async throws {
    let notes = NIOLockedValueBox([String]())
    let both = ["a", "b"].map { Noting(name: $0, notes: notes) }
    try await withServer(both) { channel, _, address in
      let connection = try await RawConnection.connect(to: address)
      for method in ["Echo", "Chat"] {
        let call = try await connection.open(method, [("x-refused-by", "b")])
        let rest = await call.rest()
        #expect(rest.trailers["grpc-status"] == "16")
        #expect(rest.trailers["x-b"] == "seen")
        #expect(rest.end == .noError)
      }
      // What follows the refused headers is dropped, and so is what could not be read at all.
      let call = try await connection.open("Echo", [("x-refused-by", "a")])
      call.send([9, 9, 9, 9, 9, 9])
      call.end()
      #expect(await call.rest().trailers["grpc-status"] == "16")
      #expect(try await channel.text("Echo", "after") == "after")
      connection.close()
    }
    let refused = ["a ended UNAUTHENTICATED"]
    #expect(
      notes.withLockedValue { Array($0.prefix(7)) } == ["a started Echo", "b started Echo"]
        + refused + ["a started Chat", "b started Chat"] + refused + ["a started Echo"])
  }

  @Test func logging() async throws {
    let handler = InMemoryLogHandler()
    var logger = Logger(label: "test") { _ in handler }
    logger.logLevel = .debug
    try await withServer([ServerLogging(logger)]) { channel, _, _ in
      _ = try await channel.text("Echo", "secret")
      _ = await channel.failure("Fail", "secret")
      _ = await channel.failure("Crash", "secret")
    }
    let entries = handler.entries
    #expect(entries.map(\.level) == [.debug, .info, .error])
    #expect(
      entries.map { "\($0.metadata["method"] ?? "") \($0.metadata["code"] ?? "")" } == [
        "baton.test.Probe/Echo OK", "baton.test.Probe/Fail FAILED_PRECONDITION",
        "baton.test.Probe/Crash UNKNOWN",
      ])
    #expect(entries[1].metadata["reason"] == "STALE_LEASE")
    for entry in entries {
      #expect(Double("\(entry.metadata["duration_ms"] ?? "")") ?? -1 >= 0)
      #expect("\(entry.metadata["peer"] ?? "")".hasPrefix("127.0.0.1:"))
      #expect(!"\(entry)".contains("secret"))
    }
  }

  @Test func metrics() async throws {
    let metrics = TestMetrics()
    try await withServer([ServerMetrics(factory: metrics)]) { channel, _, _ in
      for _ in 0..<3 { _ = try await channel.text("Echo") }
      _ = await channel.failure("Fail")
    }
    func method(_ name: String) -> [(String, String)] {
      [("grpc_service", "baton.test.Probe"), ("grpc_method", name)]
    }
    func handled(_ name: String, _ code: String) throws -> Int64 {
      try metrics.expectCounter(
        "grpc_server_handled_total", method(name) + [("grpc_code", code)]
      ).totalValue
    }
    let started = try metrics.expectCounter("grpc_server_started_total", method("Echo"))
    #expect(started.totalValue == 3)
    #expect(try handled("Echo", "OK") == 3)
    #expect(try handled("Fail", "FAILED_PRECONDITION") == 1)
    #expect(try handled("Fail", "OK") == 0)
    let timer = try metrics.expectTimer("grpc_server_handling_seconds", method("Echo"))
    #expect(timer.values.count == 3)
    #expect(timer.values.allSatisfy { $0 > 0 })
  }

  @Test func tracing() async throws {
    let tracer = InMemoryTracer()
    try await withServer([ServerTracing(tracer: tracer)]) { channel, _, _ in
      let metadata: Metadata = [
        InMemoryTracer.traceIDKey: "trace-of-caller", InMemoryTracer.spanIDKey: "span-of-caller",
      ]
      let seen = try await channel.text("TraceID", "", CallOptions(metadata: metadata))
      #expect(seen == "trace-of-caller")
      let own = try await channel.text("TraceID")
      #expect(own != "trace-of-caller")
      _ = await channel.failure("Crash")
      let stream: ResponseStream<Text> = try await channel.serverStreaming(
        Probe.method("TraceIDs"), Text(), CallOptions(metadata: metadata))
      for try await text in stream { #expect(text.service == "trace-of-caller") }
    }
    #expect(tracer.activeSpans.isEmpty)
    let spans = tracer.finishedSpans
    #expect(
      spans.map(\.operationName) == [
        "baton.test.Probe/TraceID", "baton.test.Probe/TraceID", "baton.test.Probe/Crash",
        "baton.test.Probe/TraceIDs",
      ])
    #expect(spans[0].parentSpanID == "span-of-caller")
    #expect(spans[0].kind == .server)
    #expect(spans[0].attributes["rpc.method"]?.toSpanAttribute() == .string("TraceID"))
    #expect(spans[0].attributes["rpc.grpc.status_code"]?.toSpanAttribute() == .int64(0))
    #expect(spans[0].status == nil)
    #expect(spans[2].attributes["rpc.grpc.status_code"]?.toSpanAttribute() == .int64(2))
    #expect(spans[2].status?.code == .error)
  }

  @Test func tokensThatTheServerKnows() async throws {
    let tokens = AcceptedTokens(["first", "second"])
    try await withServer([ServerBearerToken(tokens)]) { channel, _, _ in
      func reason(_ authorization: String?) async -> String? {
        var options = CallOptions()
        if let authorization { options.metadata = ["authorization": authorization] }
        let error = await channel.failure("Echo", "", options)
        #expect(error == nil || error?.code == .unauthenticated)
        return error?.reason
      }
      for known in ["Bearer first", "Bearer second", "bearer first"] {
        #expect(await reason(known) == nil)
      }
      for missing in [nil, "", "first", "Basic first"] {
        #expect(await reason(missing) == "TOKEN_MISSING")
      }
      for wrong in ["Bearer firs", "Bearer firstt", "Bearer fi", "Bearer firstfirst"] {
        #expect(await reason(wrong) == "TOKEN_REFUSED")
      }
      let check = MethodDescriptor(service: "grpc.health.v1.Health", method: "Check")
      let health: GrpcHealthV1.HealthCheckResponse = try await channel.unary(check, Text())
      #expect(health.status == .serving)
    }
  }

  @Test func tooManyCallsAtATime() async throws {
    let limit = ConcurrencyLimit(callsMax: 1, retryDelay: .milliseconds(300))
    try await withServer([limit]) { channel, probe, _ in
      async let held = channel.text("Hold", "kept")
      await probe.record.wait(for: "held")
      let error = await channel.failure("Echo")
      #expect(error?.code == .resourceExhausted)
      #expect(error?.reason == "TOO_MANY_CALLS")
      #expect(error?.retryDelay == .milliseconds(300))
      // How the server is may be asked even then.
      let check = MethodDescriptor(service: "grpc.health.v1.Health", method: "Check")
      let health: GrpcHealthV1.HealthCheckResponse = try await channel.unary(check, Text())
      #expect(health.status == .serving)
      probe.record.note("release")
      #expect(try await held == "kept")
      #expect(try await channel.text("Echo", "again") == "again")
    }
  }
}
