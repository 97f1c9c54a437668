internal import JSON

/// Cuts the text of a condition into tokens.
struct ConditionLexer {
  enum Token: Equatable {
    case name(String)
    case string(String)
    case number(String)
    /// An operator, a bracket, a dot or a comma.
    case symbol(String)
    case end

    /// As it is shown in a message.
    var shown: String {
      switch self {
      case .name(let text), .number(let text), .symbol(let text): "\"\(text)\""
      case .string(let text): "the string '\(text)'"
      case .end: "the end"
      }
    }
  }

  private let scalars: [Unicode.Scalar]
  private(set) var offset = 0

  init(_ text: String) { scalars = Array(text.unicodeScalars) }

  private var next: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

  /// The next token and its 1-based place.
  mutating func take() throws(ConditionMistake) -> (token: Token, place: Int) {
    while let scalar = next, " \t\r\n".unicodeScalars.contains(scalar) { offset += 1 }
    let place = offset + 1
    guard let scalar = next else { return (.end, place) }
    if Self.beginsName(scalar) { return (.name(run(Self.isInName)), place) }
    if Self.isDigit(scalar) { return (.number(try number(place)), place) }
    if scalar == "'" || scalar == "\"" { return (.string(try string(quote: scalar)), place) }
    for symbol in Self.symbols where scalars[offset...].starts(with: symbol.unicodeScalars) {
      offset += symbol.unicodeScalars.count
      return (.symbol(symbol), place)
    }
    throw ConditionMistake(place, "\"\(scalar)\" means nothing here\(Self.hint(for: scalar))")
  }

  /// Longer ones before those they begin with.
  private static let symbols = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ".", ",", "-",
  ]

  private static func hint(for scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "=": "; write == to compare"
    case "&": "; write && for and"
    case "|": "; write || for or"
    case "$", "{", "}": "; a condition is written without ${{ }}"
    case "+", "*", "/", "%": "; there is no arithmetic"
    case "?", ":": "; there is no choice between values"
    default: ""
    }
  }

  static func beginsName(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "_" || (scalar.isASCII && scalar.properties.isAlphabetic)
  }

  static func isInName(_ scalar: Unicode.Scalar) -> Bool {
    beginsName(scalar) || isDigit(scalar)
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    ("0"..."9").contains(scalar)
  }

  private mutating func run(_ belongs: (Unicode.Scalar) -> Bool) -> String {
    var text = String.UnicodeScalarView()
    while let scalar = next, belongs(scalar) {
      text.append(scalar)
      offset += 1
    }
    return String(text)
  }

  /// An integer of 64 bits or a finite number, as JSON writes them.
  private mutating func number(_ place: Int) throws(ConditionMistake) -> String {
    var text = run(Self.isDigit)
    var isInteger = true
    if next == ".", offset + 1 < scalars.count, Self.isDigit(scalars[offset + 1]) {
      offset += 1
      text += "." + run(Self.isDigit)
      isInteger = false
    }
    if next == "e" || next == "E" {
      offset += 1
      text += "e"
      if let sign = next, sign == "+" || sign == "-" {
        offset += 1
        text.unicodeScalars.append(sign)
      }
      text += run(Self.isDigit)
      isInteger = false
    }
    let hasRest = next.map(Self.isInName) ?? false
    let fits = isInteger ? Int64(text) != nil : Double(text)?.isFinite == true
    guard fits, !hasRest, JSONValue.isNumber(text) else {
      throw ConditionMistake(place, "\"\(text)\" is no number, or one that does not fit 64 bits")
    }
    return text
  }

  private mutating func string(quote: Unicode.Scalar) throws(ConditionMistake) -> String {
    let start = offset + 1
    offset += 1
    var text = String.UnicodeScalarView()
    while let scalar = next {
      offset += 1
      if scalar == quote { return String(text) }
      if scalar.isControlCharacter {
        throw ConditionMistake(offset, "a control character must be escaped")
      }
      text.append(scalar == "\\" ? try escape() : scalar)
    }
    throw ConditionMistake(start, "the string is not closed")
  }

  private mutating func escape() throws(ConditionMistake) -> Unicode.Scalar {
    let place = offset + 1
    guard let scalar = next else { throw ConditionMistake(place, "the string is not closed") }
    offset += 1
    switch scalar {
    case "\\", "'", "\"": return scalar
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "u":
      let digits = scalars[offset...].prefix(4)
      let hex = String(String.UnicodeScalarView(digits))
      guard digits.count == 4, digits.allSatisfy({ $0.properties.isASCIIHexDigit }),
        let code = UInt32(hex, radix: 16), let made = Unicode.Scalar(code)
      else { throw ConditionMistake(place, "\\u needs four hexadecimal digits of a character") }
      offset += 4
      return made
    default:
      throw ConditionMistake(place, "unknown escape; there are \\\\ \\' \\\" \\n \\r \\t \\uXXXX")
    }
  }
}

extension JSONValue {
  /// Whether `text` is a number of JSON.
  fileprivate static func isNumber(_ text: String) -> Bool {
    (try? JSONReader.validate(Array(text.utf8))) != nil
  }
}
