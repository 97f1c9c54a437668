internal import Foundation

/// The wall clock.
enum WallClock {
  /// Milliseconds since the Unix epoch.
  static func milliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}
