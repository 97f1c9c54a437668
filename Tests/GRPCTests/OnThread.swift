import Foundation

/// Runs what blocks on a thread of its own: the tests' shared threads are as few as the machine's
/// cores, and what they all wait for may need one of them.
func onThread<Value: Sendable>(
  _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}
