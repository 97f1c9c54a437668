/// Delays that double, each drawn between half of it and the whole.
struct RetryDelays: Sendable {
  private let first: Duration
  private let last: Duration
  private var next: Duration

  init(_ configuration: AdapterConfiguration) {
    first = configuration.backoffFirst
    last = configuration.backoffLast
    next = first
  }

  mutating func reset() { next = first }

  mutating func nextDelay() -> Duration {
    defer { next = min(last, next * 2) }
    return next * Double.random(in: 0.5...1)
  }
}
