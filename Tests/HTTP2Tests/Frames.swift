import HTTP2
import NIOCore

/// One frame (RFC 9113 §4.1): length, type, flags, stream, payload.
func frame(
  _ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8]
) -> ByteBuffer {
  var buffer = ByteBuffer()
  buffer.writeInteger(UInt32(payload.count) << 8 | UInt32(type))
  buffer.writeInteger(flags)
  buffer.writeInteger(stream)
  buffer.writeBytes(payload)
  return buffer
}

func frames(_ frames: [ByteBuffer]) -> ByteBuffer {
  frames.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
}

/// A string literal without Huffman coding (RFC 7541 §5.2).
func text(_ value: String) -> [UInt8] {
  let bytes = Array(value.utf8)
  if bytes.count < 127 { return [UInt8(bytes.count)] + bytes }
  var rest = bytes.count - 127
  var length: [UInt8] = [127]
  while rest >= 128 {
    length.append(UInt8(rest % 128 + 128))
    rest /= 128
  }
  return length + [UInt8(rest)] + bytes
}

/// A literal field that is not indexed, with a new name (RFC 7541 §6.2.2).
func literal(_ name: String, _ value: String) -> [UInt8] {
  [0] + text(name) + text(value)
}

/// POST http /a on localhost: indexed fields 3 and 6 of the static table, literals with the names of
/// fields 4 and 1 (RFC 7541 appendix A).
let requestBlock: [UInt8] = [0x83, 0x86, 0x04] + text("/a") + [0x01] + text("localhost")

/// The code of the last GOAWAY among frames sent.
func goAway(_ bytes: ByteBuffer) -> HTTP2ErrorCode? {
  var bytes = bytes
  var code: HTTP2ErrorCode?
  while let head: UInt32 = bytes.readInteger() {
    bytes.moveReaderIndex(forwardBy: 5)
    let payload = bytes.readSlice(length: Int(head >> 8))
    guard head & 0xff == 7, let payload else { continue }
    code = payload.getInteger(at: payload.readerIndex + 4).map { HTTP2ErrorCode(rawValue: $0) }
  }
  return code
}
