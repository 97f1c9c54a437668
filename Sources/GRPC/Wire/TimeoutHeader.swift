/// The value of `grpc-timeout`: at most eight digits and a unit (doc/PROTOCOL-HTTP2.md, "Timeout").
enum TimeoutHeader {
  /// Largest value of eight digits.
  private static let valueMax: Int64 = 99_999_999

  private static let units: [(UInt8, nanoseconds: Int64)] = [
    (UInt8(ascii: "n"), 1), (UInt8(ascii: "u"), 1_000), (UInt8(ascii: "m"), 1_000_000),
    (UInt8(ascii: "S"), 1_000_000_000), (UInt8(ascii: "M"), 60_000_000_000),
    (UInt8(ascii: "H"), 3_600_000_000_000),
  ]

  /// Nanoseconds, as much as fits; nil for a malformed value.
  static func parse(_ text: UnsafeRawBufferPointer) -> Int64? {
    guard (2...9).contains(text.count), let unit = text.last,
      let scale = units.first(where: { $0.0 == unit })?.nanoseconds
    else { return nil }
    var value: Int64 = 0
    for byte in text.dropLast() {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - UInt8(ascii: "0"))
    }
    let (product, overflow) = value.multipliedReportingOverflow(by: scale)
    return overflow ? .max : product
  }

  /// In the finest unit that fits, rounded up: the peer must not give up before we do.
  static func format(nanoseconds: Int64) -> String {
    let nanoseconds = max(nanoseconds, 0)
    for (unit, scale) in units {
      let value = nanoseconds / scale + (nanoseconds % scale > 0 ? 1 : 0)
      if value <= valueMax { return "\(value)\(Character(UnicodeScalar(unit)))" }
    }
    return "\(valueMax)H"
  }
}
