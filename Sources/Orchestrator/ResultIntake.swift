internal import Digests
internal import Engine
internal import JSON
internal import Plan

/// Turns a result as received into what the engine is told, and the bytes to store.
///
/// The only place that reads an output's bytes. May run on any thread.
struct ResultIntake: Sendable {
  private(set) var summary: ResultSummary
  /// To be stored if the engine accepts the result: the output of a success, what a question asks.
  private(set) var output: [UInt8]?
  /// It was checked against the task's schema.
  private var isChecked = false

  init(_ result: AdapterResult, limits: PlanLimits) {
    let digest = Self.digest(result)
    if result.outcome == .waitingInput {
      summary = ResultSummary(outcome: .waitingInput, digest: digest, usage: result.usage)
      output = result.output
      if let error = Self.mistake(inPrompt: result.output) { refuse(error) }
      return
    }
    guard result.outcome == .succeeded else {
      summary = ResultSummary(
        outcome: result.outcome, error: result.error ?? Self.missingError(result.outcome),
        digest: digest, usage: result.usage)
      output = nil
      return
    }
    if let error = Self.mistake(in: result.output, limits) {
      summary = ResultSummary(
        outcome: .failed, error: error, digest: digest, usage: result.usage)
      output = nil
    } else {
      summary = ResultSummary(
        outcome: .succeeded, digest: digest, outputBytes: Int64(result.output.count),
        usage: result.usage)
      output = result.output
    }
  }

  /// Makes a failure of it; the digest stays that of what was received.
  mutating func refuse(_ error: TaskError) {
    summary.outcome = .failed
    summary.error = error
    summary.outputBytes = 0
    output = nil
  }

  /// The result as the engine is to take it: an output that does not fit is a failure, though the
  /// digest stays that of what was received.
  func checked(against schema: OutputSchema?) -> ResultIntake {
    guard let schema, let output, !isChecked, summary.outcome == .succeeded else { return self }
    var intake = self
    intake.isChecked = true
    guard let mistake = schema.mistake(in: output) else { return intake }
    intake.refuse(TaskError(.invalidOutput, code: "OUTPUT_SCHEMA", message: mistake))
    return intake
  }

  private static func mistake(in output: [UInt8], _ limits: PlanLimits) -> TaskError? {
    if output.count > limits.maxOutputBytes {
      return TaskError(
        .permanent, code: "OUTPUT_TOO_LARGE",
        message: "the output has \(output.count) bytes; the limit is \(limits.maxOutputBytes)")
    }
    do throws(JSONError) {
      try JSONReader.validate(output)
      return nil
    } catch {
      return TaskError(
        .invalidOutput, code: "NOT_JSON", message: "the output is not JSON: \(error)")
    }
  }

  /// Bytes of one question.
  private static let promptBytes = 64 << 10

  private static func mistake(inPrompt prompt: [UInt8]) -> TaskError? {
    if prompt.count > promptBytes {
      return TaskError(
        .permanent, code: "PROMPT_TOO_LARGE",
        message: "what the run asks has \(prompt.count) bytes; the limit is \(promptBytes)")
    }
    do throws(JSONError) {
      try JSONReader.validate(prompt)
      return nil
    } catch {
      return TaskError(
        .invalidOutput, code: "NOT_JSON", message: "what the run asks is not JSON: \(error)")
    }
  }

  private static func missingError(_ outcome: Outcome) -> TaskError {
    outcome == .cancelled
      ? TaskError(.cancelled, code: "CANCELLED", message: "the adapter cancelled the run")
      : TaskError(.transient, code: "UNKNOWN", message: "the adapter gave no reason")
  }

  /// SHA-256 over outcome, error class and code, and the output bytes as received (S4).
  private static func digest(_ result: AdapterResult) -> Digest {
    var hasher = SHA256Hasher()
    let head = [
      result.outcome.rawValue, result.error?.errorClass.rawValue ?? "", result.error?.code ?? "",
    ]
    hasher.update(Array((head.joined(separator: "\n") + "\n").utf8))
    hasher.update(result.output)
    return hasher.finalize()
  }
}
