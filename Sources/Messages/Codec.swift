import CProtobufC

/// A message that can be carried over from and to the struct that protoc-c makes for it.
///
/// protoc-c is run with `string` fields changed to `bytes`, which look the same on the wire: a
/// C string would lose what follows a NUL (protobuf-c 1.4.1 stops there without an error).
package protocol ProtobufCConvertible: Message {
  /// protoc-c's struct; it starts with a `ProtobufCMessage`.
  associatedtype Structure

  /// Gives every member its default and the descriptor.
  static func initialize(_ c: UnsafeMutablePointer<Structure>)
  init(reading c: UnsafePointer<Structure>) throws(MessageDecodingError)
  /// Sets the members of an initialized struct; what they point to lives in the arena.
  func write(to c: UnsafeMutablePointer<Structure>, in arena: Arena)
}

/// Decodes and encodes whole messages through protobuf-c.
///
/// The structs nest no deeper than the schema does, because the plugin refuses recursive messages.
/// protobuf-c 1.4.1 departs from the encoding specification in two places, both in what no encoder
/// sends by itself: a message field that comes in several parts is merged, but the numbers of the
/// earlier parts are lost; and text of which a later part is there is not checked for UTF-8.
package enum Codec {
  /// Memory that decoding may take: structs, tables and copies together are mostly under ten times
  /// the size on the wire; a list of tiny messages comes to thirty. A list of empty messages, of
  /// two bytes each, would come to much more and is refused.
  package static func memoryLimit(forByteCount count: Int) -> Int {
    min(64 * 1024 + 32 * count, 256 * 1024 * 1024)
  }

  package static func decode<Value: ProtobufCConvertible>(
    _ bytes: UnsafeRawBufferPointer
  ) throws(MessageDecodingError) -> Value {
    let arena = Arena(
      firstChunk: 4 * bytes.count + 1024, limit: memoryLimit(forByteCount: bytes.count))
    let descriptor = base(arena.structure(Value.self)).pointee.descriptor
    let unpacked = arena.withAllocator { allocator in
      protobuf_c_message_unpack(
        descriptor, allocator, bytes.count,
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    guard let unpacked else {
      if arena.isExhausted { throw tooMuchMemory(Value.self, bytes.count) }
      throw MessageDecodingError(
        code: .malformed, place: Value.protoName,
        message: "the \(bytes.count) bytes are not a \(Value.protoName)")
    }
    let structure = UnsafeRawPointer(unpacked).assumingMemoryBound(to: Value.Structure.self)
    return try withExtendedLifetime(arena) { () throws(MessageDecodingError) in
      try Value(reading: structure)
    }
  }

  package static func encode<Value: ProtobufCConvertible>(
    _ message: Value, into reserve: (_ byteCount: Int) -> UnsafeMutableRawBufferPointer
  ) {
    let arena = Arena(firstChunk: 4096, limit: .max)
    let structure = arena.structure(Value.self)
    message.write(to: structure, in: arena)
    let size = protobuf_c_message_get_packed_size(base(structure))
    let target = reserve(size)
    precondition(target.count >= size, "reserve returned less room than it was asked for")
    guard size > 0, let start = target.baseAddress else { return }
    withExtendedLifetime(arena) {
      _ = protobuf_c_message_pack(base(structure), start.assumingMemoryBound(to: UInt8.self))
    }
  }

  /// Every struct of protoc-c starts with a ProtobufCMessage.
  private static func base<Structure>(
    _ structure: UnsafeMutablePointer<Structure>
  ) -> UnsafePointer<ProtobufCMessage> {
    UnsafeRawPointer(structure).assumingMemoryBound(to: ProtobufCMessage.self)
  }

  private static func tooMuchMemory<Value: Message>(
    _ type: Value.Type, _ count: Int
  ) -> MessageDecodingError {
    MessageDecodingError(
      code: .tooMuchMemory, place: Value.protoName,
      message: "\(Value.protoName) of \(count) bytes would take more than "
        + "\(memoryLimit(forByteCount: count)) bytes of memory")
  }
}
