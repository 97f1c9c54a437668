public import Messages
internal import NIOCore

/// The requests of a client-streaming or bidirectional call, read one after the other by one
/// reader. Window is given back as they are read, so a slow reader slows the client down, and one
/// that stops costs no more than one window and one message.
///
/// Ends when the client has ended its side. Reading throws `RPCError` when the call has ended
/// otherwise (CANCELLED: reset by the client, its connection lost; DEADLINE_EXCEEDED; what cannot
/// be read as a request), `CancellationError` when the reading task was cancelled.
public struct RequestStream<Request: Message>: AsyncSequence, Sendable {
  public typealias Element = Request

  let call: ServerCall

  public func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(call: call)
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let call: ServerCall

    public mutating func next() async throws -> Request? {
      try await next(isolation: nil)
    }

    public mutating func next(isolation actor: isolated (any Actor)?) async throws -> Request? {
      switch try call.takeRequest() {
      case .message(let bytes): return try call.decodeStreamed(bytes)
      case .end: return nil
      case .incomplete: break
      }
      guard let bytes = try await call.awaitRequest(isolation: actor) else { return nil }
      return try call.decodeStreamed(bytes)
    }
  }
}
