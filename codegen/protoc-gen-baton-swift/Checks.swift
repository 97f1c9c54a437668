/// Refuses what the generators cannot do, naming file and field.
struct Checks {
  let schema: Schema
  let file: ProtoFile

  func run() throws(GenerationError) {
    guard file.syntax == "proto3" else {
      throw refusal("", "is \(file.syntax); only proto3 is supported")
    }
    guard !file.package.isEmpty else { throw refusal("", "has no package") }
    if let field = file.extensions.first {
      throw refusal(field.name, "extensions are not supported")
    }
    for message in file.messages { try check(message) }
    for value in file.enums { try check(value) }
    for service in file.services { try check(service) }
  }

  private func refusal(_ place: String, _ reason: String) -> GenerationError {
    GenerationError(message: "\(file.name): \(place.isEmpty ? "" : "\(place): ")\(reason)")
  }

  private func check(_ message: ProtoMessage) throws(GenerationError) {
    guard !message.isMapEntry else { return }
    try checkTypeName(message.name, message.fullName)
    if let field = message.extensions.first {
      throw refusal("\(message.fullName).\(field.name)", "extensions are not supported")
    }
    guard !message.hasExtensionRanges else {
      throw refusal(message.fullName, "extension ranges are not supported")
    }
    var names: Set<String> = []
    for field in message.fields {
      let place = "\(message.fullName).\(field.name)"
      try check(field, place)
      try checkMember(field.name, place, &names)
    }
    for oneof in message.oneofs {
      try checkMember(oneof.name, "\(message.fullName).\(oneof.name)", &names)
      let type = SwiftName.upperCamel(oneof.name)
      let taken = message.messages.map(\.name) + message.enums.map(\.name) + ["View"]
      guard !taken.contains(type) else {
        throw refusal(
          "\(message.fullName).\(oneof.name)",
          "the oneof's Swift type \(type) has the name of a nested type; rename one of them")
      }
    }
    try checkRecursion(message)
    for nested in message.messages { try check(nested) }
    for value in message.enums { try check(value) }
  }

  private func check(_ field: ProtoField, _ place: String) throws(GenerationError) {
    guard field.kind != .group else { throw refusal(place, "groups are not supported") }
    guard !field.isExplicitlyOptional else {
      throw refusal(
        place, "proto3 optional is not supported; put the field into a oneof of its own")
    }
  }

  /// Names under which neither Swift nor protoc-c's structs can have a member.
  private static let impossibleMembers: Set<String> = [
    "self", "Self", "init", "Type", "Protocol", "base",
  ]

  private func checkMember(
    _ name: String, _ place: String, _ names: inout Set<String>
  ) throws(GenerationError) {
    let swiftName = SwiftName.lowerCamel(name)
    guard !Self.impossibleMembers.contains(swiftName) else {
      throw refusal(place, "\(swiftName) is not possible as a member's name; rename it")
    }
    guard names.insert(swiftName).inserted else {
      throw refusal(place, "\(swiftName) is there twice in Swift; rename one of them")
    }
  }

  /// Types that generated code names without a module.
  private static let impossibleTypes: Set<String> = [
    "Self", "Type", "Protocol", "Array", "Bool", "CaseIterable", "Codec", "Dictionary",
    "Double", "Float", "Int", "Int32", "Int64", "Message", "MessageDecodingError", "MessageEnum",
    "MessageViews", "Output", "ProtobufCConvertible", "Reader", "Result", "String", "UInt8",
    "UInt32", "UInt64",
    "UnsafeMutablePointer", "UnsafeMutableRawBufferPointer", "UnsafePointer",
    "UnsafeRawBufferPointer", "View", "WireNumber", "WireTable", "WireWriter",
  ]

  private func checkTypeName(_ name: String, _ fullName: String) throws(GenerationError) {
    guard !Self.impossibleTypes.contains(name) else {
      throw refusal(fullName, "generated code needs the name \(name) for something else; rename it")
    }
  }

  private func check(_ value: ProtoEnum) throws(GenerationError) {
    try checkTypeName(value.name, value.fullName)
    let prefix = SwiftName.enumPrefix(value)
    var names: Set<String> = ["unrecognized"]
    var numbers: Set<Int32> = []
    for item in value.values {
      let place = "\(value.fullName).\(item.name)"
      try checkMember(SwiftName.enumCase(item.name, without: prefix), place, &names)
      guard numbers.insert(item.number).inserted else {
        throw refusal(place, "aliases (two names of \(item.number)) are not supported")
      }
    }
  }

  private func check(_ service: ProtoService) throws(GenerationError) {
    var names: Set<String> = []
    for method in service.methods {
      let place = "\(service.fullName).\(method.name)"
      try checkMember(method.name, place, &names)
    }
  }

  /// A value type cannot hold itself, and protobuf-c unpacks recursive messages recursively.
  private func checkRecursion(_ message: ProtoMessage) throws(GenerationError) {
    var finished: Set<String> = []
    try follow(message, path: [], root: message.fullName, finished: &finished)
  }

  private func follow(
    _ message: ProtoMessage, path: [String], root: String, finished: inout Set<String>
  ) throws(GenerationError) {
    guard finished.insert(message.fullName).inserted else { return }
    for field in message.fields where field.kind == .message {
      let step = path + ["\(message.fullName).\(field.name)"]
      guard field.typeName != root else {
        throw refusal(
          step[0],
          "recursive messages are not supported: \(root) holds itself by "
            + step.joined(separator: " -> "))
      }
      guard let next = schema.messages[field.typeName] else {
        throw refusal(step[step.count - 1], "unknown type \(field.typeName)")
      }
      try follow(next, path: step, root: root, finished: &finished)
    }
  }
}
