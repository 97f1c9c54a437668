internal import NIOConcurrencyHelpers

/// How a channel stands (github.com/grpc/grpc, doc/connectivity-semantics-and-api.md).
public enum ConnectivityState: Sendable, Hashable {
  /// Not connected, and nobody asks for it.
  case idle
  /// Resolving its name or connecting.
  case connecting
  /// Calls are sent.
  case ready
  /// The last attempts failed; there is another one after a while.
  case transientFailure
  /// The channel was closed.
  case shutdown
}

/// A channel's state for readers on any thread.
final class Connectivity: Sendable {
  private let state = NIOLockedValueBox(State())

  private struct State {
    var current = ConnectivityState.idle
    var watchers: [Int: AsyncStream<ConnectivityState>.Continuation] = [:]
    var nextWatcher = 0
  }

  var current: ConnectivityState { state.withLockedValue { $0.current } }

  /// From one thread at a time.
  func set(_ new: ConnectivityState) {
    let watchers = state.withLockedValue { state -> [AsyncStream<ConnectivityState>.Continuation] in
      guard state.current != new else { return [] }
      state.current = new
      return Array(state.watchers.values)
    }
    for watcher in watchers {
      watcher.yield(new)
      if new == .shutdown { watcher.finish() }
    }
  }

  /// The current state, then every change; ends with `shutdown`.
  func changes() -> AsyncStream<ConnectivityState> {
    let (stream, continuation) = AsyncStream.makeStream(of: ConnectivityState.self)
    let id = state.withLockedValue { state -> Int in
      continuation.yield(state.current)
      if state.current == .shutdown {
        continuation.finish()
      } else {
        state.watchers[state.nextWatcher] = continuation
      }
      state.nextWatcher += 1
      return state.nextWatcher - 1
    }
    continuation.onTermination = { [weak self] _ in
      self?.state.withLockedValue { $0.watchers[id] = nil }
    }
    return stream
  }
}
