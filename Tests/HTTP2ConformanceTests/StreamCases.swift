/// RFC 9113 §5: streams and their states.
extension SpecCase {
  static let streamStates: [SpecCase] = idleStates + halfClosedStates + closedStates

  private static let idleStates: [SpecCase] = [
    SpecCase("5.1/1", "idle: DATA") { connection in
      try await connection.handshake()
      connection.data(1)
      try await connection.expectStreamError(.protocolError, .streamClosed)
    },
    SpecCase("5.1/2", "idle: RST_STREAM") { connection in
      try await connection.handshake()
      connection.reset(1)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("5.1/3", "idle: WINDOW_UPDATE") { connection in
      try await connection.handshake()
      connection.windowUpdate(1, 100)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("5.1/4", "idle: CONTINUATION") { connection in
      try await connection.handshake()
      connection.continuation(1, Block.get, end: true)
      try await connection.expectConnectionError(.protocolError)
    },
  ]

  private static let halfClosedStates: [SpecCase] = [
    SpecCase("5.1/5", "half-closed: DATA") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      connection.data(1)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("5.1/6", "half-closed: HEADERS") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      connection.headers(1, Block.get, end: true)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("5.1/7", "half-closed: CONTINUATION") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      connection.continuation(1, Block.get, end: true)
      try await connection.expectStreamError(.streamClosed, .protocolError)
    },
  ]

  private static let closedStates: [SpecCase] = [
    SpecCase("5.1/8", "reset: DATA") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.reset(1)
      connection.data(1)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("5.1/9", "reset: HEADERS") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.reset(1)
      connection.headers(1, Block.get, end: true)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("5.1/10", "reset: CONTINUATION") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.reset(1)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectStreamError(.streamClosed, .protocolError)
    },
    SpecCase("5.1/11", "closed: DATA") { connection in
      try await connection.handshake()
      connection.request(1)
      try await connection.expectEnd(of: 1)
      connection.data(1)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("5.1/12", "closed: HEADERS") { connection in
      try await connection.handshake()
      connection.request(1)
      try await connection.expectEnd(of: 1)
      connection.headers(1, Block.get, end: true)
      try await connection.expectConnectionError(.streamClosed)
    },
    SpecCase("5.1/13", "closed: CONTINUATION") { connection in
      try await connection.handshake()
      connection.request(1)
      try await connection.expectEnd(of: 1)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.streamClosed, .protocolError)
    },
  ]

  static let streams: [SpecCase] = [
    SpecCase("5.1.1/1", "an even identifier") { connection in
      try await connection.handshake()
      connection.headers(2, Block.get, end: true)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("5.1.1/2", "an identifier lower than the one before") { connection in
      try await connection.handshake()
      connection.headers(5, Block.get, end: true)
      connection.headers(3, Block.get, end: true)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("5.1.2/1", "more streams than SETTINGS_MAX_CONCURRENT_STREAMS") { connection in
      try await connection.handshake(connection.setting(4, 0))
      guard let most = connection.settings[3] else {
        throw SpecFailure(description: "the server announces no limit")
      }
      for index in 0...most { connection.request(index * 2 + 1) }
      try await connection.expectStreamError(.protocolError, .refusedStream)
    },
    SpecCase("5.3.1/1", "HEADERS that depend on their own stream") { connection in
      try await connection.handshake()
      let flags = SpecConnection.endStream | SpecConnection.endHeaders | SpecConnection.priority
      connection.send(Frame.headers, flags: flags, stream: 1, [0, 0, 0, 1, 255] + Block.get)
      try await connection.expectStreamError(.protocolError)
    },
    SpecCase("5.3.1/2", "PRIORITY that depends on its own stream") { connection in
      try await connection.handshake()
      connection.priority(1, dependsOn: 1)
      try await connection.expectStreamError(.protocolError)
    },
    SpecCase("5.4.1/1", "a connection error closes the connection") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, stream: 3, zeros(8))
      do {
        while true { _ = try await connection.next() }
      } catch is SpecFailure {
        // Closed, as it must be.
      }
    },
    SpecCase("5.4.1/2", "a connection error is told by GOAWAY") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, stream: 3, zeros(8))
      try await connection.frame { $0.type == Frame.goAway }
    },
  ]
}
