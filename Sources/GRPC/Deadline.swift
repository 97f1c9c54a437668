internal import NIOCore

/// A moment on this machine's monotonic clock by which a call must be answered.
public struct Deadline: Sendable, Hashable, Comparable {
  let time: NIODeadline

  init(_ time: NIODeadline) {
    self.time = time
  }

  /// That long from now.
  public init(after duration: Duration) {
    time = .now() + TimeAmount(duration)
  }

  /// Time left; negative when it has passed.
  public var remaining: Duration {
    .nanoseconds((time - .now()).nanoseconds)
  }

  public var isPast: Bool { time <= .now() }

  public static func < (left: Deadline, right: Deadline) -> Bool { left.time < right.time }
}

/// What a call hands down to the calls made on its behalf.
public enum CallScope {
  /// Deadline of the call whose handler is running in this task; calls made from it end no later.
  @TaskLocal public static var deadline: Deadline?
}

extension Duration {
  /// Nanoseconds, as much as fits.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, sumOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
    return sumOverflow ? (seconds < 0 ? .min : .max) : sum
  }
}
