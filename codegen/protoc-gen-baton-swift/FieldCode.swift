/// The Swift of one field: its type, and the expressions that convert it.
struct FieldCode {
  let schema: Schema
  let field: ProtoField

  /// Swift name, escaped.
  var name: String { SwiftName.escaped(SwiftName.lowerCamel(field.name)) }
  /// Member of the C struct.
  var member: String { CName.member(field.name) }
  var count: String { "n_\(member)" }
  var map: (key: ProtoField, value: ProtoField)? { schema.mapEntry(field) }

  var type: String {
    if let map { return "[\(elementType(map.key)): \(elementType(map.value))]" }
    let element = elementType(field)
    if field.isRepeated { return "[\(element)]" }
    return field.kind == .message ? "\(element)?" : element
  }

  var defaultValue: String {
    if map != nil { return "[:]" }
    if field.isRepeated { return "[]" }
    switch field.kind {
    case .message, .group: return "nil"
    case .string: return "\"\""
    case .bytes: return "[]"
    case .bool: return "false"
    case .enum: return enumDefault
    default: return "0"
    }
  }

  /// In proto3 the first value is 0.
  private var enumDefault: String {
    guard let value = schema.enums[field.typeName], let first = value.values.first else {
      return "\(elementType(field))(rawValue: 0)"
    }
    let name = SwiftName.enumCase(first.name, without: SwiftName.enumPrefix(value))
    return ".\(SwiftName.escaped(name))"
  }

  /// The type of one element, never optional.
  func elementType(_ field: ProtoField) -> String {
    switch field.kind {
    case .double: "Double"
    case .float: "Float"
    case .int32, .sint32, .sfixed32: "Int32"
    case .int64, .sint64, .sfixed64: "Int64"
    case .uint32, .fixed32: "UInt32"
    case .uint64, .fixed64: "UInt64"
    case .bool: "Bool"
    case .string: "String"
    case .bytes: "[UInt8]"
    case .enum, .message, .group: schema.swiftType(field.typeName)
    }
  }

  // MARK: Reading from a C struct

  /// The expression that reads the property from `c`, a pointer to a struct.
  func readExpression(_ c: String) -> String {
    let source = "\(c).pointee.\(member)"
    let list = "\(c).pointee.\(count), \(source)"
    if let map {
      let key = read(map.key, "entry.pointee.key")
      let value = readPresent(map.value, "entry.pointee.value")
      return "Reader.map(\(list)) { entry in (\(key), \(value)) }"
    }
    guard field.isRepeated else { return read(field, source) }
    switch field.kind {
    case .string: return "Reader.texts(\(list))"
    case .bytes: return "Reader.byteStrings(\(list))"
    case .bool: return "Reader.booleans(\(list))"
    case .enum: return "Reader.enums(\(list))"
    case .message, .group: return "Reader.messages(\(list))"
    default: return "Reader.numbers(\(list))"
    }
  }

  /// The expression that reads the value of a oneof's case.
  func readOneofCase(_ c: String) -> String { readPresent(field, "\(c).pointee.\(member)") }

  private func readPresent(_ field: ProtoField, _ source: String) -> String {
    let value = read(field, source)
    return field.kind == .message ? "\(value) ?? \(elementType(field))()" : value
  }

  private func read(_ field: ProtoField, _ source: String) -> String {
    switch field.kind {
    case .string: "Reader.text(\(source))"
    case .bytes: "Reader.bytes(\(source))"
    case .bool: "\(source) != 0"
    case .enum: "\(elementType(field))(rawValue: .init(truncatingIfNeeded: \(source).rawValue))"
    case .message, .group: "Reader.message(\(source))"
    default: source
    }
  }

  // MARK: Writing

  /// The statements that write the property.
  func writeStatement() -> [String] {
    let start = "(\(field.number), self.\(name)"
    if let map {
      return [
        "writer.map\(start)) { (writer, key, value) in",
        "  \(write(map.value, "value"))",
        "  \(write(map.key, "key"))",
        "}",
      ]
    }
    guard field.isRepeated else { return [write(field, "self.\(name)")] }
    switch field.kind {
    case .string: return ["writer.texts\(start))"]
    case .bytes: return ["writer.byteStrings\(start))"]
    case .message, .group: return ["writer.messages\(start))"]
    default:
      let method = field.isPacked ? "packed" : "unpacked"
      return ["writer.\(method)\(start), WireNumber.\(field.kind))"]
    }
  }

  /// The statement that writes the oneof's member, whose default is sent too, from `value`.
  func writeOneofCase() -> String { write(field, "value", isSet: true) }

  private func write(_ field: ProtoField, _ source: String, isSet: Bool = false) -> String {
    let always = isSet ? ", always: true" : ""
    switch field.kind {
    case .string: return "writer.text(\(field.number), \(source)\(always))"
    case .bytes: return "writer.bytes(\(field.number), \(source)\(always))"
    case .message, .group: return "writer.message(\(field.number), \(source))"
    default: return "writer.number(\(field.number), .\(field.kind)(\(source))\(always))"
    }
  }
}
