internal import Dispatch
internal import NIOConcurrencyHelpers

/// Hands hints to the subscriber on the caller's thread, inside `enqueue` (S8).
public final class MemoryQueue: HandOutQueue {
  private struct State {
    var take: (@Sendable ([HandOutHint]) -> Void)?
    var isClosed = false
    /// Calls of `take` that have begun and not ended.
    var running = 0
    /// Signalled when the last of them ends after `close`.
    var drained: DispatchSemaphore?

    mutating func begin() throws(QueueError) -> @Sendable ([HandOutHint]) -> Void {
      guard !isClosed else { throw QueueError(.misuse, "the queue is closed") }
      guard let take else {
        throw QueueError(.misuse, "nobody takes hints yet: subscribe first")
      }
      running += 1
      return take
    }

    mutating func subscribe(
      _ take: @escaping @Sendable ([HandOutHint]) -> Void
    ) throws(QueueError) {
      guard !isClosed else { throw QueueError(.misuse, "the queue is closed") }
      guard self.take == nil else {
        throw QueueError(.misuse, "hints are taken by somebody already")
      }
      self.take = take
    }
  }

  private let state = NIOLockedValueBox(State())

  public init() {}

  public var name: String { "memory" }

  public func enqueue(_ hints: [HandOutHint]) throws(QueueError) {
    guard !hints.isEmpty else { return }
    let take = try state.withLockedValue { state in
      Result { () throws(QueueError) in try state.begin() }
    }.get()
    // Without the lock, so that `take` may itself enqueue.
    take(hints)
    state.withLockedValue { state in
      state.running -= 1
      if state.running == 0 { state.drained?.signal() }
    }
  }

  public func subscribe(_ take: @escaping @Sendable ([HandOutHint]) -> Void) throws(QueueError) {
    try state.withLockedValue { state in
      Result { () throws(QueueError) in try state.subscribe(take) }
    }.get()
  }

  /// Waits for calls of the subscriber that are under way; hence not to be called by it.
  public func close() {
    let drained: DispatchSemaphore? = state.withLockedValue { state in
      guard !state.isClosed else { return nil }
      state.isClosed = true
      state.take = nil
      guard state.running > 0 else { return nil }
      let drained = DispatchSemaphore(value: 0)
      state.drained = drained
      return drained
    }
    drained?.wait()
  }
}
