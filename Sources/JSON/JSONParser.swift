extension JSONValue {
  /// Parses one JSON text. Throws with the offset of the first mistake.
  public init(parsing bytes: [UInt8]) throws(JSONError) {
    let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      do throws(JSONError) {
        reader.skipWhitespace()
        let value = try reader.readValue()
        try reader.expectEnd()
        return .success(value)
      } catch { return .failure(error) }
    }
    self = try result.get()
  }

  /// Parses one JSON text.
  public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }
}

extension JSONReader {
  /// Reads the value at the reader.
  mutating func readValue() throws(JSONError) -> JSONValue {
    switch next {
    case UInt8(ascii: "{"):
      var members: [JSONMember] = []
      try eachMember { reader throws(JSONError) in
        let key = try reader.readString()
        try reader.skipColon()
        members.append(JSONMember(key, try reader.readValue()))
      }
      return .object(members)
    case UInt8(ascii: "["):
      var elements: [JSONValue] = []
      try eachElement { reader throws(JSONError) in elements.append(try reader.readValue()) }
      return .array(elements)
    case UInt8(ascii: "\""):
      return .string(try readString())
    default:
      let range = try skipValue()
      switch bytes[range.lowerBound] {
      case UInt8(ascii: "t"): return .bool(true)
      case UInt8(ascii: "f"): return .bool(false)
      case UInt8(ascii: "n"): return .null
      default: return .number(String(decoding: bytes[range], as: UTF8.self))
      }
    }
  }

  /// Reads the string at the reader, its escapes resolved.
  public mutating func readString() throws(JSONError) -> String {
    let (content, escaped) = try skipString()
    guard escaped else { return String(decoding: bytes[content], as: UTF8.self) }
    return String(decoding: unescaped(content), as: UTF16.self)
  }

  private func unescaped(_ content: Range<Int>) -> [UInt16] {
    var units: [UInt16] = []
    units.reserveCapacity(content.count)
    var index = content.lowerBound
    while index < content.upperBound {
      guard bytes[index] == UInt8(ascii: "\\") else {
        let run =
          bytes[index..<content.upperBound].firstIndex(of: UInt8(ascii: "\\"))
          ?? content.upperBound
        units.append(contentsOf: String(decoding: bytes[index..<run], as: UTF8.self).utf16)
        index = run
        continue
      }
      let (unit, length) = escapedUnit(at: index)
      units.append(unit)
      index += length
    }
    return units
  }

  /// `skipString` has checked the escape.
  private func escapedUnit(at index: Int) -> (unit: UInt16, length: Int) {
    switch bytes[index + 1] {
    case UInt8(ascii: "u"): ((try? hexUnit(at: index + 2)) ?? 0xFFFD, 6)
    case UInt8(ascii: "b"): (0x08, 2)
    case UInt8(ascii: "f"): (0x0C, 2)
    case UInt8(ascii: "n"): (0x0A, 2)
    case UInt8(ascii: "r"): (0x0D, 2)
    case UInt8(ascii: "t"): (0x09, 2)
    default: (UInt16(bytes[index + 1]), 2)
    }
  }
}
