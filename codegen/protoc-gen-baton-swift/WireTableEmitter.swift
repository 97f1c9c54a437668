/// Emits what the wire scan knows of a message.
extension MessageEmitter {
  func emitWireTable(_ out: inout SourceText) {
    out.line("package static let wireTable = WireTable(")
    out.line("\"\(message.fullName)\", \(swiftType).self, \(initializer(message.fullName)), [")
    for field in message.fields { out.line("\(wireField(field)),") }
    out.line("])")
  }

  private func initializer(_ fullName: String) -> String { "\(CName.function(fullName))__init" }

  private func wireField(_ field: ProtoField) -> String {
    let start = "(\(field.number), \"\(field.name)\""
    let place =
      if let index = field.oneofIndex {
        ", .oneof(\(index + 1))"
      } else {
        field.isRepeated ? ", .repeated" : ""
      }
    switch field.kind {
    case .string: return ".text\(start)\(place))"
    case .bytes: return ".bytes\(start)\(place))"
    case .message, .group:
      guard let map = schema.mapEntry(field) else {
        return ".message\(start), \(schema.swiftType(field.typeName)).wireTable\(place))"
      }
      let code = FieldCode(schema: schema, field: field)
      let value = "(\(code.elementType(map.key)), \(code.elementType(map.value))).self"
      return """
        .map\(start), WireTable(
        "\(field.typeName)", \(value), \(initializer(field.typeName)),
        [\(wireField(map.key)), \(wireField(map.value))]))
        """
    case .int64, .uint64, .sint64: return ".number\(start), .varint64\(place))"
    case .fixed32, .sfixed32, .float: return ".number\(start), .fixed32\(place))"
    case .fixed64, .sfixed64, .double: return ".number\(start), .fixed64\(place))"
    case .int32, .uint32, .sint32, .bool, .enum: return ".number\(start), .varint32\(place))"
    }
  }
}
