internal import GRPC
internal import Orchestrator
internal import Plan

extension OrchestratorError {
  /// The refusal as a caller gets it.
  var rpcError: RPCError {
    RPCError(code: statusCode, reason: code.reason, message: message, metadata: metadata)
  }

  private var statusCode: StatusCode {
    switch code {
    case .planNotFound, .taskNotFound, .unknownSession: .notFound
    case .requestKeyReused: .alreadyExists
    case .unknownToken: .invalidArgument
    case .staleLease, .alreadyTerminal, .notFailed, .planEnded, .deadlinePassed,
      .notWaiting, .budgetExhausted, .isSubPlan:
      .failedPrecondition
    case .tooManyLabels, .answerTooLarge: .resourceExhausted
    case .conflictingResult, .revisionMismatch: .aborted
    case .storeUnavailable, .stopping: .unavailable
    case .cancelled: .cancelled
    default: .internalError
    }
  }
}

extension PlanProblems {
  /// One ErrorInfo per problem, as many as fit into a header.
  var rpcError: RPCError {
    let first = problems.first
    let isLimit = problems.contains { $0.reason.isLimit }
    let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
    var error = RPCError(
      code: isLimit ? .resourceExhausted : .invalidArgument,
      message: (first?.description ?? "the plan is not valid").clipped(toBytes: 2_048) + more)
    var bytesLeft = 4_096
    for problem in problems {
      let detail = RPCError(
        code: error.code, reason: problem.reason.name, message: "",
        metadata: ["field": problem.field, "message": problem.message.clipped(toBytes: 1_024)])
      bytesLeft -= problem.field.utf8.count + problem.message.utf8.count + 64
      guard error.details.isEmpty || bytesLeft > 0 else { break }
      error.details += detail.details
    }
    return error
  }
}

/// An argument that is wrong by itself.
func badArgument(_ field: String, _ reason: String, _ message: String) -> RPCError {
  RPCError(
    code: .invalidArgument, reason: reason, message: "\(field): \(message)",
    metadata: ["field": field])
}

extension String {
  /// The longest start of whole characters within `count` bytes of UTF-8.
  func clipped(toBytes count: Int) -> String {
    guard utf8.count > count else { return self }
    var text = ""
    var left = count - "…".utf8.count
    for character in self {
      left -= character.utf8.count
      if left < 0 { break }
      text.append(character)
    }
    return text + "…"
  }
}

/// Runs an orchestrator's call with its errors as callers get them.
func answering<T>(
  _ body: () async throws(OrchestratorError) -> T
) async throws(RPCError) -> T {
  do throws(OrchestratorError) { return try await body() } catch { throw error.rpcError }
}
