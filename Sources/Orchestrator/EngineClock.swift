/// The one time line of a process: milliseconds since the Unix epoch that never decrease.
public protocol EngineClock: Sendable {
  func milliseconds() -> Int64
}

/// The wall clock's time at the start of the process, carried on by the monotonic clock, so that
/// setting the wall clock fires no timer early and holds none back (S10).
public struct SystemClock: EngineClock {
  private let startWall: Int64
  private let start: ContinuousClock.Instant

  public init(wallMilliseconds: Int64) {
    startWall = wallMilliseconds
    start = ContinuousClock.now
  }

  public func milliseconds() -> Int64 {
    let elapsed = start.duration(to: .now).components
    return startWall + elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
  }
}
