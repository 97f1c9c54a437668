import CProtobufC

/// A message that the plugin made: read from the struct that protoc-c makes for it, written by itself.
///
/// protoc-c is run with `string` fields changed to `bytes`, which look the same on the wire: a
/// C string would lose what follows a NUL (protobuf-c 1.4.1 stops there without an error).
package protocol ProtobufCConvertible: Message {
  /// protoc-c's struct; it starts with a `ProtobufCMessage`.
  associatedtype Structure

  /// What the wire scan knows of the message.
  static var wireTable: WireTable { get }
  init(reading c: UnsafePointer<Structure>)
  /// Writes the fields, the last one first.
  func write(to writer: inout WireWriter)
}

/// Decodes whole messages through protobuf-c, and encodes them.
///
/// The structs nest no deeper than the schema does, because the plugin refuses recursive messages.
package enum Codec {
  /// Memory on the stack that small messages do with; the most that Swift puts there.
  private static let stackSize = 1024

  /// Memory that the structs, tables and copies of a message may take, and its Swift value: mostly
  /// under ten times the size on the wire; a list of tiny tasks comes to fifty. A list of empty
  /// messages, of two bytes each, would come to much more and is refused.
  static func memoryLimit(forByteCount count: Int) -> Int {
    min(4 << 20 + 64 * count, 256 << 20)
  }

  package static func decode<Value: ProtobufCConvertible>(
    _ bytes: UnsafeRawBufferPointer
  ) throws(MessageDecodingError) -> Value {
    let result: Result<Value, MessageDecodingError> = withStructure(Value.self, bytes) {
      Value(reading: $0)
    }
    return try result.get()
  }

  /// Bytes that decoding takes beside the message itself, by the wire scan: protobuf-c's structs, the
  /// Swift value, and the bytes once more where they are rewritten. Zero for bytes that are refused.
  package static func memoryBytes(
    toDecode type: any Message.Type, _ bytes: UnsafeRawBufferPointer
  ) -> Int {
    guard let type = type as? any ProtobufCConvertible.Type,
      let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress
    else { return 0 }
    var scanner = WireScanner(memoryLimit: memoryLimit(forByteCount: bytes.count))
    do throws(WireFault) {
      try scanner.scan(type.wireTable, start, start + bytes.count)
    } catch {
      return 0
    }
    return scanner.arenaBytes + scanner.valueBytes + (scanner.needsRewriting ? bytes.count : 0)
  }

  /// Runs `body` with the struct of a message, which must not escape.
  package static func withStructure<Value: ProtobufCConvertible, Output>(
    _ type: Value.Type, _ bytes: UnsafeRawBufferPointer,
    _ body: (UnsafePointer<Value.Structure>) -> Output
  ) -> Result<Output, MessageDecodingError> {
    // An empty message may have no memory at all.
    guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count > 0 else {
      return withUnpacked(
        type, bytes, arenaBytes: Value.wireTable.layout.pointee.structureSize, body)
    }
    let table = Value.wireTable
    var scanner = WireScanner(memoryLimit: memoryLimit(forByteCount: bytes.count))
    do throws(WireFault) {
      try scanner.scan(table, start, start + bytes.count)
      guard scanner.needsRewriting else {
        return withUnpacked(type, bytes, arenaBytes: scanner.arenaBytes, body)
      }
      let rewritten = try WireRewriter.rewrite(table, start, start + bytes.count)
      return rewritten.withUnsafeBytes {
        withUnpacked(type, $0, arenaBytes: scanner.arenaBytes, body)
      }
    } catch {
      return .failure(refusal(error, table, bytes.count, start))
    }
  }

  /// - Parameter arenaBytes: What protobuf-c takes, by the scan.
  @inline(__always)
  private static func withUnpacked<Value: ProtobufCConvertible, Output>(
    _ type: Value.Type, _ bytes: UnsafeRawBufferPointer, arenaBytes: Int,
    _ body: (UnsafePointer<Value.Structure>) -> Output
  ) -> Result<Output, MessageDecodingError> {
    if arenaBytes <= stackSize {
      return withUnsafeTemporaryAllocation(byteCount: stackSize, alignment: Arena.alignment) {
        unpack(type, bytes, $0, body)
      }
    }
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: arenaBytes, alignment: Arena.alignment)
    defer { memory.deallocate() }
    return unpack(type, bytes, memory, body)
  }

  private static func unpack<Value: ProtobufCConvertible, Output>(
    _ type: Value.Type, _ bytes: UnsafeRawBufferPointer, _ memory: UnsafeMutableRawBufferPointer,
    _ body: (UnsafePointer<Value.Structure>) -> Output
  ) -> Result<Output, MessageDecodingError> {
    // The scan knows what protobuf-c takes, so this limit is not reached.
    var arena = Arena(memory)
    let unpacked = arena.withAllocator { allocator in
      protobuf_c_message_unpack(
        Value.wireTable.descriptor?.assumingMemoryBound(to: ProtobufCMessageDescriptor.self),
        allocator, bytes.count,
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard let unpacked else {
      return .failure(
        MessageDecodingError(
          code: .malformed, place: "",
          message: "the \(bytes.count) bytes are not a \(Value.protoName)"))
    }
    return .success(body(UnsafeRawPointer(unpacked).assumingMemoryBound(to: Value.Structure.self)))
  }

  private static func refusal(
    _ fault: WireFault, _ table: WireTable, _ count: Int, _ start: UnsafePointer<UInt8>
  ) -> MessageDecodingError {
    let path = { WirePath.path(table, start, start + count, to: fault.at) }
    let (code, place, complaint): (MessageDecodingError.Code, String, String) =
      switch fault.reason {
      case .invalidUTF8: (.invalidUTF8, path(), "is not valid UTF-8")
      case .nul: (.nulInText, path(), "holds a NUL character")
      case .malformed: (.malformed, path(), "is malformed at byte \(fault.at - start)")
      case .tooMuchMemory:
        (
          .tooMuchMemory, "",
          "of \(count) bytes would take more than \(memoryLimit(forByteCount: count)) bytes of memory"
        )
      }
    let subject = place.isEmpty ? table.name : "\(place) of \(table.name)"
    return MessageDecodingError(code: code, place: place, message: "\(subject) \(complaint)")
  }

  package static func encode<Value: ProtobufCConvertible>(
    _ message: Value, into reserve: (_ byteCount: Int) -> UnsafeMutableRawBufferPointer
  ) {
    withWritten(message) { bytes in
      let target = reserve(bytes.count)
      precondition(target.count >= bytes.count, "reserve returned less room than it was asked for")
      target.copyMemory(from: bytes)
    }
  }

  package static func encode<Value: ProtobufCConvertible>(_ message: Value) -> [UInt8] {
    withWritten(message) { [UInt8]($0) }
  }

  @inline(__always)
  private static func withWritten<Value: ProtobufCConvertible, Output>(
    _ message: Value, _ body: (UnsafeRawBufferPointer) -> Output
  ) -> Output {
    withUnsafeTemporaryAllocation(byteCount: stackSize, alignment: 1) { memory in
      var writer = WireWriter(startingWith: memory)
      message.write(to: &writer)
      return writer.withWritten(body)
    }
  }
}
