internal import NIOConcurrencyHelpers

/// The outcome of a call, set once and asked for any number of times.
final class Promise<Value: Sendable>: Sendable {
  private let state = NIOLockedValueBox(State())

  private struct State {
    var outcome: Result<Value, RPCError>?
    var waiting: [CheckedContinuation<Value, any Error>] = []
  }

  func fulfill(_ outcome: Result<Value, RPCError>) {
    let waiting = state.withLockedValue { state in
      state.outcome = outcome
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume(with: outcome) }
  }

  func value() async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let outcome = state.withLockedValue { state in
        if state.outcome == nil { state.waiting.append(continuation) }
        return state.outcome
      }
      if let outcome { continuation.resume(with: outcome) }
    }
  }
}
