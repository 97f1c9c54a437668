/// Shows a token with every call ("authorization: Bearer …", RFC 6750 §2.1). Where it could be read
/// on the way, over cleartext to another machine, the call is not sent and ends with
/// UNAUTHENTICATED.
public struct ClientBearerToken: ClientInterceptor {
  private let token: @Sendable () throws -> String

  /// - Parameter token: asked for every call, in the caller's task; must not block. What it throws
  ///   ends the call: an `RPCError` as it is, anything else as UNAUTHENTICATED.
  public init(_ token: @escaping @Sendable () throws -> String) {
    self.token = token
  }

  public func callStarting(_ call: inout OutgoingCall) throws(RPCError) {
    guard call.isPrivate else {
      throw RPCError(
        code: .unauthenticated, reason: "CREDENTIALS_IN_CLEARTEXT",
        message: "the token would be sent in cleartext to \(call.target)")
    }
    do {
      call.metadata.add("authorization", "Bearer \(try token())")
    } catch let error as RPCError {
      throw error
    } catch {
      var missing = RPCError(
        code: .unauthenticated, reason: "TOKEN_MISSING", message: "there is no token for the call")
      missing.cause = "\(error)"
      throw missing
    }
  }
}
