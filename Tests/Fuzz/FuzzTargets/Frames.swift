import NIOCore

/// Frames of HTTP/2 for seeds, and to look at what is sent (RFC 9113 §4.1, RFC 7541 §6.2.2).
enum Frames {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let settings = frame(4, [])
  static let settingsAck = frame(4, flags: 1, [])

  static func frame(
    _ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8]
  ) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream]
      + payload
  }

  /// HEADERS with END_HEADERS: literal fields, neither indexed nor Huffman-coded.
  static func headers(
    _ fields: [(String, String)], stream: UInt8, endStream: Bool = false
  ) -> [UInt8] {
    frame(1, flags: endStream ? 5 : 4, stream: stream, block(fields))
  }

  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { [0] + text($0) + text($1) }
  }

  private static func text(_ text: String) -> [UInt8] {
    precondition(text.utf8.count < 127)
    return [UInt8(text.utf8.count)] + text.utf8
  }

  static func data(_ bytes: [UInt8], stream: UInt8, endStream: Bool = false) -> [UInt8] {
    frame(0, flags: endStream ? 1 : 0, stream: stream, bytes)
  }

  /// The types of the frames that were sent.
  static func types(_ bytes: ByteBufferView) -> [UInt8] {
    var types: [UInt8] = []
    var rest = bytes
    while rest.count >= 9 {
      let head = Array(rest.prefix(9))
      types.append(head[3])
      rest = rest.dropFirst(9 + (Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])))
    }
    return types
  }
}
