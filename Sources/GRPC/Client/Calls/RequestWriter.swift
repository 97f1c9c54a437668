public import Messages

/// Sends the requests of a call, in order. Writers on several threads may take turns; each request
/// goes out whole.
public struct RequestWriter<Request: Message>: Sendable {
  let call: ClientCall
  let outbox: RequestOutbox

  /// Sends a request. Suspends while the server does not read: what waits on this side stays under
  /// one message and 16 KiB, twice. Requests are also kept until the response begins, up to
  /// `ChannelConfiguration.replayBytesMax`, for starting over on another connection.
  ///
  /// Throws `RPCError` when the call has ended: its own status, or CANCELLED when the server
  /// answered OK without reading on; how the call ended is for the response to say. Cancelling the
  /// task cancels the call.
  public func write(_ request: Request) async throws {
    try await write(request, compressed: call.options.compressesRequests)
  }

  /// The same, with the compression of this request decided here. Nothing is compressed where the
  /// call's options do not say that requests may be.
  public func write(_ request: Request, compressed: Bool) async throws {
    if Task.isCancelled {
      CallHandle(call: call).cancel()
      throw RPCError.cancelledByCaller
    }
    let outcome =
      compressed && call.options.compressesRequests
      ? request.withCompressedFrame { outbox.write($0) } : request.withFrame { outbox.write($0) }
    switch outcome {
    case .failed(let error):
      throw error
    case .written(let wakes, let waits):
      if wakes { call.requestsArePending() }
      guard waits else { return }
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { outbox.wait($0) }
      } onCancel: {
        CallHandle(call: call).cancel()
      }
    }
  }

  /// Ends the requests; the response is still to come. Without it the server waits for more.
  public func finish() {
    if outbox.finish() { call.requestsArePending() }
  }
}
