public import Messages

/// A call with many requests and one response. It is cancelled when it is let go of before its end.
public struct ClientStreamingCall<Request: Message, Response: Message>: Sendable {
  private let owner: Owner

  /// Cancels the call when nobody can learn its response any more.
  private final class Owner: Sendable {
    let call: SingleResponseCall<Response>
    let outcome: Promise<UnaryResponse<Response>>

    init(_ call: SingleResponseCall<Response>, _ outcome: Promise<UnaryResponse<Response>>) {
      self.call = call
      self.outcome = outcome
    }

    deinit { CallHandle(call: call).cancel() }
  }

  /// Where the requests go.
  public let requests: RequestWriter<Request>

  init(
    _ call: SingleResponseCall<Response>, _ outbox: RequestOutbox,
    _ outcome: Promise<UnaryResponse<Response>>
  ) {
    owner = Owner(call, outcome)
    requests = RequestWriter(call: call, outbox: outbox)
  }

  /// The response, once the server has given it; it may come before the end of the requests.
  ///
  /// Throws `RPCError` when the call fails. Cancelling the task that waits cancels the call.
  public func response() async throws -> UnaryResponse<Response> {
    try await withTaskCancellationHandler {
      try await owner.outcome.value()
    } onCancel: {
      cancel()
    }
  }

  /// Ends the call with CANCELLED, if it has not ended.
  public func cancel() {
    CallHandle(call: owner.call).cancel()
  }
}
