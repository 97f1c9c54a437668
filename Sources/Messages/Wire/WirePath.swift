/// Finds the field that a fault of the scan is about, by walking to it again.
enum WirePath {
  /// "plan.tasks[3].depends_on[0]"; the path to the message around where the field has no name.
  static func path(
    _ table: WireTable, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    to target: UnsafePointer<UInt8>
  ) -> String {
    var steps: [String] = []
    var message = (table: table, start: start, end: end)
    while let inner = step(message.table, message.start, message.end, target, &steps) {
      message = inner
    }
    return steps.joined(separator: ".")
  }

  /// Adds the step that leads to the target; returns the message in which to go on.
  private static func step(
    _ table: WireTable, _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>,
    _ target: UnsafePointer<UInt8>, _ steps: inout [String]
  ) -> (table: WireTable, start: UnsafePointer<UInt8>, end: UnsafePointer<UInt8>)? {
    var cursor = WireCursor(start, end)
    var counts: [UInt32: Int] = [:]
    while !cursor.isAtEnd {
      guard let tag = try? cursor.tag() else { return nil }
      let field = table.field(tag >> 3)
      let valueStart = cursor.at
      let hasValue = (try? cursor.skipValue(tag)) != nil
      if target == cursor.fieldStart || !hasValue || target < cursor.at {
        guard field.kind != .unknown else { return nil }
        // Numbers may come many at a time.
        let hasIndex = field.isRepeated && (field.table != nil || tag & 7 == 2)
        let isPacked = field.kind != .text && field.kind != .bytes && field.kind != .message
        let index = hasIndex && !isPacked ? "[\(counts[field.number, default: 0])]" : ""
        steps.append("\(field.name)\(index)")
        var value = WireCursor(valueStart, cursor.at)
        guard target != cursor.fieldStart, tag & 7 == 2, let inner = field.table,
          (try? value.length()) != nil
        else { return nil }
        return (WireTable(inner), value.at, cursor.at)
      }
      counts[field.number, default: 0] += 1
    }
    return nil
  }
}
