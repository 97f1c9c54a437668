/// Lets calls pass that show a token which the server knows ("authorization: Bearer …", RFC 6750
/// §2.1); others are refused with UNAUTHENTICATED before anything of them is decoded.
public struct ServerBearerToken: ServerInterceptor {
  private let tokens: AcceptedTokens
  private let exempt: Set<String>

  /// - Parameter exempt: full names of services that need no token: whoever starts and stops a server
  ///   asks for its health.
  public init(_ tokens: AcceptedTokens, exempt: Set<String> = ["grpc.health.v1.Health"]) {
    self.tokens = tokens
    self.exempt = exempt
  }

  public func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor {
    Bound(tokens: tokens, isExempt: methods.map { exempt.contains($0.service) })
  }

  private struct Bound: ServerInterceptor {
    let tokens: AcceptedTokens
    let isExempt: [Bool]

    private static let missing = RPCError(
      code: .unauthenticated, reason: "TOKEN_MISSING",
      message: "the call shows no token (\"authorization: Bearer …\")")
    private static let refused = RPCError(
      code: .unauthenticated, reason: "TOKEN_REFUSED", message: "the call's token is not known here"
    )

    func callStarted(_ context: ServerContext) throws(RPCError) {
      guard !isExempt[context.methodIndex] else { return }
      guard let shown = context.header("authorization"),
        shown.prefix(7).lowercased() == "bearer "
      else { throw Self.missing }
      guard tokens.accept(shown.utf8.dropFirst(7)) else { throw Self.refused }
    }
  }
}
