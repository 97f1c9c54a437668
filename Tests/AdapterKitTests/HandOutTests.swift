import AdapterKit
import GRPC
import JSON
import Messages
import Stubs
import Testing

/// Hand-outs, polls and cancels over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct HandOutTests {
  private let registry = TestRegistry()

  private func adapter(
    _ results: AdapterConfiguration.ResultMode = .poll, data: String? = nil,
    _ configure: (inout AdapterConfiguration) -> Void = { _ in }
  ) async throws -> TestAdapter {
    try await TestAdapter(try await registry.start(), results: results, data: data, configure)
  }

  @Test("A task from its hand-out to its acknowledged result")
  func callback() async throws {
    let adapter = try await adapter(.callback)
    let handle = try await adapter.dispatch("a", token: 5)
    #expect(handle.idempotencyKey == "a" && handle.attempt == 1 && handle.token == 5)
    #expect(handle.epoch == adapter.epoch && handle.answered == 1 && !handle.handle.isEmpty)
    let run = try await adapter.runner.runs.item(0)
    let again = try await adapter.dispatch("a", token: 6)
    #expect(again.handle == handle.handle && again.token == 6 && again.answered == 2)
    run.succeed()
    let report = try await registry.results.item(0)
    #expect(report.idempotencyKey == "a" && report.attempt == 1 && report.token == 6)
    #expect(report.result?.taskId == "task-a" && report.result?.outcome == .succeeded)
    #expect(
      report.result.map { String(decoding: $0.outputJson, as: UTF8.self) } == #"{"text":"tea"}"#)
    try await adapter.events.wait { $0.contains { $0.kind == .reported } }
    #expect(
      await refusal { try await adapter.dispatch("a", token: 7) }
        == "FAILED_PRECONDITION RUN_ENDED")
    #expect(await refusal { try await adapter.poll("a", token: 7) } == "NOT_FOUND UNKNOWN_RUN")
    #expect(adapter.runner.runs.items.count == 1)
    let kinds = adapter.events.items.map(\.kind)
    #expect(kinds == [.received, .started, .received, .finished, .reported, .received, .refused])
    try await adapter.stop()
  }

  @Test("In poll mode a result waits until it is asked for and until it is forgotten")
  func poll() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    let pending = try await adapter.poll("a", token: 5)
    #expect(pending.state == .pending(true) && pending.started)
    #expect(pending.attempt == 1 && pending.token == 5)
    async let waiting = adapter.poll("a", token: 6, waitMilliseconds: 30_000)
    // P7: the poll is in as soon as its token is in the list.
    try await registry.heartbeats.wait { $0.last?.runs?.texts == ["a#1:6:RUNNING"] }
    run.succeed()
    let answer = try await waiting
    guard case .result(let result) = answer.state else {
      Issue.record("no result: \(answer)")
      return
    }
    #expect(answer.token == 6 && result.outcome == .succeeded)
    // P8: reading deletes nothing.
    #expect(try await adapter.result("a", token: 6) == result)
    try await registry.heartbeats.wait { $0.last?.runs?.texts == ["a#1:6:FINISHED"] }
    registry.change { $0.forget = [BatonV1.RunRef(idempotencyKey: "a", attempt: 1)] }
    try await registry.heartbeats.wait { $0.last?.runs?.runs.isEmpty == true }
    #expect(await refusal { try await adapter.poll("a", token: 6) } == "NOT_FOUND UNKNOWN_RUN")
    #expect(registry.results.items.isEmpty)
    try await adapter.stop()
  }

  @Test("A long-poll answers pending when its time is over")
  func pollTime() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    let answer = try await adapter.poll("a", token: 5, waitMilliseconds: 30)
    #expect(answer.state == .pending(true))
    try await adapter.stop()
  }

  @Test("Hand-outs that are refused leave nothing behind")
  func refusals() async throws {
    let adapter = try await adapter { $0.concurrencyMax = 1 }
    func refused(
      key: String = "a", attempt: Int32 = 1, reject: String? = nil,
      _ change: (inout BatonV1.DispatchTaskRequest) -> Void = { _ in }
    ) async -> String {
      let metadata = reject.map { ["reject": $0] } ?? [:]
      return await refusal {
        try await adapter.dispatch(key, attempt, token: 1, metadata: metadata, change)
      }
    }
    #expect(await refused(attempt: 0) == "INVALID_ARGUMENT BAD_REQUEST")
    #expect(await refused(key: "") == "INVALID_ARGUMENT BAD_REQUEST")
    #expect(await refused { $0.payloadJson = Array("[]".utf8) } == "INVALID_ARGUMENT BAD_PAYLOAD")
    #expect(await refused { $0.payloadJson = Array("{".utf8) } == "INVALID_ARGUMENT BAD_PAYLOAD")
    #expect(await refused { $0.type = "crew" } == "UNIMPLEMENTED TASK_TYPE_UNSUPPORTED")
    #expect(await refused(reject: "tool") == "UNIMPLEMENTED TOOL_UNKNOWN")
    #expect(await refused(reject: "payload") == "INVALID_ARGUMENT BAD_PROMPT")
    #expect(await refused(reject: "busy") == "RESOURCE_EXHAUSTED QUOTA")
    try await adapter.dispatch("a", token: 1)
    let run = try await adapter.runner.runs.item(0)
    let busy = await #expect(throws: RPCError.self) { try await adapter.dispatch("b", token: 1) }
    #expect(busy?.code == .resourceExhausted && busy?.reason == "CONCURRENCY")
    #expect(busy?.retryDelay == .seconds(1))
    run.succeed()
    #expect(try await adapter.result("a", token: 1)?.outcome == .succeeded)
    try await adapter.dispatch("b", token: 1)
    try await adapter.stop()
  }

  @Test("The deadline ends the run")
  func deadline() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5, timeoutMilliseconds: 100)
    _ = try await adapter.runner.runs.item(0).ended.item(0)
    let result = try await adapter.result("a", token: 5)
    #expect(result?.outcome == .failed && result?.error?.errorClass == .timeout)
    #expect(result?.error?.code == "START_TO_CLOSE")
    try await adapter.stop()
  }

  @Test("CancelTask ends a run, and remembers a pair it does not know")
  func cancel() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    #expect(try await adapter.cancel("a") == .accepted)
    _ = try await run.ended.item(0)
    let result = try await adapter.result("a", token: 5)
    #expect(result?.outcome == .cancelled && result?.error?.errorClass == .cancelled)
    #expect(try await adapter.cancel("a") == .alreadyFinished)
    let refused = "FAILED_PRECONDITION RUN_CANCELLED"
    #expect(await refusal { try await adapter.dispatch("a", token: 6) } == refused)
    #expect(try await adapter.cancel("b") == .notFound)
    #expect(await refusal { try await adapter.dispatch("b", token: 5) } == refused)
    #expect(await refusal { try await adapter.cancel("") } == "INVALID_ARGUMENT BAD_REQUEST")
    try await adapter.stop()
  }

  @Test("CancelTask with hand_back ends a run without a result; a higher token starts it again")
  func handBack() async throws {
    let adapter = try await adapter()
    #expect(try await adapter.cancel("a", handBack: true) == .notFound)
    try await adapter.dispatch("a", token: 5)
    let run = try await adapter.runner.runs.item(0)
    #expect(try await adapter.cancel("a", handBack: true) == .accepted)
    _ = try await run.ended.item(0)
    #expect(await refusal { try await adapter.result("a", token: 5) } == "NOT_FOUND UNKNOWN_RUN")
    #expect(await refusal { try await adapter.dispatch("a", token: 5) } == "NOT_FOUND RUN_LOST")
    try await adapter.dispatch("a", token: 6)
    try await adapter.runner.runs.item(1).succeed()
    #expect(try await adapter.result("a", token: 6)?.outcome == .succeeded)
    #expect(try await adapter.cancel("a", handBack: true) == .alreadyFinished)
    try await adapter.stop()
  }

  @Test("An output that comes in spite of a cancel stands")
  func deafRun() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", token: 5, metadata: ["deaf": "true"])
    let run = try await adapter.runner.runs.item(0)
    #expect(try await adapter.cancel("a") == .accepted)
    run.succeed("late")
    #expect(try await adapter.result("a", token: 5)?.outcome == .succeeded)
    try await adapter.stop()
  }

  @Test("A later attempt begins when the earlier one has ended")
  func attempts() async throws {
    let adapter = try await adapter()
    try await adapter.dispatch("a", 1, token: 5, metadata: ["deaf": "true"])
    let first = try await adapter.runner.runs.item(0)
    try await adapter.dispatch("a", 2, token: 6)
    #expect(
      await refusal { try await adapter.dispatch("a", 1, token: 7) }
        == "FAILED_PRECONDITION LATER_ATTEMPT")
    #expect(adapter.runner.runs.items.count == 1)
    first.fail(CancellationError())
    let second = try await adapter.runner.runs.item(1)
    #expect(second.name == "a#2" && first.ended.items == [true])
    second.succeed()
    #expect(try await adapter.result("a", 2, token: 6)?.outcome == .succeeded)
    try await adapter.stop()
  }

  @Test("A run and its report do not inherit the deadline of the call that started the run")
  func callDeadline() async throws {
    let adapter = try await adapter(.callback) { $0.callTimeout = .seconds(60) }
    try await adapter.dispatch("a", token: 5, options: CallOptions(timeout: .seconds(30)))
    let run = try await adapter.runner.runs.item(0)
    #expect(run.deadline == nil)
    run.succeed()
    let timeLeft = try await registry.resultTimes.item(0)
    #expect(timeLeft > .seconds(30))
    try await adapter.stop()
  }

  @Test("How failures are reported")
  func failures() async throws {
    let adapter = try await adapter()
    struct Odd: Error {}
    let large = TaskOutput(.string(String(repeating: "x", count: 1 << 20)))
    let cases: [(Result<TaskOutput, any Error>, BatonV1.ErrorClass, String)] = [
      (
        .failure(
          TaskFailure(
            .rateLimited, code: "SLOW", message: "a \0 b", retryAfter: .milliseconds(1_500))),
        .rateLimited, "SLOW"
      ),
      (.failure(TaskFailure(.cancelled, code: "GONE", message: "gone")), .cancelled, "GONE"),
      (.failure(Odd()), .transient, "UNKNOWN"),
      (.failure(CancellationError()), .transient, "UNKNOWN"),
      (.success(large), .permanent, "OUTPUT_TOO_LARGE"),
    ]
    for (number, (outcome, errorClass, code)) in cases.enumerated() {
      try await adapter.dispatch("k\(number)", token: 1)
      try await adapter.runner.runs.item(number).end(outcome)
      let result = try await adapter.result("k\(number)", token: 1)
      #expect(result?.outcome == (errorClass == .cancelled ? .cancelled : .failed))
      #expect(result?.error?.errorClass == errorClass && result?.error?.code == code)
      #expect(result?.error?.message.isEmpty == false)
      #expect(result?.error?.retryAfterMs == (number == 0 ? 1_500 : 0))
    }
    let health = try await adapter.client.adapterHealthCheck(BatonV1.AdapterHealthCheckRequest())
    #expect(health.healthy && health.inFlight == 0)
    #expect(health.lastError.hasPrefix("OUTPUT_TOO_LARGE"))
    try await adapter.stop()
  }
}
