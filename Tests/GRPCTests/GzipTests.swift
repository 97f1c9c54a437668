import NIOCore
import Testing

@testable import GRPC

@Suite struct GzipTests {
  private func compressed(_ bytes: [UInt8]) throws -> [UInt8] {
    let packed = try #require(bytes.withUnsafeBytes { Gzip.compress($0) })
    return Array(packed.readableBytesView)
  }

  private func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
    Array(try Gzip.decompress(ByteBuffer(bytes: bytes), bytesMax: limit).readableBytesView)
  }

  /// `printf hello | gzip -n`.
  private let hello: [UInt8] = [
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0,
    0x86, 0xa6, 0x10, 0x36, 0x05, 0, 0, 0,
  ]

  @Test(arguments: [0, 1, 511, 512, 513, 4096, 70_000, 1_000_000])
  func thereAndBack(byteCount: Int) throws {
    let bytes = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let packed = try compressed(bytes)
    #expect(try decompress(packed, limit: byteCount) == bytes)
    #expect(try decompress(packed, limit: byteCount + 1) == bytes)
    guard byteCount > 0 else { return }
    #expect(throws: FramingError.inflatesTooLarge(limit: byteCount - 1)) {
      try decompress(packed, limit: byteCount - 1)
    }
  }

  @Test func whatAnotherProgramMade() throws {
    #expect(try decompress(hello, limit: 5) == Array("hello".utf8))
  }

  @Test func membersFollowEachOther() throws {
    let empty = try compressed([])
    let all = hello + empty + hello
    #expect(try decompress(all, limit: 10) == Array("hellohello".utf8))
    #expect(throws: FramingError.inflatesTooLarge(limit: 9)) { try decompress(all, limit: 9) }
  }

  /// 1 GiB of zeros in 1 MiB: what is produced stays within the limit, whatever the trailer says.
  @Test func aBombIsStoppedAtTheLimit() throws {
    let piece = try compressed([UInt8](repeating: 0, count: 4 << 20))
    #expect(piece.count < 32_768)
    var bomb: [UInt8] = []
    for _ in 0..<64 { bomb += piece }
    let limit = 4 << 20
    #expect(throws: FramingError.inflatesTooLarge(limit: limit)) {
      try decompress(bomb, limit: limit)
    }
    var honest = piece
    honest.replaceSubrange(honest.count - 4..<honest.count, with: [1, 0, 0, 0])
    #expect(throws: FramingError.inflatesTooLarge(limit: 1000)) {
      try decompress(honest, limit: 1000)
    }
  }

  @Test func whatIsBroken() throws {
    var cases: [[UInt8]] = [[], [0], [0x1f], Array("no gzip at all, but long".utf8)]
    for count in 1..<hello.count { cases.append(Array(hello.prefix(count))) }
    cases.append(hello + [0])
    cases.append(hello + Array("garbage".utf8))
    cases.append(hello + hello.dropLast())
    for index in 17..<hello.count {
      // Checksum and length.
      var changed = hello
      changed[index] ^= 1
      cases.append(changed)
    }
    for bytes in cases {
      #expect(throws: FramingError.corrupt, "\(bytes)") { try decompress(bytes, limit: 1000) }
    }
    // None of it has spoilt the next message.
    #expect(try decompress(hello, limit: 5) == Array("hello".utf8))
  }

  @Test func messagesOfBothKindsInOneStream() throws {
    func framed(_ bytes: [UInt8], flag: UInt8) -> [UInt8] {
      [flag] + withUnsafeBytes(of: UInt32(bytes.count).bigEndian, Array.init) + bytes
    }
    let plain = framed(Array("plain".utf8), flag: 0)
    let bytes = plain + framed(hello, flag: 1) + plain
    for copies in [false, true] {
      var deframer = MessageDeframer(messageBytesMax: 25, encoding: .gzip, copies: copies)
      var seen: [String] = []
      for byte in bytes {
        deframer.append(ByteBuffer(bytes: [byte]))
        while let message = try deframer.next() {
          seen.append(String(buffer: message) + (deframer.isLastCompressed ? "*" : ""))
        }
      }
      #expect(seen == ["plain", "hello*", "plain"])
    }
    // The limit holds for what is on the wire, too.
    var small = MessageDeframer(messageBytesMax: 24, encoding: .gzip)
    small.append(ByteBuffer(bytes: framed(hello, flag: 1)))
    #expect(throws: FramingError.tooLarge(byteCount: 25, limit: 24)) { try small.next() }
  }
}
