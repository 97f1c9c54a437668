internal import NIOCore

/// A handler that is suspended until its connection lets it read or write on. Its identity tells it
/// from the ones before and after it.
///
/// `@unchecked Sendable`: written by the suspending task before it is handed to the connection's
/// event loop, used there only from then on.
final class Waiter<Value: Sendable>: @unchecked Sendable {
  private var continuation: CheckedContinuation<Value, any Error>?
  /// The cancellation came before the waiting.
  private(set) var isCancelled = false

  func begin(_ continuation: CheckedContinuation<Value, any Error>) {
    self.continuation = continuation
  }

  func cancel() {
    isCancelled = true
    resume(with: .failure(CancellationError()))
  }

  func resume(with result: Result<Value, any Error>) {
    let continuation = continuation
    self.continuation = nil
    continuation?.resume(with: result)
  }
}
