internal import Dispatch
internal import NIOConcurrencyHelpers

/// Work on a thread of its own beside the check.
final class Background<Value: Sendable>: Sendable {
  private let outcome = NIOLockedValueBox<Result<Value, any Error>?>(nil)
  private let done = DispatchSemaphore(value: 0)

  init(_ work: @escaping @Sendable () throws -> Value) {
    DispatchQueue(label: "conformance").async {
      let result = Result { try work() }
      self.outcome.withLockedValue { $0 = result }
      self.done.signal()
    }
  }

  /// Waits for the end of the work; called once.
  func result() throws -> Value {
    done.wait()
    guard let outcome = outcome.withLockedValue({ $0 }) else {
      throw ConformanceFailure("the work has ended without an outcome")
    }
    return try outcome.get()
  }
}
