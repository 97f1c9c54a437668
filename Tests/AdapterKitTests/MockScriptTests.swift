import AdapterKit
import JSON
import Messages
import Testing

@testable import baton_mock_adapter

struct MockScriptTests {
  @Test("Every key is read")
  func keys() throws {
    let script = try MockScript([
      "mock.delay": "500ms", "mock.fail": "RATE_LIMITED", "mock.fail_attempts": "2",
      "mock.code": "NO", "mock.retry_after": "1.5s", "mock.hang": "true",
      "mock.ignore_cancel": "true", "mock.answer_twice": "true", "mock.conflict": "true",
      "mock.output": #"{"text":"x"}"#, "mock.chunks": "3", "mock.exit": "1", "mock.busy": "2",
      "mock.reject": "UNIMPLEMENTED", "other": "is not the mock's",
    ])
    #expect(script.delay == .milliseconds(500) && script.retryAfter == .milliseconds(1_500))
    #expect(script.failure == .rateLimited && script.failAttempts == 2 && script.code == "NO")
    #expect(script.hangs && script.ignoresCancel && script.answersTwice && script.conflicts)
    #expect(script.outputs.first?["text"] == .string("x"))
    #expect(script.chunkCount == 3 && script.exitDeliveries == 1 && script.busyCount == 2)
    #expect(script.rejection == .unsupported)
  }

  @Test("No key: it succeeds at once")
  func empty() throws {
    #expect(try MockScript([:]) == MockScript())
  }

  @Test("Failing attempts alone are TRANSIENT")
  func failAttempts() throws {
    let script = try MockScript(["mock.fail_attempts": "1"])
    #expect(script.failure == .transient && script.failAttempts == 1)
  }

  @Test(
    "What cannot be read is refused, naming the key",
    arguments: [
      ("mock.delay", "soon"), ("mock.fail", "BADLY"), ("mock.fail_attempts", "-1"),
      ("mock.hang", "maybe"), ("mock.output", "{"), ("mock.outputs", "{}"), ("mock.echo", "1"),
      ("mock.chunks", "x"), ("mock.exit", "x"),
      ("mock.reject", "OK"), ("mock.unknown", "1"),
    ])
  func mistakes(_ key: String, _ value: String) {
    let rejection = #expect(throws: TaskRejection.self) { try MockScript([key: value]) }
    #expect(rejection?.kind == .invalidPayload && rejection?.message.contains(key) == true)
  }
}
