internal import CZlib
internal import NIOCore

/// Compresses to gzip (RFC 1952), one message at a time. Owns the `z_stream`, which zlib allows no
/// one to move, and about 270 KB behind it.
///
/// `@unchecked Sendable`: used by one thread at a time, which `Gzip` sees to.
final class Deflater: @unchecked Sendable {
  private let stream: UnsafeMutablePointer<z_stream>

  /// zlib's own default (zlib.h, deflateInit2).
  private static let memoryLevel: Int32 = 8

  /// Nil when memory is exhausted.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // The fastest level: messages are compressed on the event loop.
    // Possible return codes: OK; MEM_ERROR, VERSION_ERROR, STREAM_ERROR.
    let code = deflateInit2_(
      stream, Z_BEST_SPEED, Z_DEFLATED, Inflater.gzipWindowBits, Self.memoryLevel,
      Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// One gzip member; nil for more than zlib takes at a time (4 GiB).
  func deflate(_ input: UnsafeRawBufferPointer) -> ByteBuffer? {
    guard let count = UInt32(exactly: input.count) else { return nil }
    // Possible return codes: OK; STREAM_ERROR.
    deflateReset(stream)
    // zlib declares the pointer mutable and never writes through it.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = count
    let bound = Int(deflateBound(stream, UInt(count)))
    var output = ByteBuffer()
    var code = Z_OK
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound) { free in
      let room = UInt32(clamping: free.count)
      stream.pointee.next_out = free.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = room
      // Possible return codes: STREAM_END; OK and BUF_ERROR (not with that much room),
      // STREAM_ERROR.
      code = CZlib.deflate(stream, Z_FINISH)
      return Int(room - stream.pointee.avail_out)
    }
    stream.pointee.next_in = nil
    stream.pointee.next_out = nil
    return code == Z_STREAM_END ? output : nil
  }
}
