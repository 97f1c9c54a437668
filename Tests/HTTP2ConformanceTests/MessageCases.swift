/// RFC 9113 §8: requests.
extension SpecCase {
  static let messages: [SpecCase] = [
    SpecCase("8.1/1", "a second HEADERS frame that does not end the stream") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.headers(1, Block.field("x-trailer", "1"), end: false)
      try await connection.expectStreamError(.protocolError)
    },
    malformed("8.2/1", "a field name in upper case", Block.get + Block.field("X-TEST", "ok")),
    malformed(
      "8.2.2/1", "a connection-specific field", Block.get + Block.field("connection", "close")),
    malformed(
      "8.2.2/2", "TE other than trailers", Block.get + Block.field("te", "trailers, deflate")),
    wrongLength("8.1.1/1", "content-length that one DATA frame exceeds", frames: 1),
    wrongLength("8.1.1/2", "content-length that DATA frames exceed in sum", frames: 2),
    SpecCase("8.4/1", "PUSH_PROMISE from a client") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.send(
        Frame.pushPromise, flags: SpecConnection.endHeaders, stream: 1,
        SpecConnection.integer(3) + Block.get)
      try await connection.expectConnectionError(.protocolError)
    },
  ]

  static let requestFields: [SpecCase] = [
    malformed("8.3/1", "an unknown pseudo-header field", Block.get + Block.field(":test", "ok")),
    malformed(
      "8.3/2", "a response's pseudo-header field", Block.get + Block.field(":status", "200")),
    SpecCase("8.3/3", "a pseudo-header field in trailers") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.headers(1, Block.field(":method", "200"), end: true)
      try await connection.expectStreamError(.protocolError)
    },
    malformed(
      "8.3/4", "a pseudo-header field after a regular one",
      [Block.schemeHTTP, Block.pathRoot] + Block.authority + Block.field("x-test", "ok")
        + [Block.methodGet]),
    malformed(
      "8.3.1/1", "an empty :path",
      [Block.methodGet, Block.schemeHTTP] + Block.authority + Block.field(":path", "")),
    malformed("8.3.1/2", "no :method", [Block.schemeHTTP, Block.pathRoot] + Block.authority),
    malformed("8.3.1/3", "no :scheme", [Block.methodGet, Block.pathRoot] + Block.authority),
    malformed("8.3.1/4", "no :path", [Block.methodGet, Block.schemeHTTP] + Block.authority),
    malformed("8.3.1/5", "two :method", [Block.methodGet] + Block.get),
    malformed("8.3.1/6", "two :scheme", [Block.schemeHTTP] + Block.get),
    malformed("8.3.1/7", "two :path", [Block.pathRoot] + Block.get),
  ]

  /// A request that costs its stream.
  private static func malformed(_ name: String, _ title: String, _ block: [UInt8]) -> SpecCase {
    SpecCase(name, title) { connection in
      try await connection.handshake()
      connection.headers(1, block, end: true)
      try await connection.expectStreamError(.protocolError)
    }
  }

  private static func wrongLength(_ name: String, _ title: String, frames: Int) -> SpecCase {
    SpecCase(name, title) { connection in
      try await connection.handshake()
      connection.openRequest(1, Block.field("content-length", "1"))
      for index in 1...frames { connection.data(1, end: index == frames) }
      try await connection.expectStreamError(.protocolError)
    }
  }
}
