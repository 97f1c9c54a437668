/// The server that the cases are put to.
struct SpecTarget: Sendable {
  enum Kind: Sendable {
    /// Ours: answers `Echo` with a message.
    case grpc
    /// One that serves a file at "/", such as nghttpd.
    case file
  }

  let host: String
  let port: Int
  let kind: Kind
}

struct SpecFailure: Error, CustomStringConvertible {
  let description: String
}

/// Codes of RFC 9113 §7 that the cases expect.
enum Code: UInt32 {
  case noError = 0
  case protocolError = 1
  case flowControlError = 3
  case streamClosed = 5
  case frameSizeError = 6
  case refusedStream = 7
  case compressionError = 9
}

/// A connection on which a case is played: what it sends, and what it expects to see.
final class SpecConnection {
  let target: SpecTarget
  private let peer: RawPeer
  private var pings: UInt8 = 0
  /// By identifier, as the server announced them.
  private(set) var settings: [UInt16: UInt32] = [:]

  /// The code of every GOAWAY so far.
  private(set) var goAways: [UInt32] = []

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  static let endStream: UInt8 = 0x1
  static let ack: UInt8 = 0x1
  static let endHeaders: UInt8 = 0x4
  static let padded: UInt8 = 0x8
  static let priority: UInt8 = 0x20

  init(_ target: SpecTarget) async throws {
    self.target = target
    peer = try await RawPeer.connect(host: target.host, port: target.port)
  }

  func close() async { await peer.close() }

  // MARK: Sending

  func raw(_ bytes: [UInt8]) { peer.send(bytes) }

  func send(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
    raw(Self.frame(type, flags: flags, stream: stream, payload))
  }

  static func frame(_ type: UInt8, flags: UInt8, stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
    integer(UInt32(payload.count) << 8 | UInt32(type)) + [flags] + integer(stream) + payload
  }

  static func integer(_ value: UInt32) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
  }

  func setting(_ identifier: UInt16, _ value: UInt32) -> [UInt8] {
    [UInt8(identifier >> 8), UInt8(identifier & 0xff)] + Self.integer(value)
  }

  /// HEADERS with END_HEADERS, and END_STREAM where asked for.
  func headers(_ stream: UInt32, _ block: [UInt8], end: Bool) {
    send(
      Frame.headers, flags: Self.endHeaders | (end ? Self.endStream : 0), stream: stream, block)
  }

  func data(_ stream: UInt32, _ payload: [UInt8] = Array("test".utf8), end: Bool = true) {
    send(Frame.data, flags: end ? Self.endStream : 0, stream: stream, payload)
  }

  func windowUpdate(_ stream: UInt32, _ increment: UInt32) {
    send(Frame.windowUpdate, stream: stream, Self.integer(increment))
  }

  func reset(_ stream: UInt32, code: UInt32 = 8) {
    send(Frame.rstStream, stream: stream, Self.integer(code))
  }

  func priority(_ stream: UInt32, dependsOn other: UInt32, weight: UInt8 = 255) {
    send(Frame.priority, stream: stream, Self.integer(other) + [weight])
  }

  func continuation(_ stream: UInt32, _ block: [UInt8], end: Bool) {
    send(Frame.continuation, flags: end ? Self.endHeaders : 0, stream: stream, block)
  }

  /// A request that is answered with DATA, complete.
  func request(_ stream: UInt32) {
    switch target.kind {
    case .file: headers(stream, Block.get, end: true)
    case .grpc:
      // Together, for a server under test may not wait long for the rest.
      raw(
        Self.frame(Frame.headers, flags: Self.endHeaders, stream: stream, Block.echo)
          + Self.frame(Frame.data, flags: Self.endStream, stream: stream, Block.message))
    }
  }

  /// A request whose end is missing, so that the stream stays open.
  func openRequest(_ stream: UInt32, _ more: [UInt8] = []) {
    headers(stream, (target.kind == .grpc ? Block.echo : Block.post) + more, end: false)
  }

  // MARK: Expecting

  /// Both prefaces and both acknowledgements.
  func handshake(_ mine: [UInt8] = []) async throws {
    raw(Self.preface)
    send(Frame.settings, mine)
    var hasSettings = false
    var hasAck = false
    while !hasSettings || !hasAck {
      let frame = try await next()
      guard frame.type == Frame.settings else { continue }
      if frame.isAck {
        hasAck = true
      } else {
        hasSettings = true
        read(frame.payload)
        send(Frame.settings, flags: Self.ack)
      }
    }
  }

  private func read(_ payload: [UInt8]) {
    for start in stride(from: 0, to: payload.count - 5, by: 6) {
      let identifier = UInt16(payload[start]) << 8 | UInt16(payload[start + 1])
      settings[identifier] = payload[start + 2..<start + 6].reduce(0) { $0 << 8 | UInt32($1) }
    }
  }

  func next() async throws -> Frame {
    guard let frame = await peer.next() else {
      throw SpecFailure(description: "the server closed the connection")
    }
    if frame.type == Frame.goAway { goAways.append(frame.errorCode ?? 0) }
    return frame
  }

  /// The next frame that fits; others are passed over.
  @discardableResult
  func frame(_ fits: (Frame) -> Bool) async throws -> Frame {
    while true {
      let frame = try await next()
      if fits(frame) { return frame }
    }
  }

  func expectHeaders(_ stream: UInt32) async throws {
    let frame = try await frame { $0.type == Frame.headers }
    guard frame.stream == stream else { throw SpecFailure(description: "got \(frame)") }
  }

  func expectData(byteCount: Int? = nil) async throws {
    let frame = try await frame { $0.type == Frame.data || $0.endsStream }
    guard frame.type == Frame.data, byteCount == nil || frame.payload.count == byteCount else {
      throw SpecFailure(description: "got \(frame)")
    }
  }

  func expectEnd(of stream: UInt32) async throws {
    try await frame {
      $0.stream == stream && ($0.endsStream || $0.type == Frame.rstStream && $0.errorCode == 0)
    }
  }

  func expectSettingsAck() async throws {
    try await frame { $0.type == Frame.settings && $0.isAck }
  }

  /// A PING is answered, and nothing has been reset or ended before.
  func expectAlive() async throws {
    for _ in 0..<2 {
      let payload = nextPing()
      let frame = try await frame {
        [Frame.goAway, Frame.rstStream].contains($0.type) || $0.type == Frame.ping && $0.isAck
      }
      guard frame.type == Frame.ping, frame.payload == payload else {
        throw SpecFailure(description: "got \(frame)")
      }
    }
  }

  private func nextPing() -> [UInt8] {
    pings += 1
    let payload: [UInt8] = [0, 1, 2, 3, 4, 5, 6, pings]
    send(Frame.ping, payload)
    return payload
  }

  /// The connection ends: with GOAWAY of one of these codes, or at once.
  func expectConnectionError(_ codes: Code..., settles: Bool = true) async throws {
    try await expectError(codes, mayBeStream: false, settles)
  }

  /// The stream or the connection ends with one of these codes, or the connection at once.
  func expectStreamError(_ codes: Code..., settles: Bool = true) async throws {
    try await expectError(codes, mayBeStream: true, settles)
  }

  /// Two PINGs tell that there is no error: the server answers the first at once, and whatever it
  /// had to say before comes before the second. Inside a header block they would be one (`settles`).
  private func expectError(_ codes: [Code], mayBeStream: Bool, _ settles: Bool) async throws {
    var acks = 0
    if settles { _ = nextPing() }
    while let frame = await peer.next() {
      if frame.type == Frame.goAway || mayBeStream && frame.type == Frame.rstStream {
        if let code = frame.errorCode.flatMap(Code.init), codes.contains(code) { return }
        if frame.errorCode != 0 { throw SpecFailure(description: "got \(frame)") }
      }
      guard frame.type == Frame.ping, frame.isAck else { continue }
      acks += 1
      if acks == 2 { throw SpecFailure(description: "there was no error") }
      _ = nextPing()
    }
  }
}

/// Header blocks, as RFC 7541 has them.
enum Block {
  /// A string literal without Huffman coding (§5.2), of less than 127 bytes.
  static func text(_ value: String) -> [UInt8] { [UInt8(value.utf8.count)] + Array(value.utf8) }

  /// A literal field without indexing (§6.2.2).
  static func field(_ name: String, _ value: String) -> [UInt8] { [0] + text(name) + text(value) }

  /// Indices of the static table (appendix A).
  static let methodGet: UInt8 = 0x82
  static let methodPost: UInt8 = 0x83
  static let pathRoot: UInt8 = 0x84
  static let schemeHTTP: UInt8 = 0x86

  static let authority = [1] + text("localhost")
  static let get = [methodGet, schemeHTTP, pathRoot] + authority
  static let head = field(":method", "HEAD") + [schemeHTTP, pathRoot] + authority
  static let post = [methodPost, schemeHTTP, pathRoot] + authority
  static let echo =
    [methodPost, schemeHTTP] + [4] + text("/baton.test.Echo/Echo") + authority
    + field("content-type", "application/grpc") + field("te", "trailers")

  /// What `echo` sends and gets back: a message of one text.
  static let message: [UInt8] = [0, 0, 0, 0, 7, 0x0a, 5] + Array("hello".utf8)

  /// A field of so many bytes, about.
  static func large(_ byteCount: Int) -> [UInt8] {
    let rest = byteCount - 127
    let length = [
      127, UInt8(rest % 128) | 128, UInt8(rest / 128 % 128) | 128, UInt8(rest / 16_384),
    ]
    return [0] + text("x-large") + length + [UInt8](repeating: 0x78, count: byteCount)
  }
}
