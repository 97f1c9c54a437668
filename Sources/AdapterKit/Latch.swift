internal import NIOConcurrencyHelpers

/// An event that happens once, and that any number of tasks wait for.
final class Latch: Sendable {
  private struct State {
    var isOpen = false
    var made = 0
    /// A waiter that has not come to rest yet has no continuation.
    var waiters: [Int: CheckedContinuation<Void, Never>?] = [:]
  }

  private let state = NIOLockedValueBox(State())

  var isOpen: Bool { state.withLockedValue { $0.isOpen } }

  /// It has happened; everyone goes on.
  func open() {
    let waiters = state.withLockedValue { state in
      state.isOpen = true
      defer { state.waiters = [:] }
      return state.waiters
    }
    for case .some(let continuation) in waiters.values { continuation.resume() }
  }

  /// Returns once it has happened, once `limit` has passed, or once the task is cancelled.
  func wait(atMost limit: Duration? = nil) async {
    let waiter = state.withLockedValue { state -> Int? in
      guard !state.isOpen else { return nil }
      state.made += 1
      state.waiters.updateValue(nil, forKey: state.made)
      return state.made
    }
    guard let waiter else { return }
    let timer = limit.map { limit in
      Task {
        do { try await Task.sleep(for: limit) } catch { return }
        self.release(waiter)
      }
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReleased = state.withLockedValue { state in
          guard state.waiters[waiter] != nil else { return true }
          state.waiters[waiter] = continuation
          return false
        }
        if isReleased { continuation.resume() }
      }
    } onCancel: {
      release(waiter)
    }
    timer?.cancel()
  }

  private func release(_ waiter: Int) {
    let continuation = state.withLockedValue { $0.waiters.removeValue(forKey: waiter) }
    continuation??.resume()
  }
}
