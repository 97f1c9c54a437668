/// How long to wait before connecting again (github.com/grpc/grpc, doc/connection-backoff.md).
public struct Backoff: Sendable, Hashable {
  public var initial: Duration
  public var multiplier: Double
  public var max: Duration
  /// Share of the delay by which it varies: 0.2 gives 80 % to 120 %.
  public var jitter: Double

  public init(
    initial: Duration = .milliseconds(200), multiplier: Double = 1.6, max: Duration = .seconds(20),
    jitter: Double = 0.2
  ) {
    self.initial = initial
    self.multiplier = multiplier
    self.max = max
    self.jitter = jitter
  }

  /// The delay after `failures` (at least 1) in a row; `random` is in -1...1.
  func delay(failures: Int, random: Double) -> Duration {
    var delay = initial
    for _ in 1..<Swift.max(failures, 1) where delay < max { delay = delay * multiplier }
    return Swift.min(delay, max) * (1 + jitter * random)
  }
}
