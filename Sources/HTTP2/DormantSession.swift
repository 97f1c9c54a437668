internal import NIOCore

/// A server's side of a connection on which nothing has been asked yet: the prefaces, SETTINGS, PING
/// and the connection's WINDOW_UPDATE. An `nghttp2_session` costs 13 KB from its first frame, and
/// most idle connections need none. Anything else, and anything not quite right, wakes it up: it is
/// told what has happened, and judges for itself.
struct DormantSession {
  /// What has arrived, for the session's user.
  enum Sign {
    case settings
    case ping
    case pingAcknowledged(UInt64)
  }

  private enum FrameType {
    static let settings: UInt8 = 4
    static let ping: UInt8 = 6
    static let windowUpdate: UInt8 = 8
  }

  private struct Head {
    let length: Int
    let type: UInt8
    let flags: UInt8
    let stream: UInt32
    var isAck: Bool { flags & 1 != 0 }
  }

  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
  private static let headBytes = 9
  private static let toldBytesMax = 512
  private static let settingsBytesMax = 120
  /// RFC 9113 §6.9.1.
  private static let windowMax = 0x7fff_ffff

  /// What nghttp2 has to be told when it wakes up.
  private(set) var told: [UInt8] = []
  /// What is to be sent; taken by the session.
  var output: [UInt8]
  /// The beginning of a frame whose end is missing.
  private var partial: [UInt8] = []
  private var hasSettings = false
  private var hasAck = false
  private var window = 65_535

  /// - Parameter hello: the server's SETTINGS, as frames.
  init(hello: [UInt8]) {
    output = hello
  }

  var prefaceBytesMissing: Int { max(0, Self.preface.count - told.count) }

  /// Takes bytes; answers those that are beyond it, nil for none.
  mutating func receive(
    _ bytes: ByteBuffer, signs: inout [Sign], allows: (FloodGuard.Kind) -> Bool
  ) -> ByteBuffer? {
    guard partial.isEmpty else {
      let joined = ByteBuffer(bytes: partial + bytes.readableBytesView)
      partial = []
      return receive(joined, signs: &signs, allows: allows)
    }
    var rest = bytes
    guard readPreface(&rest) else { return rest }
    while rest.readableBytes > 0 {
      guard let head = Self.head(rest) else { break }
      guard isPlain(head), told.count + Self.headBytes + head.length <= Self.toldBytesMax else {
        return rest
      }
      guard rest.readableBytes >= Self.headBytes + head.length else { break }
      let frame = Array(rest.readableBytesView.prefix(Self.headBytes + head.length))
      guard read(head, frame, &signs, allows) else { return rest }
      rest.moveReaderIndex(forwardBy: frame.count)
    }
    partial = Array(rest.readableBytesView)
    return nil
  }

  private mutating func readPreface(_ rest: inout ByteBuffer) -> Bool {
    let missing = prefaceBytesMissing
    guard missing > 0 else { return true }
    let part = rest.readableBytesView.prefix(missing)
    guard part.elementsEqual(Self.preface[told.count...].prefix(part.count)) else { return false }
    told += part
    rest.moveReaderIndex(forwardBy: part.count)
    return true
  }

  private static func head(_ bytes: ByteBuffer) -> Head? {
    let start = bytes.readerIndex
    guard bytes.readableBytes >= headBytes,
      let word = bytes.getInteger(at: start, as: UInt32.self),
      let flags = bytes.getInteger(at: start + 4, as: UInt8.self),
      let stream = bytes.getInteger(at: start + 5, as: UInt32.self)
    else { return nil }
    return Head(
      length: Int(word >> 8), type: UInt8(truncatingIfNeeded: word), flags: flags, stream: stream)
  }

  /// Whether it looks, from outside, like a frame that is answered here.
  private func isPlain(_ head: Head) -> Bool {
    guard head.stream == 0 else { return false }
    switch head.type {
    case FrameType.settings where head.isAck: return head.length == 0 && hasSettings && !hasAck
    case FrameType.settings: return head.length % 6 == 0 && head.length <= Self.settingsBytesMax
    case FrameType.ping: return head.length == 8 && hasSettings
    case FrameType.windowUpdate: return head.length == 4 && hasSettings
    default: return false
    }
  }

  private mutating func read(
    _ head: Head, _ frame: [UInt8], _ signs: inout [Sign], _ allows: (FloodGuard.Kind) -> Bool
  ) -> Bool {
    switch head.type {
    case FrameType.settings where head.isAck:
      hasAck = true
      told += frame
    case FrameType.settings:
      guard areInOrder(frame), allows(.settings) else { return false }
      hasSettings = true
      told += frame
      output += [0, 0, 0, FrameType.settings, 1, 0, 0, 0, 0]
      signs.append(.settings)
    case FrameType.ping where head.isAck:
      // Counted as nghttp2's side does; most of them answer nothing.
      guard allows(.empty) else { return false }
      let payload = frame.dropFirst(Self.headBytes).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
      signs.append(.pingAcknowledged(payload))
    case FrameType.ping:
      guard allows(.ping) else { return false }
      output += [0, 0, 8, FrameType.ping, 1, 0, 0, 0, 0] + frame.dropFirst(Self.headBytes)
      signs.append(.ping)
    default:
      let increment = frame.dropFirst(Self.headBytes).reduce(0) { $0 << 8 | Int($1) }
      guard increment > 0, window + increment <= Self.windowMax, allows(.windowUpdate) else {
        return false
      }
      window += increment
      told += frame
    }
    return true
  }

  /// Values that RFC 9113 §6.5.2 allows. What comes twice and may not change is left to nghttp2.
  private func areInOrder(_ frame: [UInt8]) -> Bool {
    stride(from: Self.headBytes, to: frame.count, by: 6).allSatisfy { start in
      let identifier = Int(frame[start]) << 8 | Int(frame[start + 1])
      let value = frame[start + 2..<start + 6].reduce(0) { $0 << 8 | Int($1) }
      return switch identifier {
      case 2: value <= 1
      case 4: value <= Self.windowMax
      case 5: (16_384...16_777_215).contains(value)
      case 8, 9: value <= 1 && !hasSettings
      default: true
      }
    }
  }

  /// Asks the client for a sign of life.
  mutating func ping(_ payload: UInt64) {
    output += [0, 0, 8, FrameType.ping, 0, 0, 0, 0, 0]
    output += withUnsafeBytes(of: payload.bigEndian, Array.init)
  }
}
