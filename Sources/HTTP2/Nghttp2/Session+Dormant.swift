internal import CNghttp2
internal import NIOCore

/// A server's session begins without nghttp2; see `DormantSession`.
extension HTTP2Session {
  /// Takes what a dormant session understands; answers what nghttp2 has to read, if anything.
  func receiveDormant(_ bytes: ByteBuffer) -> ByteBuffer? {
    var signs: [DormantSession.Sign] = []
    let rest = dormant?.receive(bytes, signs: &signs, allows: allows)
    for sign in signs {
      switch sign {
      case .settings: append(.settings)
      case .ping: append(.ping)
      case .pingAcknowledged(let payload): append(.pingAcknowledged(payload))
      }
    }
    if rest != nil { wake() }
    return rest
  }

  /// Makes the nghttp2 session and tells it what has happened so far. What it would send for that
  /// has been sent.
  func wake() {
    guard let dormant else { return }
    self.dormant = nil
    farewell = dormant.output
    do throws(HTTP2ConnectionError) {
      try makeHandle()
    } catch {
      return fail(error)
    }
    dropOutput()
    let seen = takeEvents()
    let result = dormant.told.withUnsafeBytes { feed($0, 0..<$0.count) }
    dropOutput()
    _ = takeEvents()
    restore(seen)
    scanner = FrameScanner(prefaceBytes: dormant.prefaceBytesMissing)
    if result < 0 { fail(SessionLibrary.error(Int32(truncatingIfNeeded: result))) }
  }

  private func dropOutput() {
    var start: UnsafePointer<UInt8>?
    while nghttp2_session_mem_send(handle, &start) > 0 {}
  }

  /// The server's SETTINGS and what follows them, as frames.
  static func hello(_ configuration: HTTP2SessionConfiguration) -> [UInt8] {
    var payload: [UInt8] = []
    for entry in SessionLibrary.settings(configuration, role: .server) {
      let identifier = UInt16(truncatingIfNeeded: entry.settings_id)
      payload += withUnsafeBytes(of: identifier.bigEndian, Array.init)
      payload += withUnsafeBytes(of: entry.value.bigEndian, Array.init)
    }
    var bytes: [UInt8] = [0, 0, UInt8(payload.count), 4, 0, 0, 0, 0, 0] + payload
    // RFC 9113 §6.9.2: the connection's window starts at 65,535.
    if configuration.connectionWindowBytes > 65_535 {
      let increment = min(configuration.connectionWindowBytes, 0x7fff_ffff) - 65_535
      bytes += [0, 0, 4, 8, 0, 0, 0, 0, 0] + withUnsafeBytes(of: increment.bigEndian, Array.init)
    }
    return bytes
  }
}
