import GRPC
import Messages
import NIOConcurrencyHelpers
import Testing

/// Our client and our server over real sockets.
@Suite struct CallTests {
  @Test func unary() async throws {
    try await withProbe { channel, _, _ in
      for text in ["", "hello", String(repeating: "ä", count: 1_000_000)] {
        let (echo, hop) = (
          try await channel.text("Echo", text), try await channel.text("Hop", text)
        )
        #expect(echo == text)
        #expect(hop == text)
      }
    }
  }

  @Test func manyAtOnce() async throws {
    try await withProbe { channel, _, _ in
      try await withThrowingTaskGroup(of: Bool.self) { group in
        for index in 0..<1000 {
          group.addTask {
            try await channel.text(index % 2 == 0 ? "Echo" : "Hop", "\(index)") == "\(index)"
          }
        }
        for try await isRight in group { #expect(isRight) }
      }
    }
  }

  @Test func unaryWithoutATask() async throws {
    try await withProbe { channel, _, _ in
      let response = await withCheckedContinuation { continuation in
        channel.unary(Probe.method("Echo"), Text("hello")) { (result: Result<Text, RPCError>) in
          continuation.resume(returning: result)
        }
      }
      #expect(response == .success(Text("hello")))
    }
  }

  @Test func errorsWithDetails() async throws {
    try await withProbe { channel, _, _ in
      let error = try #require(await channel.failure("Fail", "t1"))
      #expect(error.code == .failedPrecondition)
      #expect(error.message == "too old: 100 % ünlucky")
      #expect(error.errorInfo?.reason == "STALE_LEASE")
      #expect(error.errorInfo?.metadata == ["task_id": "t1"])
      #expect(error.retryDelay == .milliseconds(1500))
      #expect(!error.neverSent)
      #expect(await channel.failure("NoSuchMethod")?.code == .unimplemented)
    }
  }

  @Test func whatAHandlerThrowsUnexpectedlyIsReportedHereAndHiddenThere() async throws {
    let reported = NIOLockedValueBox([String]())
    let configuration = ServerConfiguration { method, error in
      reported.withLockedValue { $0.append("\(method) \(error)") }
    }
    try await withProbe(server: configuration) { channel, _, _ in
      let error = try #require(await channel.failure("Crash"))
      #expect(error.code == .unknown)
      #expect(!error.message.contains("Unexpected"))
      #expect(reported.withLockedValue { $0 } == ["baton.test.Probe/Crash Unexpected()"])
    }
  }

  @Test func metadataBothWays() async throws {
    try await withProbe { channel, _, _ in
      var metadata: Metadata = ["x-text": "a", "X-Text": "b"]
      metadata.add("x-bytes-bin", binary: [0, 1, 255])
      let answer = try await channel.text("Metadata", "", CallOptions(metadata: metadata))
      #expect(answer == #"string("a") string("b") from somewhere"#)
      let bad = CallOptions(metadata: ["x": "ü"])
      let error = try #require(await channel.failure("Echo", "", bad))
      #expect(error.code == .internalError)
      #expect(error.neverSent)
    }
  }

  @Test func deadlines() async throws {
    try await withProbe { channel, _, _ in
      let short = CallOptions(timeout: .milliseconds(50))
      #expect(await channel.failure("Wait", "", short)?.code == .deadlineExceeded)
      #expect(await channel.failure("Echo", "", CallOptions(timeout: .zero))?.neverSent == true)
      #expect(try await channel.text("Remaining") == "none")
      let text = try await channel.text("Remaining", "", CallOptions(timeout: .seconds(100)))
      #expect((90_000...100_000).contains(Int(text) ?? 0))
    }
  }

  @Test func deadlinesArePassedOn() async throws {
    try await withProbe { inner, _, _ in
      var probe = Probe()
      probe.onward = inner
      try await withProbe(probe) { outer, _, _ in
        #expect(try await outer.text("Relay", "Remaining") == "none")
        let options = CallOptions(timeout: .seconds(100))
        let text = try await outer.text("Relay", "Remaining", options)
        #expect((90_000...100_000).contains(Int(text) ?? 0))
      }
    }
  }

  @Test func cancellingTheTaskCancelsTheHandler() async throws {
    try await withProbe { channel, probe, _ in
      let task = Task { await channel.failure("Wait") }
      await probe.record.wait(for: "waiting")
      task.cancel()
      #expect(await task.value?.code == .cancelled)
      await probe.record.wait(for: "cancelled")
      // The connection is none the worse for it.
      let answer = try await channel.text("Echo", "still here")
      #expect(answer == "still here")
    }
  }

  @Test func cancellingByHandle() async throws {
    try await withProbe { channel, probe, _ in
      let error = await withCheckedContinuation { continuation in
        let handle = channel.unary(Probe.method("Wait"), Text()) {
          (result: Result<Text, RPCError>) in
          if case .failure(let error) = result {
            continuation.resume(returning: error.code)
          } else {
            continuation.resume(returning: .ok)
          }
        }
        Task {
          await probe.record.wait(for: "waiting")
          handle.cancel()
        }
      }
      #expect(error == .cancelled)
    }
  }

  @Test func requestsOverTheLimitAreRefused() async throws {
    let configuration = ServerConfiguration(
      requestBytesMax: 1000, requestBytesMaxByMethod: [Probe.method("Hop"): 100_000])
    try await withProbe(server: configuration) { channel, _, _ in
      let large = String(repeating: "x", count: 50_000)
      let error = try #require(await channel.failure("Echo", large))
      #expect(error.code == .resourceExhausted)
      #expect(error.errorInfo?.metadata["limit"] == "1000")
      let answer = try await channel.text("Hop", large)
      #expect(answer == large)
      let small = CallOptions(responseBytesMax: 100)
      #expect(await channel.failure("Hop", large, small)?.code == .resourceExhausted)
      let fitting = try await channel.text("Echo", "fits")
      #expect(fitting == "fits")
    }
  }
}

@Suite struct StreamingTests {
  private func texts(_ stream: ResponseStream<Text>) async throws -> [String] {
    var texts: [String] = []
    for try await text in stream { texts.append(text.service) }
    return texts
  }

  @Test(arguments: [0, 1, 2, 5000])
  func everyMessageInOrder(count: Int) async throws {
    try await withProbe { channel, _, _ in
      let stream: ResponseStream<Text> = try await channel.serverStreaming(
        Probe.method("Count"), Text("\(count)"))
      #expect(try await texts(stream) == (0..<count).map { "\($0)" })
      #expect(stream.initialMetadata != nil)
    }
  }

  @Test func aFailureComesAfterTheMessages() async throws {
    try await withProbe { channel, _, _ in
      let stream: ResponseStream<Text> = try await channel.serverStreaming(
        Probe.method("CountAndFail"), Text("3"))
      var texts: [String] = []
      var code: StatusCode?
      do {
        for try await text in stream { texts.append(text.service) }
      } catch let error as RPCError {
        code = error.code
      }
      #expect(texts == ["0", "1", "2"])
      #expect(code == .dataLoss)
      #expect(stream.trailingMetadata?.string("x-trailing") == "t")
    }
  }

  @Test func aReaderThatStopsStopsTheWriter() async throws {
    try await withProbe { channel, probe, _ in
      let stream: ResponseStream<Text> = try await channel.serverStreaming(
        Probe.method("Flood"), Text())
      var reader = stream.makeAsyncIterator()
      #expect(try await reader.next() != nil)
      // Calls on the same connection pass the time until the writer has come to a stop.
      var written = -1
      while probe.record.count("written") != written {
        written = probe.record.count("written")
        for _ in 0..<200 { _ = try await channel.text("Echo") }
      }
      // A window, a little more than the high-water mark, and what the first read gave back.
      #expect(written <= 100)
      // Reading on starts it again, past everything it could have kept.
      for _ in 0..<500 { #expect(try await reader.next() != nil) }
      #expect(probe.record.count("written") >= 400)
      stream.cancel()
      await probe.record.wait(for: "flood ended")
    }
  }

  @Test func lettingGoOfTheStreamEndsTheCall() async throws {
    try await withProbe { channel, probe, _ in
      do {
        let stream: ResponseStream<Text> = try await channel.serverStreaming(
          Probe.method("Flood"), Text())
        for try await _ in stream { break }
      }
      await probe.record.wait(for: "flood ended")
      #expect(try await channel.text("Echo", "after") == "after")
    }
  }

  @Test func cancellingTheReadersTaskEndsTheCall() async throws {
    try await withProbe(services: [HealthService()]) { channel, _, _ in
      let method = MethodDescriptor(service: "grpc.health.v1.Health", method: "Watch")
      let stream: ResponseStream<GrpcHealthV1.HealthCheckResponse> =
        try await channel.serverStreaming(method, Text())
      let (first, signal) = AsyncStream.makeStream(of: Void.self)
      let task = Task { () -> StatusCode? in
        do {
          for try await _ in stream { signal.yield() }
          return .ok
        } catch {
          return (error as? RPCError)?.code
        }
      }
      for await _ in first { break }
      task.cancel()
      #expect(await task.value == .cancelled)
    }
  }
}

@Suite struct HealthTests {
  private let check = MethodDescriptor(service: "grpc.health.v1.Health", method: "Check")
  private let watch = MethodDescriptor(service: "grpc.health.v1.Health", method: "Watch")

  @Test func checkAndWatch() async throws {
    let health = HealthService(statuses: ["": .serving, "a": .notServing])
    try await withProbe(services: [health]) { channel, _, _ in
      var answer: GrpcHealthV1.HealthCheckResponse = try await channel.unary(check, Text(""))
      #expect(answer.status == .serving)
      answer = try await channel.unary(check, Text("a"))
      #expect(answer.status == .notServing)
      await #expect(throws: RPCError.self) {
        let _: GrpcHealthV1.HealthCheckResponse = try await channel.unary(check, Text("b"))
      }

      let list = MethodDescriptor(service: "grpc.health.v1.Health", method: "List")
      let all: GrpcHealthV1.HealthListResponse = try await channel.unary(
        list, GrpcHealthV1.HealthListRequest())
      #expect(all.statuses.mapValues(\.status) == ["": .serving, "a": .notServing])

      let stream: ResponseStream<GrpcHealthV1.HealthCheckResponse> =
        try await channel.serverStreaming(watch, Text("b"))
      var statuses = stream.makeAsyncIterator()
      #expect(try await statuses.next()?.status == .serviceUnknown)
      health.set(.serving, for: "b")
      #expect(try await statuses.next()?.status == .serving)
      health.set(.serving, for: "b")
      health.set(.notServing, for: "b")
      #expect(try await statuses.next()?.status == .notServing)
    }
  }

  @Test func aStatusForEachService() {
    let health = HealthService(.notServing, for: [Probe()])
    #expect(health.status(of: "") == .notServing)
    #expect(health.status(of: "baton.test.Probe") == .notServing)
    #expect(health.status(of: "other") == nil)
    health.setAll(.serving)
    #expect(health.status(of: "baton.test.Probe") == .serving)
    health.shutdown()
    health.setAll(.serving)
    #expect(health.status(of: "") == .notServing, "what is shut down stays so")
  }

  /// Neither those who watch nor an idle reflection stream keep a server from its end.
  @Test func shutdownEndsWatchersAndReflection() async throws {
    let services: [any GRPCService] = [Probe(), HealthService()]
    let server = GRPCServer(
      services: services + [ReflectionService(files: [], serving: services)])
    let address = try await server.start(on: .tcp(host: "127.0.0.1", port: 0))
    let channel = ClientChannel(address: address)
    let stream: ResponseStream<GrpcHealthV1.HealthCheckResponse> =
      try await channel.serverStreaming(watch, Text(""))
    var statuses = stream.makeAsyncIterator()
    #expect(try await statuses.next()?.status == .serving)
    typealias Question = GrpcReflectionV1.ServerReflectionRequest
    typealias Answer = GrpcReflectionV1.ServerReflectionResponse
    let reflection: BidirectionalCall<Question, Answer> = try await channel.bidirectionalStreaming(
      MethodDescriptor(service: ReflectionService.names[0], method: "ServerReflectionInfo"))
    try await reflection.requests.write(Question(host: "", messageRequest: .listServices("")))
    var answers = reflection.responses.makeAsyncIterator()
    #expect(try await answers.next() != nil)
    // Waits for both, and for an hour at the most.
    try await server.shutdown(grace: .seconds(3600))
    #expect(try await statuses.next()?.status == .notServing)
    var error = await #expect(throws: RPCError.self) { _ = try await statuses.next() }
    #expect(error?.reason == "SHUTTING_DOWN")
    error = await #expect(throws: RPCError.self) { _ = try await answers.next() }
    #expect(error?.reason == "SHUTTING_DOWN")
    channel.close()
  }
}
