/// RFC 9113 §6.9: windows.
extension SpecCase {
  static let flowControl: [SpecCase] = [
    SpecCase("6.9/1", "an increment of 0 for the connection") { connection in
      try await connection.handshake()
      connection.windowUpdate(0, 0)
      try await connection.expectConnectionError(.protocolError)
    },
    SpecCase("6.9/2", "an increment of 0 for a stream") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.windowUpdate(1, 0)
      try await connection.expectStreamError(.protocolError)
    },
    SpecCase("6.9/3", "WINDOW_UPDATE of three bytes") { connection in
      try await connection.handshake()
      connection.send(Frame.windowUpdate, [0, 0, 1])
      try await connection.expectConnectionError(.frameSizeError)
    },
    SpecCase("6.9.1/1", "no more DATA than the window takes") { connection in
      try await connection.handshake(connection.setting(4, 1))
      connection.request(1)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("6.9.1/2", "a connection's window over 2^31 - 1") { connection in
      try await connection.handshake()
      connection.windowUpdate(0, 0x7fff_ffff)
      connection.windowUpdate(0, 0x7fff_ffff)
      try await connection.expectConnectionError(.flowControlError)
    },
    SpecCase("6.9.1/3", "a stream's window over 2^31 - 1") { connection in
      try await connection.handshake()
      connection.openRequest(1)
      connection.windowUpdate(1, 0x7fff_ffff)
      connection.windowUpdate(1, 0x7fff_ffff)
      try await connection.expectStreamError(.flowControlError)
    },
    SpecCase("6.9.2/1", "SETTINGS widen the window of an open stream") { connection in
      try await connection.handshake(connection.setting(4, 0))
      connection.request(1)
      try await connection.expectHeaders(1)
      connection.send(Frame.settings, connection.setting(4, 1))
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("6.9.2/2", "SETTINGS make a window negative") { connection in
      try await connection.handshake(connection.setting(4, 3))
      connection.request(1)
      try await connection.expectData(byteCount: 3)
      connection.send(Frame.settings, connection.setting(4, 2))
      try await connection.expectSettingsAck()
      connection.windowUpdate(1, 2)
      try await connection.expectData(byteCount: 1)
    },
    SpecCase("6.9.2/3", "SETTINGS of a window over 2^31 - 1") { connection in
      try await connection.handshake()
      connection.send(Frame.settings, connection.setting(4, 0x8000_0000))
      try await connection.expectConnectionError(.flowControlError)
    },
  ]
}
