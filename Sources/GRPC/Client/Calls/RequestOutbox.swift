internal import Messages
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A `RequestQueue` that writers on any thread and the call's event loop share, and the writers
/// that wait for room in it.
final class RequestOutbox: Sendable {
  private let state: NIOLockedValueBox<State>

  typealias Waiter = CheckedContinuation<Void, any Error>

  private struct State {
    var queue: RequestQueue
    var waiters: [Waiter] = []
    /// What writing fails with once the call has ended.
    var failure = RequestOutbox.over
  }

  /// The call has ended with OK before its requests did, or nobody is there to say how.
  private static let over = RPCError(code: .cancelled, message: "the call has ended")

  init(replayBytesMax: Int) {
    state = NIOLockedValueBox(State(queue: RequestQueue(replayBytesMax: replayBytesMax)))
  }

  // MARK: From the writer

  enum Outcome {
    case written(wakes: Bool, waits: Bool)
    case failed(RPCError)
  }

  func write(_ frame: UnsafeRawBufferPointer) -> Outcome {
    state.withLockedValue { state in
      switch state.queue.write(frame) {
      case .accepted(let wakes, let waits): .written(wakes: wakes, waits: waits)
      case .ended: .failed(state.failure)
      case .afterFinish:
        .failed(RPCError(code: .internalError, message: "a request after the end of the requests"))
      }
    }
  }

  /// Resumes when there is room, and throws when the call ends first.
  func wait(_ waiter: Waiter) {
    let outcome = state.withLockedValue { state -> Result<Void, any Error>? in
      if state.queue.state == .ended { return .failure(state.failure) }
      guard state.queue.unsentBytes >= RequestQueue.unsentBytesHigh else { return .success(()) }
      state.waiters.append(waiter)
      return nil
    }
    if let outcome { waiter.resume(with: outcome) }
  }

  /// Answers whether the event loop must be told.
  func finish() -> Bool {
    state.withLockedValue { $0.queue.finish() }
  }

  // MARK: On the event loop

  /// Whether the call can start over with all its requests.
  var isReplayable: Bool { state.withLockedValue { $0.queue.isReplayable } }

  func startOver() {
    state.withLockedValue { $0.queue.startOver() }
  }

  func commit() {
    state.withLockedValue { $0.queue.commit() }
  }

  /// Hands out what was written; writers that waited go on.
  func take(_ body: (UnsafeRawBufferPointer) -> Void) -> RequestQueue.Portion {
    let (portion, waiters) = state.withLockedValue { state in
      let portion = state.queue.take(body)
      defer { state.waiters = [] }
      return (portion, state.waiters)
    }
    for waiter in waiters { waiter.resume() }
    return portion
  }

  /// The call is over; nil: with OK.
  func end(_ error: RPCError?) {
    let (failure, waiters) = state.withLockedValue { state in
      state.queue.end()
      if let error { state.failure = error }
      defer { state.waiters = [] }
      return (state.failure, state.waiters)
    }
    for waiter in waiters { waiter.resume(throwing: failure) }
  }
}
