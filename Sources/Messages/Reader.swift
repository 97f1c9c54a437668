package import CProtobufC

/// What generated code reads the members of protoc-c's structs with. A repeated member is a count
/// and a pointer to the elements, which is NULL where there is none. The wire scan has seen to it
/// that text is UTF-8.
///
/// Inlined, so that nothing generic is left at run time, which would copy every element.
package enum Reader {
  package static func text(_ data: ProtobufCBinaryData) -> String {
    String(decoding: UnsafeBufferPointer(start: data.data, count: count(data)), as: UTF8.self)
  }

  package static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: data.data, count: count(data)))
  }

  private static func count(_ data: ProtobufCBinaryData) -> Int { data.data == nil ? 0 : data.len }

  package static func message<Value: ProtobufCConvertible>(
    _ structure: UnsafeMutablePointer<Value.Structure>?
  ) -> Value? {
    guard let structure else { return nil }
    return Value(reading: structure)
  }

  // MARK: Repeated

  @inline(__always)
  package static func numbers<Number>(
    _ count: Int, _ elements: UnsafeMutablePointer<Number>?
  ) -> [Number] {
    guard let elements else { return [] }
    return [Number](UnsafeBufferPointer(start: elements, count: count))
  }

  @inline(__always)
  package static func booleans(
    _ count: Int, _ elements: UnsafeMutablePointer<protobuf_c_boolean>?
  ) -> [Bool] {
    list(count, elements) { $0 != 0 }
  }

  @inline(__always)
  package static func texts(
    _ count: Int, _ elements: UnsafeMutablePointer<ProtobufCBinaryData>?
  ) -> [String] {
    list(count, elements) { text($0) }
  }

  @inline(__always)
  package static func byteStrings(
    _ count: Int, _ elements: UnsafeMutablePointer<ProtobufCBinaryData>?
  ) -> [[UInt8]] {
    list(count, elements) { bytes($0) }
  }

  /// protoc-c's enums are as wide as Int32, see PROTOBUF_C__FORCE_ENUM_TO_BE_INT_SIZE.
  @inline(__always)
  package static func enums<Value: MessageEnum, Number>(
    _ count: Int, _ elements: UnsafeMutablePointer<Number>?
  ) -> [Value] {
    guard let elements else { return [] }
    let raw = UnsafeRawBufferPointer(start: elements, count: count * MemoryLayout<Int32>.size)
    return (0..<count).map { index in
      Value(rawValue: raw.load(fromByteOffset: index * MemoryLayout<Int32>.size, as: Int32.self))
    }
  }

  @inline(__always)
  package static func messages<Value: ProtobufCConvertible>(
    _ count: Int, _ elements: UnsafeMutablePointer<UnsafeMutablePointer<Value.Structure>?>?
  ) -> [Value] {
    list(count, elements) { element in
      guard let element else { return Value() }
      return Value(reading: element)
    }
  }

  /// Of entries with the same key the last one counts, as the protobuf specification has it.
  @inline(__always)
  package static func map<Key: MapKey, Value, Entry>(
    _ count: Int, _ entries: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?,
    _ read: (UnsafeMutablePointer<Entry>) -> (Key, Value)
  ) -> [Key: Value] {
    guard let entries, count > 0 else { return Dictionary() }
    var result = [Key: Value](minimumCapacity: count)
    for index in 0..<count {
      guard let entry = entries[index] else { continue }
      let (key, value) = read(entry)
      result[key] = value
    }
    return result
  }

  @inline(__always)
  private static func list<Element, Value>(
    _ count: Int, _ elements: UnsafeMutablePointer<Element>?, _ read: (Element) -> Value
  ) -> [Value] {
    guard let elements, count > 0 else { return [] }
    return [Value](unsafeUninitializedCapacity: count) { values, initialized in
      guard let start = values.baseAddress else { return }
      for index in 0..<count { (start + index).initialize(to: read(elements[index])) }
      initialized = count
    }
  }
}
