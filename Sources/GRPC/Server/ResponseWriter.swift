public import Messages

/// Sends the responses of a streaming call, one after the other.
public struct ResponseWriter<Response: Message>: Sendable {
  let call: ServerCall

  /// Sends a response. Suspends while the client does not read: what waits on this side stays under
  /// one message and the high-water mark of 8 KiB.
  ///
  /// Throws `RPCError` (CANCELLED) when the call has ended: reset by the client, its deadline
  /// passed, its connection lost; `CancellationError` when the task is cancelled while it waits.
  public func write(_ response: Response) async throws {
    try await call.write(response, compressed: nil)
  }

  /// The same with a choice of its own: whether the response is compressed. It is not if the client
  /// does not accept gzip, or if the headers have left without naming it: where the first response
  /// is not compressed and later ones shall be, set `ServerContext.compressesResponses` first.
  public func write(_ response: Response, compressed: Bool) async throws {
    try await call.write(response, compressed: compressed)
  }

  /// Sends the initial metadata at once, before there is a response. Does nothing once it is sent.
  public func sendHeaders() {
    call.sendHeadersNow()
  }
}
