/// Work around the calls of a server that is the same for all methods: logging, metrics, tracing,
/// authentication, limits (`ServerConfiguration.interceptors`).
///
/// Called on the call's event loop, so it must neither block nor take long.
public protocol ServerInterceptor: Sendable {
  /// The interceptor as one server uses it. Called once when the server is made, with its methods
  /// in the order of `ServerContext.methodIndex`, so that what it keeps for each can be looked up
  /// by number.
  func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor

  /// The call's headers have arrived, its requests have not been looked at. Interceptors are asked
  /// in their order; the first that throws refuses the call with that status, nothing of which is
  /// decoded then. A status without a reason is given that of its code.
  ///
  /// May set metadata and `context.serviceContext`, which is made current for the handler.
  func callStarted(_ context: ServerContext) throws(RPCError)

  /// The call has ended with that status (nil: OK), the one that the client gets: answered, refused
  /// by a later interceptor, or given up by the client or its deadline. Called once, in reverse
  /// order, for each interceptor that has let the call pass.
  func callEnded(_ context: ServerContext, status: RPCError?)
}

extension ServerInterceptor {
  public func bound(to methods: [MethodDescriptor]) -> any ServerInterceptor { self }
  public func callStarted(_ context: ServerContext) throws(RPCError) {}
  public func callEnded(_ context: ServerContext, status: RPCError?) {}
}

extension RPCError {
  /// The same error; one without a reason is given that of its code, "UNAUTHENTICATED".
  fileprivate var withReason: RPCError {
    guard reason == nil else { return self }
    var error = self
    error.details += RPCError(code: code, reason: code.description, message: message).details
    return error
  }
}

extension [any ServerInterceptor] {
  /// Asks all of them; answers why the call is refused, if it is, and who has let it pass before.
  func start(
    _ context: ServerContext
  ) -> (refusal: RPCError, passed: [any ServerInterceptor])? {
    for index in indices {
      do throws(RPCError) {
        try self[index].callStarted(context)
      } catch {
        return (error.withReason, Array(self[..<index]))
      }
    }
    return nil
  }

  func end(_ context: ServerContext, status: RPCError?) {
    // By index: a loop over the elements would copy each of them.
    for index in indices.reversed() { self[index].callEnded(context, status: status) }
  }
}
