/// Emits one message: the struct, what reads it from protoc-c's struct, and what writes it.
struct MessageEmitter {
  let schema: Schema
  let message: ProtoMessage
  let options: Options

  /// A stored property: a field of its own, or a oneof.
  enum Property {
    case field(FieldCode)
    case oneof(ProtoOneof, [FieldCode])
  }

  var properties: [Property] {
    var result: [Property] = []
    var seen: Set<Int> = []
    for field in message.fields {
      guard let index = field.oneofIndex else {
        result.append(.field(code(field)))
        continue
      }
      guard seen.insert(index).inserted else { continue }
      let members = message.fields.filter { $0.oneofIndex == index }
      result.append(.oneof(message.oneofs[index], members.map(code)))
    }
    return result
  }

  private func code(_ field: ProtoField) -> FieldCode {
    FieldCode(schema: schema, field: field)
  }

  func name(_ oneof: ProtoOneof) -> String {
    SwiftName.escaped(SwiftName.lowerCamel(oneof.name))
  }

  func type(_ oneof: ProtoOneof) -> String {
    SwiftName.escaped(SwiftName.upperCamel(oneof.name))
  }

  var swiftType: String { schema.swiftType(message.fullName) }

  // MARK: The struct

  func emitType(_ out: inout SourceText) {
    guard !message.isMapEntry else { return }
    out.line()
    out.comment(message.comment.isEmpty ? "Message `\(message.fullName)`." : message.comment)
    out.block("public struct \(SwiftName.escaped(message.name)): Message") { out in
      out.block("public static var protoName: String") { $0.line("\"\(message.fullName)\"") }
      out.line()
      for property in properties { emitProperty(property, &out) }
      out.line()
      emitDefaultInit(&out)
      if !properties.isEmpty { emitMemberwiseInit(&out) }
      emitWitnesses(&out)
      if options.hasViews { emitView(&out) }
      for case .oneof(let oneof, let members) in properties { emitOneof(oneof, members, &out) }
      for value in message.enums { EnumEmitter(value: value).emit(&out) }
      for nested in message.messages {
        MessageEmitter(schema: schema, message: nested, options: options).emitType(&out)
      }
    }
  }

  private func emitProperty(_ property: Property, _ out: inout SourceText) {
    switch property {
    case .field(let code):
      out.comment(code.field.comment)
      out.line("public var \(code.name): \(code.type)")
    case .oneof(let oneof, let members):
      let fallback = members.count == 1 ? members[0].field.comment : ""
      out.comment(oneof.comment.isEmpty ? fallback : oneof.comment)
      out.line("public var \(name(oneof)): \(type(oneof))?")
    }
  }

  /// The properties have no default of their own: it would be made for decoded messages too.
  private func emitDefaultInit(_ out: inout SourceText) {
    guard !properties.isEmpty else { return out.line("public init() {}") }
    out.block("public init()") { out in
      for property in properties {
        switch property {
        case .field(let code): out.line("self.\(code.name) = \(code.defaultValue)")
        case .oneof(let oneof, _): out.line("self.\(name(oneof)) = nil")
        }
      }
    }
  }

  private func emitMemberwiseInit(_ out: inout SourceText) {
    let parameters = properties.map { property in
      switch property {
      case .field(let code): "\(code.name): \(code.type) = \(code.defaultValue)"
      case .oneof(let oneof, _): "\(name(oneof)): \(type(oneof))? = nil"
      }
    }
    out.line()
    out.block("public init(\(parameters.joined(separator: ", ")))") { out in
      for property in properties {
        switch property {
        case .field(let code): out.line("self.\(code.name) = \(code.name)")
        case .oneof(let oneof, _): out.line("self.\(name(oneof)) = \(name(oneof))")
        }
      }
    }
  }

  private func emitWitnesses(_ out: inout SourceText) {
    out.line()
    out.block(
      "public init(serializedBytes: UnsafeRawBufferPointer) throws(MessageDecodingError)"
    ) { $0.line("self = try Codec.decode(serializedBytes)") }
    out.line()
    out.block(
      "public func serialize(into reserve: (_ byteCount: Int) -> UnsafeMutableRawBufferPointer)"
    ) { $0.line("Codec.encode(self, into: reserve)") }
    out.line()
    out.block("public func serializedBytes() -> [UInt8]") { $0.line("Codec.encode(self)") }
  }

  private func emitOneof(
    _ oneof: ProtoOneof, _ members: [FieldCode], _ out: inout SourceText
  ) {
    out.line()
    out.comment(
      oneof.comment.isEmpty
        ? "At most one of the fields of `\(oneof.name)`." : oneof.comment)
    out.block("public enum \(type(oneof)): Sendable, Equatable") { out in
      for member in members {
        out.comment(member.field.comment)
        out.line("case \(member.name)(\(member.elementType(member.field)))")
      }
    }
  }

  // MARK: Conversion

  func emitConversion(_ out: inout SourceText) {
    guard !message.isMapEntry else { return }
    let structure = CName.structure(message.fullName)
    let isEmpty = properties.isEmpty
    if options.hasViews { emitViewList(&out) }
    out.line()
    out.block("extension \(swiftType): ProtobufCConvertible") { out in
      emitWireTable(&out)
      out.line()
      out.block(
        "package init(reading c: UnsafePointer<\(structure)>)"
      ) { out in
        if isEmpty { out.line("self.init()") }
        for property in properties { emitRead(property, &out) }
      }
      out.line()
      out.block("package func write(to writer: inout WireWriter)") { emitWrite(&$0) }
    }
    for nested in message.messages {
      MessageEmitter(schema: schema, message: nested, options: options).emitConversion(&out)
    }
  }

  private func emitRead(_ property: Property, _ out: inout SourceText) {
    switch property {
    case .field(let code): out.line("self.\(code.name) = \(code.readExpression("c"))")
    case .oneof(let oneof, let members):
      out.line("self.\(name(oneof)) =")
      emitOneofRead(oneof, members, "c", &out)
    }
  }

  /// The switch that makes the oneof of a struct.
  func emitOneofRead(
    _ oneof: ProtoOneof, _ members: [FieldCode], _ c: String, _ out: inout SourceText
  ) {
    out.line("switch \(c).pointee.\(CName.oneofCase(oneof.name)).rawValue {")
    for member in members {
      out.line("case \(member.field.number): .\(member.name)(\(member.readOneofCase(c)))")
    }
    out.line("default: nil")
    out.line("}")
  }

  /// The fields from the highest number to the lowest, because the writer goes backwards. Members of
  /// a oneof that follow each other share a switch; a field with a number between theirs parts them.
  private func emitWrite(_ out: inout SourceText) {
    var fields = message.fields.sorted { $0.number > $1.number }[...]
    while let field = fields.popFirst() {
      guard let index = field.oneofIndex else {
        for line in code(field).writeStatement() { out.line(line) }
        continue
      }
      out.line("switch self.\(name(message.oneofs[index])) {")
      emitWriteCase(code(field), &out)
      while let next = fields.first, next.oneofIndex == index {
        emitWriteCase(code(fields.removeFirst()), &out)
      }
      out.line("default: break")
      out.line("}")
    }
  }

  private func emitWriteCase(_ member: FieldCode, _ out: inout SourceText) {
    out.line("case .\(member.name)(let value): \(member.writeOneofCase())")
  }
}
