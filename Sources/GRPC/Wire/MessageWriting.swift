internal import HTTP2
internal import Messages
internal import NIOCore

extension HTTP2Session {
  /// Serializes a message with its prefix straight into what the stream sends; false when the
  /// stream takes no more.
  func writeMessage(_ message: some Message, on stream: HTTP2Stream) -> Bool {
    guard stream.acceptsData else { return false }
    message.serialize { byteCount in
      let buffer = reserve(stream, byteCount: MessageDeframer.prefixBytes + byteCount)
      buffer.storeBytes(of: 0, as: UInt8.self)
      buffer.storeBytes(
        of: UInt32(truncatingIfNeeded: byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
      return UnsafeMutableRawBufferPointer(rebasing: buffer[MessageDeframer.prefixBytes...])
    }
    return true
  }

  /// The same, compressed with gzip; an empty message goes as it is.
  func writeCompressed(_ message: some Message, on stream: HTTP2Stream) -> Bool {
    guard stream.acceptsData else { return false }
    let plain = message.serializedBytes()
    guard !plain.isEmpty, let packed = plain.withUnsafeBytes(Gzip.compress) else {
      return writeMessage(message, on: stream)
    }
    packed.withUnsafeReadableBytes { packed in
      let buffer = reserve(stream, byteCount: MessageDeframer.prefixBytes + packed.count)
      buffer.storeBytes(of: 1, as: UInt8.self)
      buffer.storeBytes(
        of: UInt32(truncatingIfNeeded: packed.count).bigEndian, toByteOffset: 1, as: UInt32.self)
      UnsafeMutableRawBufferPointer(rebasing: buffer[MessageDeframer.prefixBytes...])
        .copyMemory(from: packed)
    }
    return true
  }
}
