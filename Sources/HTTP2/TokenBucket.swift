internal import NIOCore

/// How often something may happen: `burst` times at once, and `perSecond` times a second after.
public struct HTTP2Rate: Sendable, Hashable {
  /// Tokens in a full bucket; at least 1.
  public var burst: Int
  /// Tokens that come back in a second; at least 1.
  public var perSecond: Int

  public init(burst: Int, perSecond: Int) {
    self.burst = max(1, burst)
    self.perSecond = max(1, perSecond)
  }
}

/// A token bucket as one number, the time at which it will be full again (ITU-T I.371, "generic
/// cell rate algorithm"). Reads no clock.
struct TokenBucket {
  private var fullAt: NIODeadline = .uptimeNanoseconds(0)

  /// Takes one token; false if there is none.
  mutating func take(_ rate: HTTP2Rate, now: NIODeadline) -> Bool {
    let interval = Self.interval(rate)
    let next = max(fullAt, now) + interval
    guard next - now <= interval * rate.burst else { return false }
    fullAt = next
    return true
  }

  /// Puts `count` tokens back; a full bucket stays full.
  mutating func give(_ count: Int, _ rate: HTTP2Rate) {
    let interval = Self.interval(rate)
    let uptime = Int64(clamping: fullAt.uptimeNanoseconds)
    let earned = interval.nanoseconds.multipliedReportingOverflow(by: Int64(count))
    guard !earned.overflow, earned.partialValue < uptime else {
      fullAt = .uptimeNanoseconds(0)
      return
    }
    fullAt = .uptimeNanoseconds(UInt64(uptime - earned.partialValue))
  }

  private static func interval(_ rate: HTTP2Rate) -> TimeAmount {
    .nanoseconds(1_000_000_000 / Int64(rate.perSecond))
  }
}
