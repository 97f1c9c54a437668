internal import JSON

/// What a plain scalar stands for in YAML's core schema (YAML 1.2.2 section 10.3.2).
///
/// `yes`, `on`, `012` and `1:30` are texts or decimal numbers here, as in YAML 1.2, not what they
/// were in YAML 1.1.
enum CoreScalar {
  static func value(_ text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": .null
    case "true", "True", "TRUE": .bool(true)
    case "false", "False", "FALSE": .bool(false)
    default: number(text).map { .number($0) } ?? .string(text)
    }
  }

  /// The number as JSON writes it; nil where the text is no number that JSON has. `.inf` and `.nan`
  /// stay texts, so that whoever wants a number there says so.
  private static func number(_ text: String) -> String? {
    if text.hasPrefix("0x") { return based(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0o") { return based(text.dropFirst(2), radix: 8) }
    var rest = Substring(text)
    var sign = ""
    if rest.first == "-" || rest.first == "+" { sign = rest.removeFirst() == "-" ? "-" : "" }
    let whole = takeDigits(&rest)
    var fraction = ""
    let hasPoint = rest.first == "."
    if hasPoint {
      rest.removeFirst()
      fraction = takeDigits(&rest)
    }
    guard !whole.isEmpty || !fraction.isEmpty else { return nil }
    guard let exponent = takeExponent(&rest), rest.isEmpty else { return nil }
    let digits = whole.drop { $0 == "0" }
    let number = sign + (digits.isEmpty ? "0" : String(digits))
    return number + (fraction.isEmpty ? "" : ".\(fraction)") + exponent
  }

  private static func takeDigits(_ rest: inout Substring) -> String {
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    rest.removeFirst(digits.count)
    return String(digits)
  }

  /// Empty where there is none; nil where it is broken off.
  private static func takeExponent(_ rest: inout Substring) -> String? {
    guard rest.first == "e" || rest.first == "E" else { return "" }
    rest.removeFirst()
    var sign = ""
    if rest.first == "-" || rest.first == "+" { sign = String(rest.removeFirst()) }
    let digits = takeDigits(&rest)
    return digits.isEmpty ? nil : "e\(sign)\(digits)"
  }

  private static func based(_ digits: Substring, radix: Int) -> String? {
    guard digits.first?.isHexDigit == true else { return nil }
    return UInt64(digits, radix: radix).map(String.init)
  }
}
