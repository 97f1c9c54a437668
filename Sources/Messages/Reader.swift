package import CProtobufC

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What generated code reads the members of protoc-c's structs with. A repeated member is a count
/// and a pointer to the elements, which is NULL where there is none.
package enum Reader {
  /// - Parameter place: The field, for the error: "baton.v1.Task.id".
  package static func text(
    _ data: ProtobufCBinaryData, _ place: StaticString
  ) throws(MessageDecodingError) -> String {
    guard data.len > 0, let start = data.data else { return "" }
    guard memchr(start, 0, data.len) == nil else {
      throw MessageDecodingError(
        code: .nulInText, place: "\(place)", message: "\(place) holds a NUL character")
    }
    let bytes = UnsafeBufferPointer(start: start, count: data.len)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw MessageDecodingError(
        code: .invalidUTF8, place: "\(place)", message: "\(place) is not valid UTF-8")
    }
    return text
  }

  package static func bytes(_ data: ProtobufCBinaryData) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: data.data, count: data.data == nil ? 0 : data.len))
  }

  package static func message<Value: ProtobufCConvertible>(
    _ structure: UnsafeMutablePointer<Value.Structure>?
  ) throws(MessageDecodingError) -> Value? {
    guard let structure else { return nil }
    return try Value(reading: structure)
  }

  // MARK: Repeated

  package static func numbers<Number>(
    _ count: Int, _ elements: UnsafeMutablePointer<Number>?
  ) -> [Number] {
    guard let elements else { return [] }
    return [Number](UnsafeBufferPointer(start: elements, count: count))
  }

  package static func booleans(
    _ count: Int, _ elements: UnsafeMutablePointer<protobuf_c_boolean>?
  ) -> [Bool] {
    guard let elements else { return [] }
    return UnsafeBufferPointer(start: elements, count: count).map { $0 != 0 }
  }

  package static func texts(
    _ count: Int, _ elements: UnsafeMutablePointer<ProtobufCBinaryData>?, _ place: StaticString
  ) throws(MessageDecodingError) -> [String] {
    try list(count, elements) { (data) throws(MessageDecodingError) in try text(data, place) }
  }

  package static func byteStrings(
    _ count: Int, _ elements: UnsafeMutablePointer<ProtobufCBinaryData>?
  ) -> [[UInt8]] {
    guard let elements else { return [] }
    return UnsafeBufferPointer(start: elements, count: count).map(bytes)
  }

  /// protoc-c's enums are as wide as Int32, see PROTOBUF_C__FORCE_ENUM_TO_BE_INT_SIZE.
  package static func enums<Value: MessageEnum, Number>(
    _ count: Int, _ elements: UnsafeMutablePointer<Number>?
  ) -> [Value] {
    guard let elements else { return [] }
    let raw = UnsafeRawBufferPointer(start: elements, count: count * MemoryLayout<Int32>.size)
    return (0..<count).map { index in
      Value(rawValue: raw.load(fromByteOffset: index * MemoryLayout<Int32>.size, as: Int32.self))
    }
  }

  package static func messages<Value: ProtobufCConvertible>(
    _ count: Int, _ elements: UnsafeMutablePointer<UnsafeMutablePointer<Value.Structure>?>?
  ) throws(MessageDecodingError) -> [Value] {
    try list(count, elements) { (element) throws(MessageDecodingError) in
      guard let element else { return Value() }
      return try Value(reading: element)
    }
  }

  /// Of entries with the same key the last one counts, as the protobuf specification has it.
  package static func map<Key: MapKey, Value, Entry>(
    _ count: Int, _ entries: UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>?,
    _ read: (UnsafeMutablePointer<Entry>) throws(MessageDecodingError) -> (Key, Value)
  ) throws(MessageDecodingError) -> [Key: Value] {
    guard let entries, count > 0 else { return [:] }
    var result: [Key: Value] = [:]
    result.reserveCapacity(count)
    for index in 0..<count {
      guard let entry = entries[index] else { continue }
      let (key, value) = try read(entry)
      result[key] = value
    }
    return result
  }

  private static func list<Element, Value>(
    _ count: Int, _ elements: UnsafeMutablePointer<Element>?,
    _ read: (Element) throws(MessageDecodingError) -> Value
  ) throws(MessageDecodingError) -> [Value] {
    guard let elements, count > 0 else { return [] }
    var result: [Value] = []
    result.reserveCapacity(count)
    for index in 0..<count { result.append(try read(elements[index])) }
    return result
  }
}
