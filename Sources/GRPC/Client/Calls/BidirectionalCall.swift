public import Messages

/// A call with many requests and many responses, independent of each other. It is cancelled when
/// nobody holds the call or its responses any more.
public struct BidirectionalCall<Request: Message, Response: Message>: Sendable {
  /// Where the requests go.
  public let requests: RequestWriter<Request>
  /// What the server answers; its end is the call's end.
  public let responses: ResponseStream<Response>

  /// Ends the call with CANCELLED, if it has not ended.
  public func cancel() {
    responses.cancel()
  }
}
