package import CProtobufC

/// What generated code writes the members of protoc-c's structs with. A repeated member is a count
/// and a pointer to the elements; both are set at once.
extension Arena {
  package mutating func text(_ value: String) -> ProtobufCBinaryData {
    if let text = value.utf8.withContiguousStorageIfAvailable({
      copy(UnsafeRawBufferPointer($0))
    }) {
      return text
    }
    var value = value
    return value.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
  }

  package mutating func bytes(_ value: [UInt8]) -> ProtobufCBinaryData {
    value.withUnsafeBytes { copy($0) }
  }

  private mutating func copy(_ source: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
    let target = allocate(source.count)
    if let start = source.baseAddress { target.copyMemory(from: start, byteCount: source.count) }
    return ProtobufCBinaryData(
      len: source.count, data: target.bindMemory(to: UInt8.self, capacity: source.count))
  }

  package mutating func message<Value: ProtobufCConvertible>(
    _ value: Value?
  ) -> UnsafeMutablePointer<Value.Structure>? {
    guard let value else { return nil }
    let structure = structure(Value.self)
    value.write(to: structure, in: &self)
    return structure
  }

  // MARK: Repeated

  @inline(__always)
  private mutating func list<Value, Element>(
    _ values: [Value], of type: Element.Type, _ element: (inout Arena, Value) -> Element
  ) -> (Int, UnsafeMutablePointer<Element>?) {
    guard !values.isEmpty else { return (0, nil) }
    let elements = allocate(values.count * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: values.count)
    // By the buffer, which lends the elements; the array would hand out copies.
    values.withUnsafeBufferPointer { values in
      for index in values.indices {
        (elements + index).initialize(to: element(&self, values[index]))
      }
    }
    return (values.count, elements)
  }

  @inline(__always)
  package mutating func numbers<Number>(
    _ values: [Number]
  ) -> (Int, UnsafeMutablePointer<Number>?) {
    list(values, of: Number.self) { _, value in value }
  }

  package mutating func booleans(
    _ values: [Bool]
  ) -> (Int, UnsafeMutablePointer<protobuf_c_boolean>?) {
    list(values, of: protobuf_c_boolean.self) { _, value in value ? 1 : 0 }
  }

  @inline(__always)
  package mutating func texts(
    _ values: [String]
  ) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
    list(values, of: ProtobufCBinaryData.self) { $0.text($1) }
  }

  @inline(__always)
  package mutating func byteStrings(
    _ values: [[UInt8]]
  ) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
    list(values, of: ProtobufCBinaryData.self) { $0.bytes($1) }
  }

  /// protoc-c's enums are as wide as Int32, see PROTOBUF_C__FORCE_ENUM_TO_BE_INT_SIZE.
  @inline(__always)
  package mutating func enums<Value: MessageEnum, Number>(
    _ values: [Value]
  ) -> (Int, UnsafeMutablePointer<Number>?) {
    let (count, elements) = list(values, of: Int32.self) { _, value in value.rawValue }
    guard let elements else { return (0, nil) }
    return (count, UnsafeMutableRawPointer(elements).bindMemory(to: Number.self, capacity: count))
  }

  @inline(__always)
  package mutating func messages<Value: ProtobufCConvertible>(
    _ values: [Value]
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Value.Structure>?>?) {
    list(values, of: UnsafeMutablePointer<Value.Structure>?.self) { $0.message($1) }
  }

  /// A map as the list of entries it is on the wire, in the order of the keys.
  @inline(__always)
  package mutating func map<Key: MapKey, Value, Entry>(
    _ values: [Key: Value], _ initialize: (UnsafeMutablePointer<Entry>) -> Void,
    _ write: (inout Arena, UnsafeMutablePointer<Entry>, Key, Value) -> Void
  ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?) {
    guard !values.isEmpty else { return (0, nil) }
    let sorted =
      values.count > 1 ? values.sorted { $0.key.isBefore($1.key) } : values.map { $0 }
    return list(sorted, of: UnsafeMutablePointer<Entry>?.self) { arena, item in
      let entry = arena.allocate(MemoryLayout<Entry>.size)
        .bindMemory(to: Entry.self, capacity: 1)
      initialize(entry)
      write(&arena, entry, item.key, item.value)
      return entry
    }
  }
}

/// A type that keys of maps can have, with the order in which maps are written.
package protocol MapKey: Hashable {
  func isBefore(_ other: Self) -> Bool
}

extension MapKey where Self: Comparable {
  package func isBefore(_ other: Self) -> Bool { self < other }
}

extension String: MapKey {}
extension Int32: MapKey {}
extension Int64: MapKey {}
extension UInt32: MapKey {}
extension UInt64: MapKey {}
extension Bool: MapKey {
  package func isBefore(_ other: Bool) -> Bool { !self && other }
}
