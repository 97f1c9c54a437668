public import Messages

/// The responses of a server-streaming call, read one after the other by one reader. Window is
/// given back as they are read, so a slow reader slows the server down.
///
/// Reading throws `RPCError` when the call fails. The call is cancelled when the task that reads is
/// cancelled, and when the stream is let go of before its end.
public struct ResponseStream<Response: Message>: AsyncSequence, Sendable {
  public typealias Element = Response

  fileprivate let owner: Owner

  /// Cancels the call when nobody can read it any more.
  fileprivate final class Owner: Sendable {
    let call: StreamingCall<Response>
    init(_ call: StreamingCall<Response>) { self.call = call }
    deinit { call.cancel() }
  }

  init(_ call: StreamingCall<Response>) {
    owner = Owner(call)
  }

  /// Metadata that came with the first response; nil before it.
  public var initialMetadata: Metadata? { owner.call.initialMetadata }

  /// Metadata that came with the status; nil before the end.
  public var trailingMetadata: Metadata? { owner.call.trailingMetadata }

  /// Whether the response read last came compressed.
  public var isCompressed: Bool { owner.call.isLastCompressed }

  /// Ends the call with CANCELLED, if it has not ended.
  public func cancel() {
    owner.call.cancel()
  }

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(owner: owner)
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    fileprivate let owner: Owner

    public mutating func next() async throws -> Response? {
      guard let bytes = try await owner.call.next() else { return nil }
      do {
        return try Response(decoding: bytes)
      } catch {
        owner.call.cancel()
        throw RPCError(
          code: .internalError, message: "the response is no \(Response.protoName)",
          cause: error.description)
      }
    }
  }
}
