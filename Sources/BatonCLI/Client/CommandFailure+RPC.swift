internal import GRPC
internal import Messages

extension CommandFailure {
  /// What a failed call means for the one who made it.
  init(_ error: RPCError, server: String, planID: String = "") {
    let about = planID.isEmpty ? "" : " for plan \(planID)"
    switch error.code {
    case .unavailable where error.neverSent:
      self.init(notConnected: error, server: server)
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
    case .unauthenticated:
      self.init(.refused, code: "UNAUTHENTICATED", message: error.message)
      advice =
        error.reason == "CREDENTIALS_IN_CLEARTEXT"
        ? "Call the server with TLS: --server https://host:port."
        : "Name a file with a token that the server knows: --token-file or BATON_TOKEN_FILE."
    case .unimplemented:
      self.init(
        .refused, code: "UNIMPLEMENTED", message: "the server at \(server) does not know this call")
      advice = "`baton version` shows both versions."
    default:
      self.init(.refused, code: error.code.description, message: error.message)
    }
    reason = error.reason ?? ""
  }

  /// There was no connection for the call.
  private init(notConnected error: RPCError, server: String) {
    let scheme = "https://"
    let isTLS = server.hasPrefix(scheme)
    let address = isTLS ? String(server.dropFirst(scheme.count)) : server
    let message: String
    let advice: String
    switch error.reason.map(TLSError.Code.init(rawValue:)) {
    case .peerSpeaksTLS:
      message = "the server at \(server) speaks TLS, and it was called without"
      advice = "Write --server \(scheme)\(address) (BATON_SERVER)."
    case .peerWithoutTLS:
      message = "the server at \(address) does not speak TLS"
      advice =
        "Write --server \(address) (BATON_SERVER), or give the server certificates: tls.certificate "
        + "and tls.key."
    case .peerHungUp where isTLS:
      message = "the server at \(address) closed the connection during the TLS handshake"
      advice = "If it does not speak TLS, write --server \(address) (BATON_SERVER)."
    case .peerHungUp:
      message = "the server at \(address) closed the connection before it said anything"
      advice = "If it speaks TLS, write --server \(scheme)\(address) (BATON_SERVER)."
    case .handshakeFailed:
      message =
        "the server at \(address) and this command do not trust each other: "
        + (error.cause ?? "the TLS handshake failed")
      advice =
        "--tls-ca names the authorities that sign the server's certificate, --tls-server-name the "
        + "name in it, --tls-certificate and --tls-key what to show to the server."
    default:
      message = "no server answers at \(server)"
      advice =
        "Start one with `baton serve` or `baton dev`, or name another with --server or BATON_SERVER."
    }
    self.init(.unavailable, code: "UNAVAILABLE", message: message)
    self.advice = advice
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
