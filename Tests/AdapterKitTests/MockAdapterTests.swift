import Foundation
import GRPC
import JSON
import Messages
import Stubs
import Testing

/// The process itself: its READY line, its scripts, its ledger, its ends.
@Suite(.timeLimit(.minutes(1)))
struct MockAdapterTests {
  private let registry = TestRegistry()
  private let folder = TemporaryFolder()

  @Test("What it says of itself")
  func ready() async throws {
    let mock = try await MockProcess(
      try await registry.start(), folder: folder, ["--instance", "mock-7", "--types", "a,b"])
    let request = try await registry.registrations.item(0)
    #expect(request.adapter == "mock" && request.instance == "mock-7")
    #expect(request.taskTypes == ["a", "b"])
    #expect(mock.ready["grpc"] == .string(request.address))
    #expect(mock.ready["adapter"] == .string("mock"))
    #expect(mock.ready["instance"] == .string("mock-7"))
    #expect(mock.ready["pid"]?.integerValue != nil && mock.ready["version"] != nil)
    #expect(try await mock.end(by: SIGTERM) == 0)
    #expect(registry.deregistrations.items.map(\.handBack) == [true])
  }

  @Test("Outputs, failures by attempt, chunks")
  func results() async throws {
    let mock = try await MockProcess(try await registry.start(), folder: folder)
    try await registry.heartbeats.wait { !$0.isEmpty }
    try await mock.dispatch("a", token: 1)
    #expect(try await output(0) == #"{"text":"a, attempt 1","json":null}"#)
    try await mock.dispatch("b", token: 1, ["mock.output": "[1]", "mock.delay": "20ms"])
    #expect(try await output(1) == "[1]")
    let script = [
      "mock.fail": "RATE_LIMITED", "mock.fail_attempts": "1", "mock.code": "SLOW",
      "mock.retry_after": "2s",
    ]
    try await mock.dispatch("c", token: 1, script)
    let error = try await registry.results.item(2).result?.error
    #expect(error?.errorClass == .rateLimited && error?.code == "SLOW")
    #expect(error?.retryAfterMs == 2_000)
    try await mock.dispatch("c", 2, token: 2, script)
    #expect(try await registry.results.item(3).result?.outcome == .succeeded)
    try await mock.dispatch("d", token: 1, ["mock.chunks": "2", "mock.delay": "20ms"])
    let said = try await registry.progress.wait { items in
      items.contains { item in
        if case .chunk(let chunk) = item.progress?.body { chunk.text.contains("2") } else { false }
      }
    }
    #expect(said.contains { $0.started })
    #expect(try await mock.end(by: SIGTERM) == 0)
    let lines = try mock.ledger()
    #expect(
      lines.filter { $0.contains(" a#") }
        == ["received a#1", "started a#1", "finished a#1 SUCCEEDED", "reported a#1 OK"])
    #expect(lines.contains("finished c#1 SLOW") && lines.contains("finished c#2 SUCCEEDED"))
  }

  private func output(_ index: Int) async throws -> String {
    String(decoding: try await registry.results.item(index).result?.outputJson ?? [], as: UTF8.self)
  }

  @Test("Second answers")
  func secondAnswers() async throws {
    let mock = try await MockProcess(try await registry.start(), folder: folder)
    try await mock.dispatch("a", token: 1, ["mock.answer_twice": "true"])
    let twice = try await registry.results.wait { $0.count == 2 }
    #expect(twice[0] == twice[1])
    registry.change {
      $0.answers = [
        { BatonV1.ReportTaskResultResponse(attempt: $0.attempt, token: $0.token) },
        TestRegistry.refuse(.aborted, "CONFLICTING_RESULT"),
      ]
    }
    try await mock.dispatch("b", token: 1, ["mock.conflict": "true"])
    let conflict = try await registry.results.wait { $0.count == 4 }
    #expect(conflict[2].token == conflict[3].token && conflict[2].result != conflict[3].result)
    #expect(conflict.suffix(2).contains { $0.result?.outcome == .succeeded })
    #expect(try await mock.end(by: SIGTERM) == 0)
    let reported = try mock.ledger().filter { $0.hasPrefix("reported") }
    #expect(reported.prefix(2) == ["reported a#1 OK", "reported a#1 OK"])
    #expect(reported.contains("reported b#1 OK"))
  }

  @Test("Refusals")
  func refusals() async throws {
    let mock = try await MockProcess(try await registry.start(), folder: folder)
    let busy = ["mock.busy": "1", "mock.retry_after": "30ms"]
    let refusedCall = await #expect(throws: RPCError.self) {
      try await mock.dispatch("a", token: 1, busy)
    }
    #expect(refusedCall?.code == .resourceExhausted)
    #expect(refusedCall?.retryDelay == .milliseconds(30))
    try await mock.dispatch("a", token: 1, busy)
    for (code, expected) in [
      ("INVALID_ARGUMENT", "INVALID_ARGUMENT MOCK"), ("UNIMPLEMENTED", "UNIMPLEMENTED MOCK"),
      ("NONSENSE", "INVALID_ARGUMENT MOCK_SCRIPT"),
    ] {
      #expect(
        await refusal { try await mock.dispatch("b", token: 1, ["mock.reject": code]) }
          == expected)
    }
    #expect(try mock.ledger().prefix(2) == ["received a#1", "refused a#1 MOCK_BUSY"])
  }

  @Test("A run that hangs ends by its deadline or a cancel; a deaf one only by itself")
  func hanging() async throws {
    let mock = try await MockProcess(
      try await registry.start(), folder: folder, ["--results", "poll"])
    try await mock.dispatch("a", token: 1, ["mock.hang": "true"], timeoutMilliseconds: 50)
    #expect(try await result(mock, "a")?.error?.errorClass == .timeout)
    try await mock.dispatch("b", token: 1, ["mock.hang": "true"])
    let canceled = try await mock.client.cancelTask(
      BatonV1.CancelTaskRequest(idempotencyKey: "plan/b/0", attempt: 1))
    #expect(canceled.outcome == .accepted)
    #expect(try await result(mock, "b")?.outcome == .cancelled)
    try await mock.dispatch(
      "c", token: 1, ["mock.delay": "200ms", "mock.ignore_cancel": "true"],
      timeoutMilliseconds: 50)
    #expect(try await result(mock, "c")?.outcome == .succeeded)
    let lines = try mock.ledger()
    #expect(lines.contains("cancelled a#1 START_TO_CLOSE"))
    #expect(lines.contains("cancelled b#1 CANCELLED") && lines.contains("reported b#1 POLLED"))
  }

  private func result(_ mock: MockProcess, _ task: String) async throws -> BatonV1.TaskResult? {
    let response = try await mock.client.getTaskResult(
      BatonV1.GetTaskResultRequest(
        idempotencyKey: "plan/\(task)/0", attempt: 1, token: 1, waitMs: 30_000))
    guard case .result(let result) = response.state else { return nil }
    return result
  }

  @Test("A killed process leaves its results to the next one, with --data")
  func kill() async throws {
    registry.change {
      $0.answers = (0..<1_000).map { _ in TestRegistry.refuse(.unavailable, "AWAY") }
    }
    let address = try await registry.start()
    let arguments = ["--data", folder.path + "/data"]
    let before = try await MockProcess(address, folder: folder, arguments)
    try await before.dispatch("a", token: 1)
    try await before.dispatch("b", token: 1, ["mock.hang": "true"])
    let first = try await registry.results.item(0)
    #expect(try await before.end(by: SIGKILL) == SIGKILL)
    registry.change { $0.answers = [] }
    let known = registry.results.items.count
    let after = try await MockProcess(address, folder: folder, arguments)
    #expect(try await registry.results.item(known) == first)
    #expect(await refusal { try await after.dispatch("b", token: 1) } == "NOT_FOUND RUN_LOST")
    #expect(try await after.end(by: SIGTERM) == 0)
    let lines = try after.ledger()
    #expect(lines.filter { $0.hasPrefix("started a") }.count == 1)
    #expect(lines.contains("reported a#1 OK"))
  }

  @Test("A script ends the process, once or at every start")
  func exits() async throws {
    let address = try await registry.start()
    let first = try await MockProcess(address, folder: folder)
    // The process may end before its answer has left.
    _ = await refusal { try await first.dispatch("a", token: 1, ["mock.exit": "1"]) }
    #expect(try await first.exitCode() == 70)
    let second = try await MockProcess(address, folder: folder)
    try await second.dispatch("a", token: 2, delivery: 2, ["mock.exit": "1"])
    #expect(try await registry.results.item(0).result?.outcome == .succeeded)
  }

  @Test("Exit codes of a start that cannot be")
  func configuration() async throws {
    #expect(try await MockProcess.exitCode(["--results", "pigeon"]) == 64)
    #expect(try await MockProcess.exitCode(["--orchestrator", "nowhere"]) == 64)
    let taken = try await registry.start()
    #expect(try await MockProcess.exitCode(["--listen", taken]) == 71)
    #expect(try await MockProcess.exitCode(["--data", "/dev/null/x"]) == 74)
    #expect(try await MockProcess.exitCode(["--ledger", "/dev/null/x"]) == 74)
  }
}
