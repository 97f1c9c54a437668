internal import Foundation
internal import GRPC
internal import JSON
internal import Messages

/// What the contract says of sizes (docs/contract.md, limits).
enum MessageLimits {
  static let outputBytes = 1 << 20
  static let diagnosticsBytes = 60_000
  static let textBytes = 16_000
}

extension String {
  /// As protobuf takes it: without NUL, which C strings end at, and at most `byteCount` long.
  func sendable(byteCount: Int = MessageLimits.textBytes) -> String {
    let text = utf8.contains(0) ? replacing("\0", with: "\u{FFFD}") : self
    guard text.utf8.count > byteCount else { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: byteCount)
    while String.Index(end, within: text.unicodeScalars) == nil {
      text.utf8.formIndex(before: &end)
    }
    return String(text[..<end])
  }
}

extension Duration {
  /// Whole milliseconds, as much as fits.
  var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    guard abs(seconds) < Int64.max / 1_000 else { return seconds < 0 ? .min : .max }
    return seconds * 1_000 + attoseconds / 1_000_000_000_000_000
  }
}

/// Milliseconds since the Unix epoch.
func unixMilliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

extension RunReference {
  /// Refuses a pair that names no attempt.
  init(key: String, checked attempt: Int32) throws(RPCError) {
    guard !key.isEmpty, attempt >= 1 else {
      throw RPCError(
        code: .invalidArgument, reason: "BAD_REQUEST",
        message: "idempotency_key and attempt (from 1) are needed")
    }
    self.init(key: key, attempt: attempt)
  }
}

extension HandOut {
  init(_ message: BatonV1.DispatchTaskRequest, resumes: Bool) throws(RPCError) {
    self.init(
      run: try RunReference(key: message.idempotencyKey, checked: message.attempt),
      token: message.token, delivery: message.delivery, planID: message.planId,
      taskID: message.taskId, resumes: resumes,
      answerCount: Int32(clamping: message.dialog.count))
  }
}

extension TaskRequest {
  /// Refuses a payload or a schema that is no JSON object.
  init(_ message: BatonV1.DispatchTaskRequest) throws(RPCError) {
    let payload = try Self.object("payload_json", message.payloadJson)
    let schema = try Self.object("output_schema_json", message.outputSchemaJson)
    self.init(
      namespace: message.namespace, planID: message.planId, taskID: message.taskId,
      index: message.index, type: message.type, payload: payload,
      idempotencyKey: message.idempotencyKey, attempt: message.attempt,
      delivery: message.delivery, token: message.token,
      timeout: message.timeoutMs > 0 ? .milliseconds(message.timeoutMs) : nil,
      feedback: message.feedback, traceparent: message.traceparent, metadata: message.metadata,
      outputSchema: message.outputSchemaJson.isEmpty ? nil : schema,
      dialog: try message.dialog.map(TaskTurn.init))
  }

  /// The JSON object in a field; empty where the field is.
  private static func object(_ field: String, _ json: [UInt8]) throws(RPCError) -> JSONValue {
    func refusal(_ text: String) -> RPCError {
      RPCError(
        code: .invalidArgument, reason: "BAD_PAYLOAD", message: "\(field): \(text)",
        metadata: ["field": field])
    }
    let value: JSONValue
    do throws(JSONError) {
      value = json.isEmpty ? .object([]) : try JSONValue(parsing: json)
    } catch { throw refusal(error.description) }
    guard case .object = value else { throw refusal("not an object but \(value.kindName)") }
    return value
  }
}

extension TaskTurn {
  init(_ message: BatonV1.DialogTurn) throws(RPCError) {
    do throws(JSONError) {
      prompt = try JSONValue(parsing: message.promptJson)
      value = try JSONValue(parsing: message.valueJson)
    } catch {
      throw RPCError(
        code: .invalidArgument, reason: "BAD_PAYLOAD", message: "dialog: \(error)",
        metadata: ["field": "dialog"])
    }
  }
}

extension TaskRejection {
  var rpcError: RPCError {
    switch kind {
    case .invalidPayload:
      RPCError(code: .invalidArgument, reason: code, message: message.sendable())
    case .unsupported: RPCError(code: .unimplemented, reason: code, message: message.sendable())
    case .busy(let retryAfter):
      RPCError(
        code: .resourceExhausted, reason: code, message: message.sendable(),
        retryDelay: retryAfter)
    }
  }
}

extension BatonV1.TaskResult {
  /// The result to report. An output that is too large makes it a failure.
  init(_ taskID: String, _ outcome: Result<TaskOutput, TaskFailure>) {
    switch outcome {
    case .failure(let failure): self.init(taskID, failure)
    case .success(let output):
      let bytes = output.json.bytes
      guard !output.asks else {
        self.init(
          taskId: taskID, outcome: .waitingInput, usage: output.usage?.sendable, promptJson: bytes)
        return
      }
      guard bytes.count <= MessageLimits.outputBytes else {
        let failure = TaskFailure(
          .permanent, code: "OUTPUT_TOO_LARGE",
          message: "The output has \(bytes.count) bytes; at most \(MessageLimits.outputBytes) are "
            + "taken.", usage: output.usage)
        self.init(taskID, failure)
        return
      }
      self.init(
        taskId: taskID, outcome: .succeeded, outputJson: bytes, usage: output.usage?.sendable)
    }
  }

  private init(_ taskID: String, _ failure: TaskFailure) {
    self.init(
      taskId: taskID, outcome: failure.errorClass == .cancelled ? .cancelled : .failed,
      error: BatonV1.TaskError(
        errorClass: failure.errorClass, code: failure.code.sendable(),
        message: failure.message.sendable(),
        diagnostics: failure.diagnostics.sendable(byteCount: MessageLimits.diagnosticsBytes),
        retryAfterMs: max(0, failure.retryAfter?.milliseconds ?? 0)),
      usage: failure.usage?.sendable)
  }
}

extension BatonV1.Usage {
  var sendable: Self {
    var copy = self
    copy.model = model.sendable()
    return copy
  }
}

extension BatonV1.RunReport {
  init(_ run: Run) {
    self.init(
      idempotencyKey: run.reference.key, attempt: run.reference.attempt, token: run.token,
      state: run.isRunning ? .running : .finished)
  }
}
