internal import Messages
internal import NIOCore

extension Message {
  /// Calls `body` with the message as it goes on the wire: prefix and bytes
  /// (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message").
  func withFrame<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    var frame = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    serialize { byteCount in
      frame = .allocate(byteCount: MessageDeframer.prefixBytes + byteCount, alignment: 8)
      frame.storeBytes(of: 0, as: UInt8.self)
      frame.storeBytes(
        of: UInt32(truncatingIfNeeded: byteCount).bigEndian, toByteOffset: 1, as: UInt32.self)
      return UnsafeMutableRawBufferPointer(rebasing: frame[MessageDeframer.prefixBytes...])
    }
    defer { frame.deallocate() }
    return body(UnsafeRawBufferPointer(frame))
  }

  /// The same, compressed with gzip; an empty message goes as it is.
  func withCompressedFrame<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let plain = serializedBytes()
    guard !plain.isEmpty, let packed = plain.withUnsafeBytes(Gzip.compress) else {
      return withFrame(body)
    }
    var frame = ByteBuffer()
    frame.writeInteger(UInt8(1))
    frame.writeInteger(UInt32(truncatingIfNeeded: packed.readableBytes))
    frame.writeImmutableBuffer(packed)
    return frame.withUnsafeReadableBytes(body)
  }
}
