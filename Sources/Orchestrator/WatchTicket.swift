internal import NIOConcurrencyHelpers

/// Connects a waiting watcher with the cancellation of the call it waits for.
final class WatchTicket: Sendable {
  private enum State {
    case new
    case waiting(UInt64)
    case cancelled
  }

  private let state = NIOLockedValueBox(State.new)

  /// The watcher waits as `number`; true where the call was cancelled before.
  func waits(as number: UInt64) -> Bool {
    state.withLockedValue { state in
      if case .cancelled = state { return true }
      state = .waiting(number)
      return false
    }
  }

  /// The watcher to take back, if it waits already.
  func cancel() -> UInt64? {
    state.withLockedValue { state in
      defer { state = .cancelled }
      if case .waiting(let number) = state { return number }
      return nil
    }
  }
}
