internal import Logging
internal import NIOConcurrencyHelpers

/// Keeps what clients may bring about as often as they like from filling the log: a line a second,
/// which says how many were left out since the one before.
final class LogThrottle: Sendable {
  private static let interval = Duration.seconds(1)

  private let state = NIOLockedValueBox((notBefore: ContinuousClock.now, leftOut: 0))

  /// Writes the line with `metadata`, or counts it.
  func info(_ log: Logger, _ message: Logger.Message, _ metadata: Logger.Metadata) {
    let now = ContinuousClock.now
    let leftOut = state.withLockedValue { state -> Int? in
      guard now >= state.notBefore else {
        state.leftOut += 1
        return nil
      }
      defer { state = (now + Self.interval, 0) }
      return state.leftOut
    }
    guard let leftOut else { return }
    var metadata = metadata
    if leftOut > 0 { metadata["left_out"] = "\(leftOut)" }
    log.info(message, metadata: metadata)
  }
}
