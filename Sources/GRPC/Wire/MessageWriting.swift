internal import HTTP2
internal import Messages

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
}
