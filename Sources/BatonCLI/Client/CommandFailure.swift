internal import Foundation
internal import JSON

/// Why a command did not do what it was asked, for people and, with `-o json`, for programs.
struct CommandFailure: Error, Sendable, Equatable {
  /// One thing that is wrong with a plan.
  struct Problem: Sendable, Equatable {
    /// `file.yaml:12`.
    var place: String
    var line: Int?
    var field: String
    var reason: String
    var message: String
  }

  var status: ExitStatus
  /// Stable and machine-readable: a gRPC status, or what happened on this side.
  var code: String
  /// The server's own stable reason, such as PLAN_NOT_FOUND.
  var reason = ""
  /// What happened.
  var message: String
  /// What to do.
  var advice = ""
  var problems: [Problem] = []
  /// Problems of a configuration, each with its own place.
  var details: [String] = []

  init(_ status: ExitStatus, code: String, message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  /// As lines for people.
  var lines: [String] {
    var lines = ["baton: \(TerminalText.clean(message))"]
    lines += problems.map { problem in
      let field = problem.field.isEmpty ? "" : "\(problem.field): "
      return TerminalText.clean("\(problem.place): \(field)\(problem.message)")
    }
    lines += details.map { TerminalText.clean($0) }
    if !advice.isEmpty { lines.append(TerminalText.clean(advice)) }
    return lines
  }

  var json: JSONValue {
    var object = JSONObject()
    object.add("code", code)
    object.add("reason", reason)
    object.add("message", message)
    object.add("advice", advice)
    object.add("details", details)
    if !problems.isEmpty {
      object.add(
        "problems",
        .array(
          problems.map { problem in
            var object = JSONObject()
            object.add("field", problem.field)
            object.add("line", problem.line ?? 0)
            object.add("reason", problem.reason)
            object.add("message", problem.message)
            return object.value
          }))
    }
    return .object([JSONMember("error", object.value)])
  }
}

/// Exit codes: those of the contract, and of sysexits(3) for the rest.
struct ExitStatus: RawRepresentable, Sendable, Hashable {
  let rawValue: Int32

  /// Done; of `--watch`: the plan completed.
  static let success = ExitStatus(rawValue: 0)
  /// Of `--watch`: the plan failed.
  static let planFailed = ExitStatus(rawValue: 1)
  /// Of `--watch`: the plan was cancelled.
  static let planCancelled = ExitStatus(rawValue: 2)
  /// Of `health`: the server does not serve.
  static let unhealthy = ExitStatus(rawValue: 1)
  /// Of `dev`: an adapter ended that nobody had ended.
  static let adapterEnded = ExitStatus(rawValue: 1)
  /// A bad configuration or bad arguments.
  static let usage = ExitStatus(rawValue: 64)
  /// A plan that is not valid.
  static let badData = ExitStatus(rawValue: 65)
  /// A file that cannot be read.
  static let noInput = ExitStatus(rawValue: 66)
  /// No server answers.
  static let unavailable = ExitStatus(rawValue: 69)
  /// The server refused, or failed.
  static let refused = ExitStatus(rawValue: 70)
  /// The system refused: an address that is taken, a program that cannot be started.
  static let system = ExitStatus(rawValue: 71)
  /// A file that cannot be written.
  static let cannotCreate = ExitStatus(rawValue: 73)
  /// The store is unusable.
  static let store = ExitStatus(rawValue: 74)
  /// Ended by a second signal, without waiting for anything.
  static let interrupted = ExitStatus(rawValue: 130)
}
