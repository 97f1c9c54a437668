internal import Digests
internal import Engine
internal import JSON
internal import Plan

/// Turns a decision as received into what the engine is told, and the bytes to store.
struct CompletionIntake: Sendable {
  let completion: Completion
  let output: [UInt8]?

  private static let approved = Array(#"{"approved":true}"#.utf8)

  /// Throws where the value is too large or no JSON.
  ///
  /// - Parameter question: Which question of the attempt is meant; 0: whichever waits.
  init(
    _ decision: TaskDecision, question: Int32 = 0, limits: PlanLimits
  ) throws(PlanProblems) {
    var hasher = SHA256Hasher()
    switch decision {
    case .reject(let message):
      hasher.update(Array("rejected\n\(message)".utf8))
      completion = Completion(
        rejection: message, digest: hasher.finalize(), question: question)
      output = nil
    case .value(let given):
      let value = given.isEmpty ? Self.approved : given
      try Self.check(value, limits)
      hasher.update(Array("value\n".utf8))
      hasher.update(value)
      completion = Completion(
        rejection: nil, digest: hasher.finalize(), outputBytes: Int64(value.count),
        question: question)
      output = value
    }
  }

  private static func check(_ value: [UInt8], _ limits: PlanLimits) throws(PlanProblems) {
    guard value.count <= limits.maxOutputBytes else {
      throw PlanProblems([
        PlanProblem(
          "value_json", .tooLarge,
          "\(value.count) bytes; the limit is \(limits.maxOutputBytes)")
      ])
    }
    do throws(JSONError) { try JSONReader.validate(value) } catch {
      throw PlanProblems([PlanProblem("value_json", .badJSON, error.description)])
    }
  }
}

/// What somebody decides on a task that waits for input.
public enum TaskDecision: Sendable, Equatable {
  /// JSON: the output of an approval, the answer to a run; empty: that it was approved.
  case value([UInt8])
  /// Why, for people.
  case reject(String)
}
