import AdapterKit
import GRPC
import JSON
import Messages
import Stubs
import Testing

/// Registration, heartbeats, delivery of results, progress and the end, over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct SessionTests {
  private let registry = TestRegistry()

  private func adapter(
    _ results: AdapterConfiguration.ResultMode = .callback, data: String? = nil,
    _ configure: (inout AdapterConfiguration) -> Void = { _ in }
  ) async throws -> TestAdapter {
    try await TestAdapter(try await registry.start(), results: results, data: data, configure)
  }

  @Test("What an adapter registers with, and what it says of itself")
  func registration() async throws {
    let adapter = try await adapter(.poll) { $0.concurrencyMax = 3 }
    let request = try await registry.registrations.item(0)
    #expect(request.adapter == "gated" && request.instance == "gated-1")
    #expect(request.address == adapter.address)
    #expect(request.framework == "gated" && request.frameworkVersion == "7")
    #expect(request.taskTypes == ["prompt"] && request.capabilities == ["cancel"])
    #expect(request.maxConcurrency == 3 && request.protocolVersion == 1)
    #expect(request.resultMode == .poll)
    #expect(request.runs?.epoch == adapter.epoch && request.runs?.answered == 0)
    let info = try await adapter.client.getAdapterInfo(BatonV1.GetAdapterInfoRequest())
    #expect(info.adapter == "gated" && info.maxConcurrency == 3 && info.protocolVersion == 1)
    let health = HealthClient(adapter.client.channel)
    for service in ["", "baton.v1.ExecutionAdapter"] {
      let answer = try await health.check(
        GrpcHealthV1.HealthCheckRequest(service: service))
      #expect(answer.status == .serving)
    }
    try await adapter.stop()
  }

  @Test("An adapter waits for its orchestrator, outlives it, and delivers when it is back")
  func absence() async throws {
    let address = try await registry.start()
    try await registry.stop()
    let adapter = try await TestAdapter(address)
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    try await registry.start(on: address)
    try await registry.heartbeats.wait { !$0.isEmpty }
    try await registry.stop()
    run.succeed("while you were away")
    _ = try await adapter.events.first { $0.kind == .finished }
    let known = registry.registrations.items.count
    registry.change { $0.session = "none" }
    try await registry.start(on: address)
    // The session is gone: it registers again at once.
    let again = try await registry.registrations.item(known)
    #expect(again.runs?.answered == 1)
    let report = try await registry.results.item(0)
    #expect(
      report.result.map { String(decoding: $0.outputJson, as: UTF8.self) }
        == #"{"text":"while you were away"}"#)
    try await adapter.stop()
  }

  @Test("Results are repeated until they are acknowledged")
  func repeated() async throws {
    registry.change {
      $0.answers = [
        TestRegistry.refuse(.unavailable, "AWAY"),
        TestRegistry.refuse(.deadlineExceeded, "SLOW"),
        TestRegistry.refuse(.resourceExhausted, "BUSY", retryDelay: .milliseconds(120)),
        // P6: an answer for another token is none.
        { _ in BatonV1.ReportTaskResultResponse(attempt: 1, token: 4) },
      ]
    }
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    try await adapter.runner.runs.item(0).succeed()
    let reports = try await registry.results.wait { $0.count == 5 }
    #expect(reports.allSatisfy { $0 == reports[0] })
    let event = try await adapter.events.first { $0.kind == .reported }
    #expect(event.code == "OK" && event.token == 5)
    try await registry.heartbeats.wait { $0.last?.runs?.runs.isEmpty == true }
    try await adapter.stop()
  }

  @Test(
    "A result that is refused is kept, and delivered under a higher token",
    arguments: [
      (StatusCode.failedPrecondition, "STALE_LEASE"), (.aborted, "CONFLICTING_RESULT"),
      (.notFound, "UNKNOWN_TASK"), (.invalidArgument, "NEWER_TOKEN"),
      (.resourceExhausted, "TOO_LARGE"),
    ])
  func refused(_ code: StatusCode, _ reason: String) async throws {
    registry.change { $0.answers = [TestRegistry.refuse(code, reason)] }
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    try await adapter.runner.runs.item(0).succeed()
    #expect(try await adapter.events.first { $0.kind == .reported }.code == reason)
    let seen = registry.heartbeats.items.count
    let beats = try await registry.heartbeats.wait { $0.count > seen + 3 }
    #expect(beats.last?.runs?.texts == ["a#1:5:FINISHED"])
    #expect(registry.results.items.count == 1)
    try await adapter.dispatch("a", token: 6)
    let report = try await registry.results.item(1)
    #expect(report.token == 6 && report.result == registry.results.items[0].result)
    #expect(adapter.runner.runs.items.count == 1)
    try await adapter.stop()
  }

  @Test("A poll takes a result that was refused, and has it delivered again")
  func polledAfterRefusal() async throws {
    registry.change {
      $0.answers = [TestRegistry.refuse(.failedPrecondition, "STALE_LEASE")]
    }
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    try await adapter.runner.runs.item(0).succeed()
    try await registry.heartbeats.wait { $0.last?.runs?.texts == ["a#1:5:FINISHED"] }
    #expect(try await adapter.result("a", token: 6)?.outcome == .succeeded)
    #expect(try await registry.results.item(1).token == 6)
    try await adapter.stop()
  }

  @Test("ALREADY_TERMINAL lets the result go")
  func alreadyTerminal() async throws {
    registry.change {
      $0.answers = [TestRegistry.refuse(.failedPrecondition, "ALREADY_TERMINAL")]
    }
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    try await adapter.runner.runs.item(0).succeed()
    #expect(try await adapter.events.first { $0.kind == .reported }.code == "ALREADY_TERMINAL")
    try await registry.heartbeats.wait { $0.last?.runs?.answered == 1 && $0.last?.runs?.runs == [] }
    #expect(
      await refusal { try await adapter.dispatch("a", token: 6) }
        == "FAILED_PRECONDITION RUN_ENDED")
    try await adapter.stop()
  }

  @Test("Heartbeats carry the list and the count of answers; their replies cancel and forget")
  func heartbeats() async throws {
    let adapter = try await adapter(.poll)
    let first = try await registry.heartbeats.item(0)
    #expect(first.sessionId == "session-1" && first.runs?.answered == 0)
    try await adapter.dispatch("a", token: 5)
    try await adapter.dispatch("b", token: 6)
    let run = try await adapter.runner.runs.first { $0.name == "a#1" }
    let beat = try await registry.heartbeats.first { $0.runs?.answered == 2 }
    #expect(beat.runs?.texts == ["a#1:5:RUNNING", "b#1:6:RUNNING"] && beat.inFlight == 2)
    #expect(beat.runs?.epoch == adapter.epoch)
    registry.change {
      $0.cancel = [
        BatonV1.RunRef(idempotencyKey: "a", attempt: 1),
        BatonV1.RunRef(idempotencyKey: "z", attempt: 1),
      ]
    }
    _ = try await run.ended.item(0)
    #expect(try await adapter.result("a", token: 5)?.outcome == .cancelled)
    // P10: the cancel of an unknown run is remembered.
    #expect(
      await refusal { try await adapter.dispatch("z", token: 5) }
        == "FAILED_PRECONDITION RUN_CANCELLED")
    registry.change { $0.forget = [BatonV1.RunRef(idempotencyKey: "a", attempt: 1)] }
    try await registry.heartbeats.wait { $0.last?.runs?.texts == ["b#1:6:RUNNING"] }
    try await adapter.stop()
  }

  @Test("Progress: the beginning, chunks in one piece with offsets, messages, logs, usage")
  func progress() async throws {
    let adapter = try await adapter()
    try await registry.heartbeats.wait { !$0.isEmpty }
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    let started = try await registry.progress.item(0)
    #expect(started.started && started.idempotencyKey == "a" && started.token == 5)
    run.progress.chunk("té")
    run.progress.chunk("a\0!")
    run.progress.message(agent: "cook", role: "assistant", content: "hello")
    run.progress.log("info", "a line")
    run.progress.usage(BatonV1.Usage(inputTokens: 3, calls: 1))
    try await registry.progress.wait { $0.last?.progress?.usage?.calls == 1 }
    run.progress.chunk("more")
    let said = try await registry.progress.wait { items in
      items.contains { item in
        if case .chunk(let chunk) = item.progress?.body {
          chunk.text.contains("more")
        } else {
          false
        }
      }
    }
    var text: [UInt8] = []
    for case .chunk(let chunk) in said.compactMap({ $0.progress?.body }) {
      #expect(chunk.offset == Int64(text.count))
      text += chunk.text.utf8
    }
    #expect(String(decoding: text, as: UTF8.self) == "téa\u{FFFD}!more")
    #expect(said.count { if case .message = $0.progress?.body { true } else { false } } == 1)
    #expect(said.count { if case .log = $0.progress?.body { true } else { false } } == 1)
    #expect(said.count { $0.started } == 1)
    try await adapter.stop()
  }

  @Test("The end waits for what runs, and takes nothing new")
  func finish() async throws {
    let adapter = try await adapter { $0.shutdown = .finish(.seconds(30)) }
    try await registry.heartbeats.wait { !$0.isEmpty }
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    async let stopped: Void = adapter.stop()
    #expect(try await registry.deregistrations.item(0).handBack == false)
    #expect(
      await refusal { try await adapter.dispatch("b", token: 5) } == "RESOURCE_EXHAUSTED DRAINING")
    // The session is kept up, for the orchestrator must not give the run to others.
    let seen = registry.heartbeats.items.count
    try await registry.heartbeats.wait { $0.count > seen + 2 }
    run.succeed()
    try await stopped
    #expect(registry.results.items.map(\.idempotencyKey) == ["a"])
    #expect(registry.deregistrations.items.map(\.handBack) == [false, true])
  }

  @Test(
    "What does not finish is handed back, ended, and comes again under a higher token",
    arguments: [AdapterConfiguration.Shutdown.handBack, .finish(.milliseconds(50))])
  func handBack(_ shutdown: AdapterConfiguration.Shutdown) async throws {
    let folder = TemporaryFolder()
    let adapter = try await adapter(data: folder.path) { $0.shutdown = shutdown }
    try await registry.heartbeats.wait { !$0.isEmpty }
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    try await adapter.stop()
    #expect(run.ended.items == [true])
    #expect(registry.deregistrations.items.last?.handBack == true)
    #expect(registry.results.items.isEmpty)
    let next = try await self.adapter(data: folder.path)
    #expect(await refusal { try await next.dispatch("a", token: 5) } == "NOT_FOUND RUN_LOST")
    try await next.dispatch("a", token: 6)
    try await next.runner.runs.item(0).succeed()
    #expect(try await registry.results.item(0).token == 6)
    try await next.stop()
  }

  @Test("After a crash results and tombstones are there, runs are lost")
  func crash() async throws {
    let away = (0..<1_000).map { _ in TestRegistry.refuse(.unavailable, "AWAY") }
    registry.change { $0.answers = away }
    let folder = TemporaryFolder()
    let address = try await registry.start()
    let before = try await TestAdapter(address, data: folder.path) { $0.concurrencyMax = 3 }
    let handle = try await before.dispatch("a", token: 5)
    try await before.dispatch("b", token: 5)
    try await before.runner.runs.first { $0.name == "b#1" }.succeed("kept")
    _ = try await registry.results.item(0)
    #expect(try await before.cancel("c") == .notFound)
    let crashed = try folder.copy()
    registry.change { $0.answers = [] }
    try await before.stop()

    let known = registry.registrations.items.count
    let after = try await TestAdapter(address, data: crashed.path)
    let registration = try await registry.registrations.item(known)
    #expect((registration.runs?.epoch ?? "") > handle.epoch && registration.runs?.answered == 0)
    let report = try await registry.results.wait {
      $0.count(where: { $0.idempotencyKey == "b" }) > 1
    }
    #expect(report.last?.result?.outcome == .succeeded)
    // P2: the same token would get the handle of a run that is not there.
    #expect(await refusal { try await after.dispatch("a", token: 5) } == "NOT_FOUND RUN_LOST")
    #expect(await refusal { try await after.poll("a", token: 6) } == "NOT_FOUND UNKNOWN_RUN")
    #expect(try await after.dispatch("a", token: 6).handle == handle.handle)
    #expect(
      await refusal { try await after.dispatch("c", token: 6) }
        == "FAILED_PRECONDITION RUN_CANCELLED")
    _ = try await after.events.first { $0.kind == .reported && $0.idempotencyKey == "b" }
    #expect(
      await refusal { try await after.dispatch("b", token: 6) } == "FAILED_PRECONDITION RUN_ENDED")
    try await after.stop()
  }

  @Test("Without a folder a restart has lost every run: it is absent from the list")
  func memory() async throws {
    let address = try await registry.start()
    let before = try await TestAdapter(address)
    let handle = try await before.dispatch("a", token: 5)
    try await before.stop()
    let known = registry.registrations.items.count
    let after = try await TestAdapter(address)
    let registration = try await registry.registrations.item(known)
    #expect(registration.runs?.runs.isEmpty == true)
    #expect((registration.runs?.epoch ?? "") > handle.epoch)
    try await after.dispatch("a", token: 6)
    try await after.stop()
  }

  @Test("A configuration that cannot work is refused before anything is served")
  func configuration() async throws {
    func code(_ configure: (inout AdapterConfiguration) -> Void) async -> AdapterError.Code? {
      do {
        let failing = try await TestAdapter("127.0.0.1:1", configure)
        try await failing.stop()
        return nil
      } catch {
        return (error as? AdapterError)?.code
      }
    }
    let taken = try await registry.start()
    #expect(await code { $0.concurrencyMax = 0 } == .badConfiguration)
    #expect(await code { $0.orchestrator = "nowhere" } == .badConfiguration)
    #expect(await code { $0.listen = taken } == .cannotListen)
    #expect(await code { $0.dataFolder = "/dev/null/x" } == .dataUnusable)
  }
}
