/// Finds the frames in what a client sends, before nghttp2 reads it: nghttp2 tells nobody of frames
/// that it ignores. Looks at the nine bytes of each head (RFC 9113 §4.1) and steps over the payload.
struct FrameScanner {
  struct Frame {
    let length: Int
    let type: UInt8
    let flags: UInt8
    let stream: Int32
    /// Where the frame begins among the bytes scanned; 0 if it began before them.
    let start: Int
    /// The first four bytes of the payload, if they are there.
    let firstWord: UInt32?
  }

  static let headBytes = 9

  /// Bytes of a preface or payload to step over.
  private var skip: Int
  /// A head that arrives in pieces.
  private var partial: [UInt8] = []

  init(prefaceBytes: Int) {
    skip = prefaceBytes
  }

  /// The next frame at or after `offset`, which moves on.
  @inline(__always)
  mutating func next(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Frame? {
    if skip > 0 {
      let step = min(skip, bytes.count - offset)
      skip -= step
      offset += step
    }
    guard offset < bytes.count else { return nil }
    guard partial.isEmpty, bytes.count - offset >= Self.headBytes else {
      return nextInPieces(bytes, &offset)
    }
    let start = offset
    offset += Self.headBytes
    return frame(UnsafeRawBufferPointer(rebasing: bytes[start..<offset]), bytes, start, offset)
  }

  private mutating func nextInPieces(
    _ bytes: UnsafeRawBufferPointer, _ offset: inout Int
  ) -> Frame? {
    let end = min(offset + Self.headBytes - partial.count, bytes.count)
    partial.append(contentsOf: bytes[offset..<end])
    offset = end
    guard partial.count == Self.headBytes else { return nil }
    let head = partial
    partial = []
    return head.withUnsafeBytes { frame($0, bytes, 0, offset) }
  }

  @inline(__always)
  private mutating func frame(
    _ head: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer, _ start: Int, _ offset: Int
  ) -> Frame {
    let lengthAndType = UInt32(bigEndian: head.loadUnaligned(as: UInt32.self))
    let stream = UInt32(bigEndian: head.loadUnaligned(fromByteOffset: 5, as: UInt32.self))
    let length = Int(lengthAndType >> 8)
    skip = length
    let hasWord = length >= 4 && bytes.count - offset >= 4
    return Frame(
      length: length, type: UInt8(truncatingIfNeeded: lengthAndType), flags: head[4],
      stream: Int32(truncatingIfNeeded: stream & 0x7fff_ffff), start: start,
      firstWord: hasWord
        ? UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) : nil)
  }
}
