/// Durations as people write them: `500ms`, `30s`, `5m`, `2h`, `30d`, `1m30s`.
public enum DurationText {
  private static let units: [(suffix: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]

  /// What to tell somebody whose duration cannot be read.
  public static let hint = "write a number and a unit, such as 500ms, 30s, 5m, 2h or 30d"

  /// Milliseconds; nil where `text` is no duration or does not fit. A leading `-` is read, so that
  /// a negative duration can be refused as such.
  public static func milliseconds(_ text: String) -> Int64? {
    var rest = Substring(text)
    let sign: Int64 = rest.first == "-" ? -1 : 1
    if sign < 0 { rest.removeFirst() }
    guard !rest.isEmpty else { return nil }
    if rest == "0" { return 0 }
    var total = 0.0
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest.removeFirst(number.count)
      let suffix = rest.prefix { $0.isASCII && $0.isLetter }
      rest.removeFirst(suffix.count)
      guard let value = Double(number),
        let unit = units.first(where: { $0.suffix == suffix })
      else { return nil }
      total += value * Double(unit.milliseconds)
    }
    guard total < 9e15 else { return nil }
    return sign * Int64(total.rounded())
  }

  /// The shortest text in one unit that says exactly `milliseconds`.
  public static func text(_ milliseconds: Int64) -> String {
    let unit = units.last { milliseconds != 0 && milliseconds % $0.milliseconds == 0 } ?? units[0]
    return "\(milliseconds / unit.milliseconds)\(unit.suffix)"
  }
}
