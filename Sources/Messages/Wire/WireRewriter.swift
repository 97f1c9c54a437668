/// Writes a message anew for protobuf-c, after the scan: fields of the schema alone, each with its
/// own wire type, and every message that is not repeated in one part.
///
/// Two parts of a message merge as their concatenation does (protobuf.dev, "Encoding", "Last One
/// Wins"), so the parts are put one behind the other.
struct WireRewriter {
  private typealias Pointer = UnsafePointer<UInt8>
  private typealias Part = (start: Pointer, end: Pointer)

  /// A message field that is not repeated.
  private struct Single {
    var field: WireField
    var parts: [Part]
  }

  private var output: [UInt8] = []

  static func rewrite(
    _ table: WireTable, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>
  ) throws(WireFault) -> [UInt8] {
    var rewriter = WireRewriter()
    rewriter.output.reserveCapacity(end - start)
    try rewriter.write(table, [(start, end)])
    return rewriter.output
  }

  private mutating func write(_ table: WireTable, _ parts: [Part]) throws(WireFault) {
    var singles: [Single] = []
    // The member of each oneof that is set, by the oneof's number.
    var chosen: [UInt8: UInt32] = [:]
    for part in parts {
      var cursor = WireCursor(part.start, part.end)
      while !cursor.isAtEnd {
        let tag = try cursor.tag()
        let valueStart = cursor.at
        try cursor.skipValue(tag)
        let field = table.field(tag >> 3)
        guard Self.fits(field, tag & 7) else { continue }
        if field.oneof > 0, let other = chosen.updateValue(field.number, forKey: field.oneof),
          other != field.number
        {
          singles.removeAll { $0.field.number == other }
        }
        guard field.kind == .message else {
          output.append(contentsOf: UnsafeBufferPointer(from: cursor.fieldStart, to: cursor.at))
          continue
        }
        var value = WireCursor(valueStart, cursor.at)
        _ = try value.length()
        let content = (value.at, cursor.at)
        if field.isRepeated {
          try writeMessage(field, [content])
        } else if let index = singles.firstIndex(where: { $0.field.number == field.number }) {
          singles[index].parts.append(content)
        } else {
          singles.append(Single(field: field, parts: [content]))
        }
      }
    }
    for single in singles { try writeMessage(single.field, single.parts) }
  }

  private static func fits(_ field: WireField, _ wireType: UInt32) -> Bool {
    switch field.kind {
    case .unknown: false
    case .varint: wireType == 0 || (wireType == 2 && field.isRepeated)
    case .fixed64: wireType == 1 || (wireType == 2 && field.isRepeated)
    case .fixed32: wireType == 5 || (wireType == 2 && field.isRepeated)
    case .text, .bytes, .message: wireType == 2
    }
  }

  private mutating func writeMessage(
    _ field: WireField, _ parts: [Part]
  ) throws(WireFault) {
    guard let inner = field.table else { return }
    var content = WireRewriter()
    try content.write(WireTable(inner), parts)
    writeVarint(field.number << 3 | 2)
    writeVarint(UInt32(content.output.count))
    output += content.output
  }

  private mutating func writeVarint(_ value: UInt32) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }
}

extension UnsafeBufferPointer {
  fileprivate init(from start: UnsafePointer<Element>, to end: UnsafePointer<Element>) {
    self.init(start: start, count: end - start)
  }
}
