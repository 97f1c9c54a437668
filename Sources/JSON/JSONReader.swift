/// Walks over JSON text byte by byte without building values.
///
/// `skipValue` checks the whole grammar of RFC 8259, UTF-8 included, so that validating, finding a
/// path and parsing share one scanner.
public struct JSONReader {
  /// Deeper nesting is refused, so that no text can exhaust the stack.
  public static let maxDepth = 64

  public let bytes: UnsafeRawBufferPointer
  public private(set) var offset: Int
  private var depth = 0

  /// `bytes` must stay valid as long as the reader is used.
  public init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset
  }

  /// The byte at the reader, without moving; nil at the end.
  public var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  public func error(_ message: String) -> JSONError {
    JSONError(offset: offset, message: message)
  }

  public mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      default: return
      }
    }
  }

  public mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    return true
  }

  /// Calls `body` at each element; `body` must move over it.
  public mutating func eachElement(
    _ body: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    try eachItem(close: UInt8(ascii: "]"), body)
  }

  /// Calls `body` at each member's key; `body` must move over key, colon and value, for which
  /// `skipString` and `skipColon` are there.
  public mutating func eachMember(
    _ body: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    try eachItem(close: UInt8(ascii: "}"), body)
  }

  private mutating func eachItem(
    close: UInt8, _ body: (inout JSONReader) throws(JSONError) -> Void
  ) throws(JSONError) {
    depth += 1
    guard depth <= Self.maxDepth else {
      throw error("nested deeper than \(Self.maxDepth) levels")
    }
    offset += 1
    skipWhitespace()
    if take(close) {
      depth -= 1
      return
    }
    while true {
      skipWhitespace()
      try body(&self)
      skipWhitespace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(close) else {
        throw error("expected ',' or '\(Character(UnicodeScalar(close)))'")
      }
      depth -= 1
      return
    }
  }

  /// Moves over white space, a colon and white space.
  public mutating func skipColon() throws(JSONError) {
    skipWhitespace()
    guard take(UInt8(ascii: ":")) else { throw error("expected ':'") }
    skipWhitespace()
  }

  /// Moves over the value at the reader and answers the range of its bytes.
  @discardableResult
  public mutating func skipValue() throws(JSONError) -> Range<Int> {
    let start = offset
    switch next {
    case UInt8(ascii: "{"):
      try eachMember { reader throws(JSONError) in
        try reader.skipString()
        try reader.skipColon()
        try reader.skipValue()
      }
    case UInt8(ascii: "["):
      try eachElement { reader throws(JSONError) in _ = try reader.skipValue() }
    case UInt8(ascii: "\""):
      try skipString()
    case UInt8(ascii: "t"): try skipLiteral("true")
    case UInt8(ascii: "f"): try skipLiteral("false")
    case UInt8(ascii: "n"): try skipLiteral("null")
    case .some(let byte) where byte == UInt8(ascii: "-") || isDigit(byte):
      try skipNumber()
    case .some: throw error("expected a value")
    case nil: throw error("the text ends where a value is expected")
    }
    return start..<offset
  }

  /// Moves over the string at the reader; answers the range between its quotes and whether it
  /// holds an escape.
  @discardableResult
  public mutating func skipString() throws(JSONError) -> (content: Range<Int>, escaped: Bool) {
    guard take(UInt8(ascii: "\"")) else { throw error("expected a string") }
    let start = offset
    var escaped = false
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return (start..<(offset - 1), escaped)
      case UInt8(ascii: "\\"):
        escaped = true
        try skipEscape()
      case 0..<0x20: throw error("a control character must be escaped")
      case 0x20..<0x80: offset += 1
      default: try skipMultibyte(byte)
      }
    }
    throw error("the text ends inside a string")
  }

  private mutating func skipEscape() throws(JSONError) {
    guard offset + 1 < bytes.count else { throw error("the text ends inside an escape") }
    switch bytes[offset + 1] {
    case UInt8(ascii: "u"):
      let unit = try hexUnit(at: offset + 2)
      offset += 6
      if (0xDC00...0xDFFF).contains(unit) { throw error("a low surrogate stands alone") }
      if (0xD800...0xDBFF).contains(unit) {
        guard offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
          bytes[offset + 1] == UInt8(ascii: "u"),
          (0xDC00...0xDFFF).contains(try hexUnit(at: offset + 2))
        else { throw error("a high surrogate stands alone") }
        offset += 6
      }
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"),
      UInt8(ascii: "f"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      offset += 2
    default: throw error("unknown escape")
    }
  }

  /// The four hexadecimal digits at `position`.
  func hexUnit(at position: Int) throws(JSONError) -> UInt16 {
    guard position + 4 <= bytes.count else { throw error("the text ends inside an escape") }
    var unit: UInt16 = 0
    for index in position..<(position + 4) {
      guard let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue, bytes[index] < 0x80
      else { throw error("expected four hexadecimal digits") }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  /// Well-formed sequences by the table of RFC 3629 section 4.
  private mutating func skipMultibyte(_ lead: UInt8) throws(JSONError) {
    let second: ClosedRange<UInt8>
    let length: Int
    switch lead {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw error("invalid UTF-8")
    }
    guard offset + length <= bytes.count, second.contains(bytes[offset + 1]) else {
      throw error("invalid UTF-8")
    }
    for index in stride(from: offset + 2, to: offset + length, by: 1)
    where bytes[index] & 0xC0 != 0x80 {
      throw error("invalid UTF-8")
    }
    offset += length
  }

  private mutating func skipLiteral(_ literal: StaticString) throws(JSONError) {
    let count = literal.utf8CodeUnitCount
    guard offset + count <= bytes.count else { throw error("expected \(literal)") }
    for index in 0..<count where bytes[offset + index] != literal.utf8Start[index] {
      throw error("expected \(literal)")
    }
    offset += count
  }

  private mutating func skipNumber() throws(JSONError) {
    _ = take(UInt8(ascii: "-"))
    if !take(UInt8(ascii: "0")) { try skipDigits() }
    if take(UInt8(ascii: ".")) { try skipDigits() }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      offset += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { offset += 1 }
      try skipDigits()
    }
  }

  private mutating func skipDigits() throws(JSONError) {
    guard let byte = next, isDigit(byte) else { throw error("expected a digit") }
    while let byte = next, isDigit(byte) { offset += 1 }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}

extension JSONReader {
  /// Refuses anything but one JSON value with white space around it.
  public static func validate(_ bytes: [UInt8]) throws(JSONError) {
    let error: JSONError? = bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      do throws(JSONError) {
        reader.skipWhitespace()
        try reader.skipValue()
        try reader.expectEnd()
        return nil
      } catch { return error }
    }
    if let error { throw error }
  }

  mutating func expectEnd() throws(JSONError) {
    skipWhitespace()
    guard next == nil else { throw error("something follows the value") }
  }
}
