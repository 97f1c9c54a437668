/// RFC 9113 §3 and §4: starting, frames, header blocks.
extension SpecCase {
  static let starting: [SpecCase] = [
    SpecCase("3.4/1", "the server's first frame is SETTINGS") { connection in
      connection.raw(SpecConnection.preface)
      connection.send(Frame.settings, connection.setting(4, 65_535))
      let first = try await connection.next()
      guard first.type == Frame.settings, !first.isAck else {
        throw SpecFailure(description: "got \(first)")
      }
    },
    SpecCase("3.4/2", "another preface ends the connection") { connection in
      connection.raw(Array("INVALID CONNECTION PREFACE\r\n\r\n".utf8))
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
  ]

  static let frames: [SpecCase] = [
    SpecCase("4.1/1", "a frame of an unknown type is ignored") { connection in
      try await connection.handshake()
      connection.send(0xff, zeros(8))
      try await connection.expectAlive()
    },
    SpecCase("4.1/2", "an undefined flag is ignored") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, flags: 0x16, zeros(8))
      try await connection.frame { $0.type == Frame.ping && $0.isAck }
    },
    SpecCase("4.1/3", "the reserved bit is ignored") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, stream: 0x8000_0000, zeros(8))
      try await connection.frame { $0.type == Frame.ping && $0.isAck }
    },
    SpecCase("4.2/1", "DATA of 2^14 bytes") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1, zeros(16_384))
      try await connection.expectHeaders(1)
    },
    SpecCase("4.2/2", "DATA larger than SETTINGS_MAX_FRAME_SIZE") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1, zeros(16_385))
      try await connection.expectStreamError(.frameSizeError)
    },
    SpecCase("4.2/3", "HEADERS larger than SETTINGS_MAX_FRAME_SIZE") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get + Block.large(16_400), end: true)
      try await connection.expectConnectionError(.frameSizeError)
    },
    SpecCase("4.3/1", "a broken header block") { connection in
      try await connection.handshake()
      connection.headers(1, [0x40], end: true)
      try await connection.expectConnectionError(.compressionError)
    },
    SpecCase("4.3/2", "PRIORITY inside a header block") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.priority(1, dependsOn: 0)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("4.3/3", "HEADERS of another stream inside a header block") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.headers(3, Block.get, end: true)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("5.5/1", "an extension frame is ignored") { connection in
      try await connection.handshake()
      connection.send(0x16, zeros(8))
      try await connection.expectAlive()
    },
    SpecCase("5.5/2", "an extension frame inside a header block") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.send(0x16, zeros(8))
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
  ]

  /// RFC 7541.
  static let headerCompression: [SpecCase] = [
    compressionError("HPACK 2.3.3/1", "an index beyond both tables", Block.get + [0xc6]),
    compressionError(
      "HPACK 2.3.3/2", "a name's index beyond both tables", Block.get + [0x7f, 0x07, 0x00]),
    compressionError(
      "HPACK 4.2/1", "a size update at the end of a header block", Block.get + [0x21]),
    // "x-test" in Huffman coding, then a value whose padding is wrong: a whole byte too long, zeros,
    // the code of EOS in the middle.
    compressionError(
      "HPACK 5.2/1", "padding longer than seven bits",
      Block.get + huffmanName + [0x84, 0x49, 0x50, 0x9f, 0xff]),
    compressionError(
      "HPACK 5.2/2", "padding of zeros", Block.get + huffmanName + [0x83, 0x49, 0x50, 0x90]),
    compressionError(
      "HPACK 5.2/3", "the code of EOS",
      Block.get + huffmanName + [0x87, 0x49, 0x51, 0xff, 0xff, 0xff, 0xfa, 0x7f]),
    compressionError("HPACK 6.1/1", "index 0", Block.get + [0x80]),
    compressionError(
      "HPACK 6.3/1", "a size update over SETTINGS_HEADER_TABLE_SIZE",
      [0x3f, 0xe2, 0x1f] + Block.get),
  ]

  private static let huffmanName: [UInt8] = [0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff]

  private static func compressionError(
    _ name: String, _ title: String, _ block: [UInt8]
  ) -> SpecCase {
    SpecCase(name, title) { connection in
      try await connection.handshake()
      connection.headers(1, block, end: true)
      try await connection.expectConnectionError(.compressionError)
    }
  }
}
