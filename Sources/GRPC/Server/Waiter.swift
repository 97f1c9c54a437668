/// A handler that is suspended until its connection lets it read or write on. Its identity tells it
/// from the ones before and after it.
///
/// `@unchecked Sendable`: used on the connection's event loop only. The waiting and its cancellation
/// may come from different threads, and arrive there in either order.
final class Waiter<Value: Sendable>: @unchecked Sendable {
  private var continuation: CheckedContinuation<Value, any Error>?
  private var isCancelled = false

  /// Answers whether it waits now; it does not where the cancellation came first.
  func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    guard !isCancelled else {
      continuation.resume(throwing: CancellationError())
      return false
    }
    self.continuation = continuation
    return true
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
