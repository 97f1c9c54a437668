internal import GRPC
internal import Messages

extension CommandFailure {
  /// What a failed call means for the one who made it.
  init(_ error: RPCError, server: String, planID: String = "") {
    let about = planID.isEmpty ? "" : " for plan \(planID)"
    switch error.code {
    case .unavailable where error.neverSent:
      // What is wrong with TLS is said in words; other causes are the system's.
      let why = server.hasPrefix("https://") ? error.cause.map { ": \($0)" } ?? "" : ""
      self.init(
        .unavailable, code: "UNAVAILABLE", message: "no server answers at \(server)\(why)")
      advice =
        "Start one with `baton serve` or `baton dev`, or name another with --server or BATON_SERVER."
    case .unavailable:
      self.init(
        .unavailable, code: "UNAVAILABLE",
        message: "the server at \(server) could not answer\(about): \(error.message)")
      advice = "What was asked may or may not have been done; ask again."
    case .deadlineExceeded:
      self.init(
        .unavailable, code: "DEADLINE_EXCEEDED",
        message: "the server at \(server) did not answer in time\(about)")
      advice = "What was asked may or may not have been done; ask again."
    case .notFound where error.reason == "PLAN_NOT_FOUND":
      self.init(
        .refused, code: "NOT_FOUND", message: "there is no plan \(planID) at \(server)")
      advice = "`baton list` shows the plans that there are."
    case .unimplemented:
      self.init(
        .refused, code: "UNIMPLEMENTED", message: "the server at \(server) does not know this call")
      advice = "`baton version` shows both versions."
    default:
      self.init(.refused, code: error.code.description, message: error.message)
    }
    reason = error.reason ?? ""
  }
}

extension RPCError {
  /// What is wrong with a plan, if that is what the error says: an ErrorInfo each, with the field
  /// and a message.
  var planProblems: [BatonV1.Problem] {
    details.compactMap { detail in
      guard detail.typeUrl.hasSuffix("/\(GoogleRpc.ErrorInfo.protoName)"),
        let info = try? GoogleRpc.ErrorInfo(serializedBytes: detail.value),
        let field = info.metadata["field"]
      else { return nil }
      return BatonV1.Problem(
        field: field, reason: info.reason, message: info.metadata["message"] ?? message)
    }
  }
}
