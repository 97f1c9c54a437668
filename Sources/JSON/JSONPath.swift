/// One step into a JSON value.
public enum JSONPathStep: Sendable, Hashable {
  case key(String)
  case index(Int)
}

extension JSONReader {
  /// The bytes of the value at `path` in a valid JSON text; nil where there is none. Builds no
  /// values. Where a key repeats, the last one counts, as in `JSONValue`.
  public static func find(_ path: [JSONPathStep], in bytes: [UInt8]) -> ArraySlice<UInt8>? {
    let range: Range<Int>? = bytes.withUnsafeBytes { buffer in
      var reader = JSONReader(buffer)
      reader.skipWhitespace()
      for step in path {
        guard let offset = try? reader.locate(step) else { return nil }
        reader = JSONReader(buffer, at: offset)
      }
      return try? reader.skipValue()
    }
    return range.map { bytes[$0] }
  }

  /// Where the value behind `step` starts.
  private mutating func locate(_ step: JSONPathStep) throws(JSONError) -> Int? {
    var found: Int?
    switch step {
    case .key(let wanted):
      guard next == UInt8(ascii: "{") else { return nil }
      try eachMember { reader throws(JSONError) in
        let key = try reader.readString()
        try reader.skipColon()
        if key.isSameKey(as: wanted) { found = reader.offset }
        try reader.skipValue()
      }
    case .index(let wanted):
      guard next == UInt8(ascii: "[") else { return nil }
      var index = 0
      try eachElement { reader throws(JSONError) in
        if index == wanted { found = reader.offset }
        index += 1
        try reader.skipValue()
      }
    }
    return found
  }
}
