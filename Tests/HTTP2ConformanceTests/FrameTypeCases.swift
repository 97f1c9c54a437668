/// RFC 9113 §6: the frames one by one, but for flow control.
extension SpecCase {
  static let dataAndHeaders: [SpecCase] = [
    SpecCase("6.1/1", "DATA on stream 0") { connection in
      try await connection.handshake()
      connection.data(0)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.1/2", "DATA on a stream that is not open") { connection in
      try await connection.handshake()
      connection.headers(1, Block.post, end: true)
      connection.data(1)
      try await connection.expectStreamError(.streamClosed)
    },
    SpecCase("6.1/3", "DATA with more padding than payload") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      let flags = SpecConnection.endStream | SpecConnection.padded
      connection.send(Frame.data, flags: flags, stream: 1, [6] + Array("test".utf8))
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.2/1", "HEADERS without END_HEADERS, then PRIORITY") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.priority(1, dependsOn: 0)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("6.2/2", "HEADERS without END_HEADERS, then HEADERS of another") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.headers(3, Block.get, end: true)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("6.2/3", "HEADERS on stream 0") { connection in
      try await connection.handshake()
      connection.headers(0, Block.get, end: true)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.2/4", "HEADERS with more padding than payload") { connection in
      try await connection.handshake()
      let flags = SpecConnection.endStream | SpecConnection.endHeaders | SpecConnection.padded
      let padding = UInt8(Block.get.count + 2)
      connection.send(Frame.headers, flags: flags, stream: 1, [padding] + Block.get)
      try await connection.expectConnectionError(.protocolError)
    },
  ]

  static let priorityAndReset: [SpecCase] = [
    SpecCase("6.3/1", "PRIORITY on stream 0") { connection in
      try await connection.handshake()
      connection.priority(0, dependsOn: 1)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.3/2", "PRIORITY of four bytes") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.send(Frame.priority, stream: 1, zeros(4))
      try await connection.expectStreamError(.frameSizeError)
    },
    SpecCase("6.4/1", "RST_STREAM on stream 0") { connection in
      try await connection.handshake()
      connection.reset(0)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.4/2", "RST_STREAM on an idle stream") { connection in
      try await connection.handshake()
      connection.reset(1)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.4/3", "RST_STREAM of three bytes") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.send(Frame.rstStream, stream: 1, zeros(3))
      try await connection.expectStreamError(.frameSizeError)
    },
  ]

  static let settingsFrames: [SpecCase] = [
    SpecCase("6.5/1", "an acknowledgement with payload") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, flags: SpecConnection.ack, connection.setting(1, 0))
      try await connection.expectConnectionError(.frameSizeError)
    },
    SpecCase("6.5/2", "SETTINGS on a stream") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, stream: 1, connection.setting(3, 100))
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.5/3", "SETTINGS of three bytes") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, zeros(3))
      try await connection.expectConnectionError(.frameSizeError)
    },
    badSetting("6.5.2/1", "ENABLE_PUSH of 2", 2, 2, .protocolError),
    badSetting("6.5.2/2", "INITIAL_WINDOW_SIZE of 2^31", 4, 0x8000_0000, .flowControlError),
    badSetting("6.5.2/3", "MAX_FRAME_SIZE of 2^14 - 1", 5, 16_383, .protocolError),
    badSetting("6.5.2/4", "MAX_FRAME_SIZE of 2^24", 5, 16_777_216, .protocolError),
    SpecCase("6.5.2/5", "an unknown setting is ignored") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, connection.setting(0xff, 1))
      try await connection.expectAlive()
    },
    SpecCase("6.5.3/1", "the last of two values counts") { connection in
      try await connection.handshake(connection.setting(4, 100) + connection.setting(4, 1))
      connection.request(1)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("6.5.3/2", "SETTINGS are acknowledged") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, connection.setting(2, 0))
      try await connection.expectSettingsAck()
    },
  ]

  private static func badSetting(
    _ name: String, _ title: String, _ identifier: UInt16, _ value: UInt32, _ code: Code
  ) -> SpecCase {
    SpecCase(name, title) { connection in
      try await connection.handshake()
      connection.send(Frame.settings, connection.setting(identifier, value))
      try await connection.expectConnectionError(code)
    }
  }

  static let connectionFrames: [SpecCase] = [
    SpecCase("6.7/1", "PING is answered with its payload") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, Array("8 bytes!".utf8))
      let answer = try await connection.frame { $0.type == Frame.ping }
      guard answer.isAck, answer.payload == Array("8 bytes!".utf8) else {
        throw SpecFailure(description: "got \(answer)")
      }
    },
    SpecCase("6.7/2", "an acknowledgement of PING is not answered") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, flags: SpecConnection.ack, Array("unasked!".utf8))
      connection.send(Frame.ping, Array("8 bytes!".utf8))
      let answer = try await connection.frame { $0.type == Frame.ping }
      guard answer.payload == Array("8 bytes!".utf8) else {
        throw SpecFailure(description: "got \(answer)")
      }
    },
    SpecCase("6.7/3", "PING on a stream") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, stream: 1, zeros(8))
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.7/4", "PING of six bytes") { connection in
      try await connection.handshake()
      connection.send(Frame.ping, zeros(6))
      try await connection.expectConnectionError(.frameSizeError)
    },
    SpecCase("6.8/1", "GOAWAY on a stream") { connection in
      try await connection.handshake()
      connection.send(Frame.goAway, stream: 1, zeros(8))
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("7/1", "GOAWAY of an unknown code") { connection in
      try await connection.handshake()
      connection.send(Frame.goAway, zeros(4) + SpecConnection.integer(0xff))
      // Answered or closed, but no error.
      connection.send(Frame.ping, zeros(8))
      do {
        let frame = try await connection.frame {
          $0.type == Frame.ping || $0.type == Frame.goAway && $0.errorCode != 0
        }
        guard frame.type == Frame.ping else { throw SpecFailure(description: "got \(frame)") }
      } catch let failure as SpecFailure where failure.description.contains("closed") {
        // Closed without a word.
      }
    },
    SpecCase("7/2", "RST_STREAM of an unknown code") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.reset(1, code: 0xff)
      try await connection.expectAlive()
    },
  ]

  static let continuations: [SpecCase] = [
    SpecCase("6.10/1", "several CONTINUATION frames after HEADERS") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.continuation(1, Block.field("x-more", "1"), end: false)
      connection.continuation(1, Block.field("x-more", "2"), end: true)
      try await connection.expectHeaders(1)
    },
    SpecCase("6.10/2", "CONTINUATION, then another frame") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, stream: 1, Block.post)
      connection.continuation(1, Block.field("x-more", "1"), end: false)
      connection.data(1)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("6.10/3", "CONTINUATION on stream 0") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.continuation(0, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
    SpecCase("6.10/4", "CONTINUATION after END_HEADERS of HEADERS") { connection in
      try await connection.handshake()
      connection.headers(1, Block.get, end: true)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.10/5", "CONTINUATION after END_HEADERS of CONTINUATION") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, flags: SpecConnection.endStream, stream: 1, Block.get)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      connection.continuation(1, Block.field("x-more", "2"), end: true)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.10/6", "CONTINUATION after DATA") { connection in
      try await connection.handshake()
      connection.send(Frame.headers, stream: 1, Block.post)
      connection.data(1)
      connection.continuation(1, Block.field("x-more", "1"), end: true)
      try await connection.expectConnectionError(.protocolError, settles: false)
    },
  ]
}
