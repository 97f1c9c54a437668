internal import JSON

/// Reads JSON text with the lines of its fields.
enum JSONSource {
  static func read(
    _ bytes: [UInt8], name: String
  ) throws(SourceError) -> (JSONValue, [String: Int]) {
    var walk = LineWalk(bytes)
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: bytes)
      let walked: Result<Void, JSONError> = bytes.withUnsafeBytes { buffer in
        var reader = JSONReader(buffer)
        reader.skipWhitespace()
        do throws(JSONError) {
          return .success(try walk.visit(&reader, at: ""))
        } catch { return .failure(error) }
      }
      try walked.get()
    } catch {
      throw SourceError(name: name, line: walk.line(of: error.offset), message: error.message)
    }
    if let repeated = walk.repeated {
      throw SourceError(
        name: name, line: repeated.line, message: "\(repeated.path) is written twice",
        isFinal: true)
    }
    return (value, walk.table.lines)
  }
}

/// Goes through a JSON text once and notes where its fields stand.
private struct LineWalk {
  var table = LineTable()
  /// The first key that its object had already.
  var repeated: (path: String, line: Int)?
  private let bytes: [UInt8]
  private var line = 1
  private var counted = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Offsets come in rising order, so every byte is looked at once.
  private mutating func note(_ path: String, at offset: Int) {
    line += bytes[counted..<offset].count { $0 == UInt8(ascii: "\n") }
    counted = offset
    table.note(path, line)
  }

  func line(of offset: Int) -> Int {
    1 + bytes.prefix(offset).count { $0 == UInt8(ascii: "\n") }
  }

  mutating func visit(_ reader: inout JSONReader, at path: String) throws(JSONError) {
    if path.isEmpty { note(path, at: reader.offset) }
    switch reader.next {
    case UInt8(ascii: "{"):
      var seen: Set<String> = []
      try reader.eachMember { reader throws(JSONError) in
        let offset = reader.offset
        let key = try reader.readString()
        let member = LineTable.path(path, key: key)
        note(member, at: offset)
        if !seen.insert(key).inserted, repeated == nil { repeated = (member, line) }
        try reader.skipColon()
        try visit(&reader, at: member)
      }
    case UInt8(ascii: "["):
      var index = 0
      try reader.eachElement { reader throws(JSONError) in
        let element = LineTable.path(path, index: index)
        note(element, at: reader.offset)
        try visit(&reader, at: element)
        index += 1
      }
    default:
      try reader.skipValue()
    }
  }
}
