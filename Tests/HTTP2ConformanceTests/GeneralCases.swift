/// What every client does, and every server accepts.
extension SpecCase {
  static let generalStreams: [SpecCase] = [
    SpecCase("general 1/1", "a preface is answered with SETTINGS") { connection in
      connection.raw(SpecConnection.preface)
      connection.send(Frame.settings)
      try await connection.frame { $0.type == Frame.settings && !$0.isAck }
    },
    SpecCase("general 2/1", "PRIORITY for an idle stream") { connection in
      try await connection.handshake()
      connection.priority(1, dependsOn: 0)
      try await connection.expectAlive()
    },
    SpecCase("general 2/2", "WINDOW_UPDATE after the end of a request") { connection in
      try await connection.handshake(connection.setting(4, 0))
      connection.request(1)
      connection.windowUpdate(1, 1)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("general 2/3", "PRIORITY after the end of a request") { connection in
      try await connection.handshake(connection.setting(4, 0))
      connection.request(1)
      connection.priority(1, dependsOn: 0)
      connection.windowUpdate(1, 1)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("general 2/4", "RST_STREAM after the end of a request") { connection in
      try await connection.handshake()
      connection.request(1)
      connection.reset(1)
      try await connection.expectAlive()
    },
    SpecCase("general 2/5", "PRIORITY for a closed stream") { connection in
      try await connection.handshake()
      connection.request(1)
      try await connection.expectEnd(of: 1)
      connection.priority(1, dependsOn: 0)
      try await connection.expectAlive()
    },
  ]

  static let generalFrames: [SpecCase] = [
    SpecCase("general 3.1/1", "one DATA frame") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.1/2", "several DATA frames") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1, end: false)
      connection.data(1)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.1/3", "a padded DATA frame") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      let flags = SpecConnection.endStream | SpecConnection.padded
      connection.send(Frame.data, flags: flags, stream: 1, [6] + Array("test".utf8) + zeros(6))
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.2/1", "a HEADERS frame") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.2/2", "a padded HEADERS frame") { connection in
      try await connection.handshake()
      let flags = SpecConnection.endStream | SpecConnection.endHeaders | SpecConnection.padded
      connection.send(Frame.headers, flags: flags, stream: 1, [6] + Block.get + zeros(6))
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.2/3", "a HEADERS frame with priority") { connection in
      try await connection.handshake()
      let flags = SpecConnection.endStream | SpecConnection.endHeaders | SpecConnection.priority
      connection.send(Frame.headers, flags: flags, stream: 1, [0, 0, 0, 0, 255] + Block.get)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.3/1", "PRIORITY of weight 1") { connection in
      try await priorityThenRequest(connection, SpecConnection.integer(0) + [0])
    },
    SpecCase("general 3.3/2", "PRIORITY of weight 256") { connection in
      try await priorityThenRequest(connection, SpecConnection.integer(0) + [255])
    },
    SpecCase("general 3.3/3", "PRIORITY that depends on a stream") { connection in
      try await priorityThenRequest(connection, SpecConnection.integer(3) + [255])
    },
    SpecCase("general 3.3/4", "PRIORITY that depends on a stream alone") { connection in
      try await priorityThenRequest(connection, SpecConnection.integer(0x8000_0003) + [255])
    },
    SpecCase("general 3.3/5", "PRIORITY for an idle stream, then a lower one opens") { connection in
      try await connection.handshake()
      connection.priority(3, dependsOn: 0)
      connection.headers(1, Block.get, end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.4/1", "RST_STREAM") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.reset(1)
      try await connection.expectAlive()
    },
    SpecCase("general 3.5/1", "SETTINGS") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, connection.setting(3, 100))
      try await connection.expectSettingsAck()
    },
    SpecCase("general 3.7/1", "PING") { connection in
      try await connection.handshake()
      try await connection.expectAlive()
    },
    SpecCase("general 3.8/1", "GOAWAY") { connection in
      try await connection.handshake()
      connection.send(Frame.goAway, zeros(8))
      // A server may go on or close; it must not take it for an error.
      connection.send(Frame.ping, zeros(8))
      do {
        let frame = try await connection.frame {
          $0.type == Frame.ping || $0.type == Frame.goAway
        }
        if frame.type == Frame.goAway, frame.errorCode != 0 {
          throw SpecFailure(description: "got \(frame)")
        }
      } catch let failure as SpecFailure where failure.description.contains("closed") {
        // Closed without a word.
      }
    },
    SpecCase("general 3.9/1", "WINDOW_UPDATE for the connection") { connection in
      try await connection.handshake()
      connection.windowUpdate(0, 1)
      try await connection.expectAlive()
    },
    SpecCase("general 3.9/2", "WINDOW_UPDATE for a stream") { connection in
      try await connection.handshake(connection.setting(4, 0))
      connection.request(1)
      connection.windowUpdate(1, 1)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("general 3.10/1", "a CONTINUATION frame") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 3.10/2", "several CONTINUATION frames") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.continuation(1, Block.field("x-more", "1"), end: false)
      connection.continuation(1, Block.field("x-more", "2"), end: true)
      try await connection.expectHeaders(1)
    },
  ]

  private static func priorityThenRequest(
    _ connection: SpecConnection, _ payload: [UInt8]
  ) async throws {
    try await connection.handshake()
    connection.send(Frame.priority, stream: 1, payload)
    connection.headers(1, Block.get, end: true)
    try await connection.expectHeaders(1)
  }

  static let generalMessages: [SpecCase] = [
    SpecCase("general 4/1", "GET") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 4/2", "HEAD") { connection in
      try await connection.handshake()
      connection.headers(1, Block.head, end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 4/3", "POST") { connection in
      try await connection.handshake()
      connection.headers(1, Block.post, end: false)
      connection.data(1)
      try await connection.expectHeaders(1)
    },
    SpecCase("general 4/4", "POST with trailers") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.data(1, end: false)
      connection.headers(1, Block.field("x-trailer", "1"), end: true)
      try await connection.expectHeaders(1)
    },
  ]

  /// Every representation of a header field (RFC 7541 §6). The Huffman codes of "user-agent", of
  /// "x-test" and of "test" are spelt out.
  static let generalHeaderFields: [SpecCase] = {
    let value = Block.text("test")
    let huffmanValue: [UInt8] = [0x83, 0x49, 0x50, 0x9f]
    let name = Block.text("x-test")
    let huffmanName: [UInt8] = [0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff]
    let fields: [(String, [UInt8])] = [
      ("an indexed field", [0x90]),
      ("indexed later, name from the table", [0x7a] + value),
      ("the same with Huffman coding", [0x7a] + huffmanValue),
      ("indexed later, new name", [0x40] + name + value),
      ("the same with Huffman coding", [0x40] + huffmanName + huffmanValue),
      ("not indexed, name from the table", [0x0f, 0x2b] + value),
      ("the same with Huffman coding", [0x0f, 0x2b] + huffmanValue),
      ("not indexed, new name", [0x00] + name + value),
      ("the same with Huffman coding", [0x00] + huffmanName + huffmanValue),
      ("never indexed, name from the table", [0x1f, 0x2b] + value),
      ("the same with Huffman coding", [0x1f, 0x2b] + huffmanValue),
      ("never indexed, new name", [0x10] + name + value),
      ("the same with Huffman coding", [0x10] + huffmanName + huffmanValue),
    ]
    let cases = fields.enumerated().map { index, field in
      SpecCase("general 5/\(index + 1)", field.0) { connection in
        try await connection.handshake()
        connection.headers(1, Block.get + field.1, end: true)
        try await connection.expectHeaders(1)
      }
    }
    // To 128 bytes; to 128 and back to 4,096 (RFC 7541 §4.2).
    let updates: [(String, [UInt8])] = [
      ("a size update of the dynamic table", [0x3f, 0x61]),
      ("two size updates", [0x3f, 0x61, 0x3f, 0xe1, 0x1f]),
    ]
    return cases
      + updates.enumerated().map { index, update in
        SpecCase("general 5/\(index + 14)", update.0) { connection in
          try await connection.handshake()
          connection.headers(1, update.1 + Block.get, end: true)
          try await connection.expectHeaders(1)
        }
      }
  }()
}

func zeros(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
