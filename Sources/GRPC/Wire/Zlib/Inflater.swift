internal import CZlib
internal import NIOCore

/// Undoes gzip (RFC 1952), one message at a time. Owns the `z_stream`, which zlib allows no one to
/// move.
///
/// `@unchecked Sendable`: used by one thread at a time, which `Gzip` sees to.
final class Inflater: @unchecked Sendable {
  enum Failure: Error {
    /// There is more than the limit.
    case tooLarge
    /// It is no gzip, it is cut off, or its checksum is wrong.
    case corrupt
  }

  private let stream: UnsafeMutablePointer<z_stream>

  /// 15 bits of window, the most there is; 16 more mean gzip (zlib.h, inflateInit2).
  static let gzipWindowBits: Int32 = 15 + 16
  private static let outputBytesMin = 512
  /// What deflate can shrink a run of equal bytes by (zlib.net/zlib_tech.html).
  private static let ratioMax = 1032

  /// Nil when memory is exhausted.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // Possible return codes: OK; MEM_ERROR, VERSION_ERROR, STREAM_ERROR.
    let code = inflateInit2_(
      stream, Self.gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// What one or more gzip members hold together; never more than `limit` bytes are produced.
  func inflate(_ input: UnsafeRawBufferPointer, limit: Int) throws(Failure) -> ByteBuffer {
    guard let start = input.baseAddress, input.count > 0 else { throw .corrupt }
    // Possible return codes: OK; STREAM_ERROR.
    inflateReset(stream)
    // zlib declares the pointer mutable and never writes through it.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: start.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(clamping: input.count)
    defer { stream.pointee.next_in = nil }
    var output = ByteBuffer()
    output.reserveCapacity(Self.capacity(for: input, limit: limit))
    while true {
      switch try step(&output, limit: limit) {
      case Z_STREAM_END where stream.pointee.avail_in == 0: return output
      // RFC 1952 §2.2: members follow each other.
      case Z_STREAM_END: inflateReset(stream)
      case Z_OK: break
      default: throw .corrupt
      }
    }
  }

  /// Fills the output as far as it goes; a single byte beside it shows whether there is more.
  private func step(_ output: inout ByteBuffer, limit: Int) throws(Failure) -> Int32 {
    let room = limit - output.readableBytes
    guard room > 0 else {
      var excess: UInt8 = 0
      let (code, count) = withUnsafeMutableBytes(of: &excess) { run(into: $0) }
      guard count == 0 else { throw .tooLarge }
      return code
    }
    if output.writableBytes == 0 {
      output.reserveCapacity(output.readableBytes + min(room, output.readableBytes))
    }
    var code = Z_OK
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: 1) { free in
      let (stepCode, count) = run(
        into: UnsafeMutableRawBufferPointer(rebasing: free.prefix(room)))
      code = stepCode
      return count
    }
    return code
  }

  private func run(into output: UnsafeMutableRawBufferPointer) -> (code: Int32, count: Int) {
    let count = UInt32(clamping: output.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = count
    defer { stream.pointee.next_out = nil }
    // Possible return codes: OK, STREAM_END; BUF_ERROR (cut off), DATA_ERROR, NEED_DICT, MEM_ERROR.
    let code = CZlib.inflate(stream, Z_NO_FLUSH)
    return (code, Int(count - stream.pointee.avail_out))
  }

  /// What the last four bytes say (RFC 1952 §2.3.1, ISIZE), within what is possible.
  private static func capacity(for input: UnsafeRawBufferPointer, limit: Int) -> Int {
    guard input.count >= 4 else { return 0 }
    let size = UInt32(
      littleEndian: input.loadUnaligned(fromByteOffset: input.count - 4, as: UInt32.self))
    return min(limit, max(outputBytesMin, min(Int(size), input.count * ratioMax)))
  }
}
