/// The full names that a proto file defines, read from its serialized `FileDescriptorProto`:
/// messages with their fields, oneofs and nested types, enums with their values, services with
/// their methods, extensions (numbers of the fields: google/protobuf/descriptor.proto).
struct DescriptorSymbols {
  private(set) var names: [String] = []
  /// Those of `names` that are messages.
  private(set) var messages: [String] = []

  /// - Parameter file: serialized; what is no descriptor defines nothing.
  init(file: [UInt8]) {
    let package = Self.text(of: 2, in: file[...]) ?? ""
    read(.file, file[...], scope: package)
  }

  private enum Kind {
    case file, message, enumeration, service, leaf

    /// What field `number` of this descriptor describes; nil for anything without a name.
    func part(_ number: UInt64) -> Kind? {
      switch (self, number) {
      case (.file, 4), (.message, 3): .message
      case (.file, 5), (.message, 4): .enumeration
      case (.file, 6): .service
      case (.file, 7), (.message, 6): .leaf  // extensions
      case (.message, 2), (.message, 8): .leaf  // fields and oneofs
      case (.enumeration, 2), (.service, 2): .leaf  // values and methods
      default: nil
      }
    }
  }

  /// Adds what is described inside of `bytes`.
  ///
  /// - Parameter scope: what stands before the names there.
  private mutating func read(_ kind: Kind, _ bytes: ArraySlice<UInt8>, scope: String) {
    for field in NestedFields(bytes) {
      guard let part = kind.part(field.number), let name = Self.text(of: 1, in: field.bytes)
      else { continue }
      let fullName = scope.isEmpty ? name : "\(scope).\(name)"
      names.append(fullName)
      if part == .message { messages.append(fullName) }
      // The values of an enum are its siblings, as in C++.
      read(part, field.bytes, scope: part == .enumeration ? scope : fullName)
    }
  }

  private static func text(of number: UInt64, in bytes: ArraySlice<UInt8>) -> String? {
    NestedFields(bytes).first { $0.number == number }.map {
      String(decoding: $0.bytes, as: UTF8.self)
    }
  }
}

/// The length-delimited fields of a message: texts and messages. Ends where the bytes are no fields
/// any more (protobuf.dev/programming-guides/encoding).
private struct NestedFields: Sequence, IteratorProtocol {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) {
    rest = bytes
  }

  mutating func next() -> (number: UInt64, bytes: ArraySlice<UInt8>)? {
    while let key = varint() {
      switch key & 7 {
      case 0: _ = varint()
      case 1: rest = rest.dropFirst(8)
      case 5: rest = rest.dropFirst(4)
      case 2:
        guard let count = varint(), count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(Int(count)) }
        return (key >> 3, rest.prefix(Int(count)))
      default: return nil
      }
    }
    return nil
  }

  private mutating func varint() -> UInt64? {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 64, by: 7) {
      guard let byte = rest.popFirst() else { return nil }
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 { return value }
    }
    return nil
  }
}
