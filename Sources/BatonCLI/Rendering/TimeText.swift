internal import Foundation

/// Times and durations for people.
enum TimeText {
  /// `0.4s`, `12.3s`, `2m05s`, `3h07m`; from milliseconds.
  static func duration(_ milliseconds: Int64) -> String {
    let milliseconds = max(0, milliseconds)
    let seconds = milliseconds / 1_000
    switch seconds {
    case 0..<60: return "\(seconds).\(milliseconds % 1_000 / 100)s"
    case 60..<3_600: return "\(seconds / 60)m\(padded(seconds % 60))s"
    default: return "\(seconds / 3_600)h\(padded(seconds / 60 % 60))m"
    }
  }

  private static func padded(_ number: Int64, to digits: Int = 2) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// `16:05:09.123`, of milliseconds since the Unix epoch.
  static func clock(_ time: Int64, in zone: TimeZone) -> String {
    let local = time + Int64(offset(time, zone)) * 1_000
    let ofDay = ((local % 86_400_000) + 86_400_000) % 86_400_000
    let seconds = ofDay / 1_000
    return "\(padded(seconds / 3_600)):\(padded(seconds / 60 % 60)):\(padded(seconds % 60))"
      + ".\(padded(ofDay % 1_000, to: 3))"
  }

  /// `2026-11-22 16:05:09`.
  static func date(_ time: Int64, in zone: TimeZone) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let day = calendar.dateComponents(
      [.year, .month, .day], from: Date(timeIntervalSince1970: Double(time) / 1_000))
    return "\(padded(Int64(day.year ?? 0), to: 4))-\(padded(Int64(day.month ?? 0)))-"
      + "\(padded(Int64(day.day ?? 0))) \(clock(time, in: zone).prefix(8))"
  }

  private static func offset(_ time: Int64, _ zone: TimeZone) -> Int {
    zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(time) / 1_000))
  }

  /// Milliseconds since the Unix epoch.
  static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }
}
