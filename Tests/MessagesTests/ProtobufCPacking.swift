import CProtobufC

@testable import Messages

/// A message as protobuf-c packs it, once it has unpacked it.
///
/// - Throws: `MessageDecodingError` for bytes that are no such message.
func packedByProtobufC<Value: ProtobufCConvertible>(
  _ type: Value.Type, _ bytes: [UInt8]
) throws -> [UInt8] {
  try bytes.withUnsafeBytes { bytes in
    try Codec.withStructure(type, bytes) { structure in
      // Every struct of protoc-c starts with a ProtobufCMessage.
      let base = UnsafeRawPointer(structure).assumingMemoryBound(to: ProtobufCMessage.self)
      let size = protobuf_c_message_get_packed_size(base)
      return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = protobuf_c_message_pack(base, buffer.baseAddress)
      }
    }.get()
  }
}
