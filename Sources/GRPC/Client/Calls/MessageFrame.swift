internal import Messages

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
}
