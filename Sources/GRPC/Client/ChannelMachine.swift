/// A channel's connectivity as a value: events in, actions out
/// (github.com/grpc/grpc, doc/connectivity-semantics-and-api.md).
///
///     idle --call--> connecting --ready--> ready --lost, goAway--> idle
///                        |  ^
///                  failed|  |timer, if somebody waits
///                        v  |
///                      backoff            (close from anywhere: closed)
struct ChannelMachine: Equatable {
  enum State: Equatable {
    /// Not connected, nobody asks for it. Can transition to `connecting`, `closed`.
    case idle
    /// Can transition to `ready`, `backoff`, `closed`.
    case connecting
    /// Calls are sent. Can transition to `idle`, `closed`.
    case ready
    /// Waiting before the next attempt. Can transition to `connecting`, `idle`, `closed`.
    case backoff
    case closed
  }

  enum Event: Equatable {
    case callStarted(waitForReady: Bool)
    /// The server's SETTINGS are there.
    case ready
    /// The attempt to connect failed.
    case failed
    /// The connection was lost, or takes no new calls (GOAWAY).
    case lost
    /// The backoff is over.
    case timer(isAnyoneWaiting: Bool)
    case close
  }

  enum Action: Equatable {
    case none
    /// The call waits for the connection.
    case queue
    case queueAndConnect
    case send
    /// UNAVAILABLE, never sent.
    case fail
    case connect
    case sendQueued
    /// Fail the calls that do not wait for a connection; come back after the backoff.
    case failQueuedAndBackOff(failures: Int)
    case failAllAndDisconnect
  }

  private(set) var state = State.idle
  private var failures = 0

  mutating func receive(_ event: Event) -> Action {
    switch (state, event) {
    case (.closed, .callStarted): return .fail
    case (.closed, _): return .none
    case (_, .close):
      state = .closed
      return .failAllAndDisconnect
    case (.idle, .callStarted):
      state = .connecting
      return .queueAndConnect
    case (.connecting, .callStarted): return .queue
    case (.ready, .callStarted): return .send
    case (.backoff, .callStarted(let waitForReady)): return waitForReady ? .queue : .fail
    case (.connecting, .ready):
      state = .ready
      failures = 0
      return .sendQueued
    case (.connecting, .failed), (.connecting, .lost):
      state = .backoff
      failures += 1
      return .failQueuedAndBackOff(failures: failures)
    case (.ready, .lost):
      state = .idle
      return .none
    case (.backoff, .timer(let isAnyoneWaiting)):
      state = isAnyoneWaiting ? .connecting : .idle
      return isAnyoneWaiting ? .connect : .none
    case (_, .ready), (_, .failed), (_, .lost), (_, .timer):
      // Late news of a connection or timer that the channel has given up.
      return .none
    }
  }
}
