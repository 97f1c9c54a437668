internal import AdapterKit
internal import Foundation
internal import JSON
internal import Messages
internal import NIOConcurrencyHelpers

/// Does what the tasks' scripts say.
final class MockRunner: TaskRunner {
  let framework = "mock"
  let frameworkVersion = AdapterVersion.current
  let taskTypes: [String]
  let capabilities = ["cancel", "progress", "resume"]
  let neverBlocks = true
  /// Hand-outs refused so far, by idempotency key.
  private let refusals = NIOLockedValueBox<[String: Int]>([:])

  /// Told of every run that begins.
  private let onStart: @Sendable (TaskRequest, MockScript) -> Void

  init(
    taskTypes: [String], onStart: @escaping @Sendable (TaskRequest, MockScript) -> Void
  ) {
    self.taskTypes = taskTypes
    self.onStart = onStart
  }

  func validate(_ request: TaskRequest) throws(TaskRejection) {
    let script = try MockScript(request.metadata)
    if let rejection = script.rejection {
      throw TaskRejection(rejection, code: script.code, message: "the script refuses this task")
    }
    let isBusy = refusals.withLockedValue { refusals in
      let count = refusals[request.idempotencyKey, default: 0]
      guard count < script.busyCount else { return false }
      refusals[request.idempotencyKey] = count + 1
      return true
    }
    guard isBusy else { return }
    throw TaskRejection(
      .busy(retryAfter: script.retryAfter ?? .milliseconds(100)), code: "MOCK_BUSY",
      message: "the script refuses this hand-out")
  }

  func run(_ request: TaskRequest, progress: RunProgress) async throws -> TaskOutput {
    let script = try MockScript(request.metadata)
    onStart(request, script)
    if request.delivery <= script.exitDeliveries {
      // Some time later, for the answer to the hand-out has to leave: one that is not answered comes
      // again as it was, and ends the next process in the same way.
      try await Task.sleep(for: Self.beforeExit)
      exit(Self.scriptedExit)
    }
    if script.tokens != nil { progress.usage(Self.usage(request, script)) }
    if script.ignoresCancel {
      // Waiting for a task does not end with the task that waits.
      try await Task.detached { try await Self.pass(script, progress) }.value
    } else {
      try await Self.pass(script, progress)
    }
    if let errorClass = script.failure, request.attempt <= script.failAttempts {
      throw TaskFailure(
        errorClass, code: script.code,
        message: "the script fails attempt \(request.attempt) of \(request.taskID)",
        retryAfter: script.retryAfter, usage: script.tokens.map { _ in Self.usage(request, script) }
      )
    }
    guard request.dialog.count >= script.questionCount else {
      let prompt = JSONMember("question", .string("\(request.taskID), \(request.dialog.count + 1)"))
      return TaskOutput(asking: .object([prompt]), usage: Self.usage(request, script))
    }
    return TaskOutput(Self.output(request, script), usage: Self.usage(request, script))
  }

  /// Exit code of `mock.exit`.
  private static let scriptedExit: Int32 = 70
  private static let beforeExit = Duration.milliseconds(50)

  /// Lets the time of the script pass.
  private static func pass(_ script: MockScript, _ progress: RunProgress) async throws {
    let pause = script.delay / max(1, script.chunkCount)
    for number in 1...max(1, script.chunkCount) {
      if pause > .zero { try await Task.sleep(for: pause) }
      if script.chunkCount > 0 { progress.chunk("chunk \(number) ") }
    }
    while script.hangs { try await Task.sleep(for: .seconds(3_600)) }
  }

  /// The same for the same attempt; without a script in the shape of the portable types.
  private static func output(_ request: TaskRequest, _ script: MockScript) -> JSONValue {
    if !script.outputs.isEmpty {
      return script.outputs[min(Int(request.attempt), script.outputs.count) - 1]
    }
    if script.echoes {
      return .object([
        JSONMember("text", .string(request.feedback)), JSONMember("json", request.payload),
        JSONMember("schema", request.outputSchema ?? .null),
      ])
    }
    return .object([
      JSONMember("text", .string("\(request.taskID), attempt \(request.attempt)")),
      JSONMember("json", request.dialog.isEmpty ? .null : .array(request.dialog.map(\.value))),
    ])
  }

  private static func usage(_ request: TaskRequest, _ script: MockScript) -> BatonV1.Usage {
    BatonV1.Usage(
      inputTokens: script.tokens == nil ? Int64(request.payload.bytes.count) : 0,
      outputTokens: script.tokens ?? 1, model: "mock", calls: 1)
  }
}
