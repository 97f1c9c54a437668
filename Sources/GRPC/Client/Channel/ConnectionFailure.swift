/// Why there is no connection.
struct ConnectionFailure: Sendable, Equatable {
  /// For people.
  let text: String
  /// Stable, where TLS is to blame: `TLSError.Code`.
  private var code: TLSError.Code?

  init(_ text: String) {
    self.text = text
  }

  init(_ error: any Error) {
    text = "\(error)"
    code = (error as? TLSError)?.code
  }

  /// The status of calls that were not sent for it.
  func status(_ target: Target) -> RPCError {
    let message = "there is no connection to \(target.text)"
    var status = RPCError(code: .unavailable, message: message)
    if let code {
      status = RPCError(code: .unavailable, reason: code.rawValue, message: message)
    }
    status.cause = text
    return status
  }
}
