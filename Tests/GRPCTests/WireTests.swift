import NIOCore
import Testing

@testable import GRPC

@Suite struct WireTests {
  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
    ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
  ])
  func base64(plain: String, encoded: String) {
    // RFC 4648 §10, without padding.
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(decode(encoded) == Array(plain.utf8))
    let padding = String(repeating: "=", count: (4 - encoded.count % 4) % 4)
    #expect(decode(encoded + padding) == Array(plain.utf8))
  }

  @Test func base64OfEveryByte() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(decode(Base64.encode(bytes)) == bytes)
  }

  @Test(arguments: ["A", "AA*A", "Zg===", "Z g", "Zm9v\n"])
  func noBase64(text: String) {
    #expect(decode(text) == nil)
  }

  private func decode(_ text: String) -> [UInt8]? {
    Array(text.utf8).withUnsafeBytes { Base64.decode($0) }
  }

  @Test(arguments: [
    ("plain", "plain"), ("100%", "100%25"), ("ä", "%C3%A4"), ("a\nb", "a%0Ab"),
    ("\t\u{7f}~ ", "%09%7F~ "),
  ])
  func percentEncoding(plain: String, encoded: String) {
    #expect(PercentEncoding.encode(plain) == encoded)
    #expect(PercentEncoding.decode(encoded) == plain)
  }

  @Test(arguments: [("%", "%"), ("%4", "%4"), ("%zz", "%zz"), ("%c3%a4", "ä"), ("50%", "50%")])
  func lenientPercentDecoding(encoded: String, plain: String) {
    #expect(PercentEncoding.decode(encoded) == plain)
  }

  @Test(
    arguments: [
      ("1n", 1), ("250m", 250_000_000), ("2S", 2_000_000_000), ("1H", 3_600_000_000_000),
      ("3M", 180_000_000_000), ("7u", 7_000), ("0S", 0), ("99999999H", Int64.max),
    ] as [(String, Int64)])
  func timeout(text: String, nanoseconds: Int64) {
    #expect(parse(text) == nanoseconds)
  }

  @Test(arguments: ["", "S", "10", "-1S", "123456789S", "1.5S", "1s", "S1", " 1S"])
  func malformedTimeout(text: String) {
    #expect(parse(text) == nil)
  }

  @Test(
    arguments: [
      (0, "0n"), (1, "1n"), (99_999_999, "99999999n"), (100_000_001, "100001u"),
      (5_000_000_000, "5000000u"), (100_000_000_000_000, "100000S"), (Int64.max, "2562048H"),
      (-5, "0n"),
    ] as [(Int64, String)])
  func formatsTheFinestUnitThatFitsRoundedUp(nanoseconds: Int64, text: String) {
    #expect(TimeoutHeader.format(nanoseconds: nanoseconds) == text)
  }

  private func parse(_ text: String) -> Int64? {
    Array(text.utf8).withUnsafeBytes { TimeoutHeader.parse($0) }
  }
}

@Suite struct DeframerTests {
  private func framed(_ message: String, flag: UInt8 = 0) -> [UInt8] {
    let count = UInt32(message.utf8.count)
    return [flag] + withUnsafeBytes(of: count.bigEndian, Array.init) + Array(message.utf8)
  }

  @Test(arguments: [1, 2, 5, 6, 1000], [false, true])
  func messagesComeOutWhole(chunkBytes: Int, copies: Bool) throws {
    let bytes = framed("hello") + framed("") + framed(String(repeating: "x", count: 300))
    var deframer = MessageDeframer(messageBytesMax: 300, copies: copies)
    var messages: [String] = []
    for start in stride(from: 0, to: bytes.count, by: chunkBytes) {
      deframer.append(ByteBuffer(bytes: bytes[start..<min(start + chunkBytes, bytes.count)]))
      while let message = try deframer.next() { messages.append(String(buffer: message)) }
      if start % 3 == 0 { deframer.detach() }
    }
    #expect(messages == ["hello", "", String(repeating: "x", count: 300)])
    #expect(deframer.bufferedBytes == 0)
    try deframer.finish()
  }

  @Test func theLimitIsCheckedAtThePrefix() {
    var deframer = MessageDeframer(messageBytesMax: 299)
    deframer.append(ByteBuffer(bytes: framed(String(repeating: "x", count: 300)).prefix(5)))
    #expect(throws: FramingError.tooLarge(byteCount: 300, limit: 299)) { try deframer.next() }
  }

  @Test func fourGigabytesAreRefusedBeforeAnyIsKept() {
    var deframer = MessageDeframer(messageBytesMax: 1024)
    deframer.append(ByteBuffer(bytes: [0, 0xff, 0xff, 0xff, 0xff]))
    #expect(throws: FramingError.tooLarge(byteCount: 4_294_967_295, limit: 1024)) {
      try deframer.next()
    }
  }

  @Test func flags() {
    var compressed = MessageDeframer(messageBytesMax: 1024)
    compressed.append(ByteBuffer(bytes: framed("x", flag: 1)))
    #expect(throws: FramingError.compressedUnannounced) { try compressed.next() }
    var bad = MessageDeframer(messageBytesMax: 1024)
    bad.append(ByteBuffer(bytes: [2]))
    #expect(throws: FramingError.badFlag(2)) { try bad.next() }
  }

  @Test func anEndInsideAMessage() throws {
    var deframer = MessageDeframer(messageBytesMax: 1024)
    deframer.append(ByteBuffer(bytes: framed("hello").dropLast()))
    #expect(try deframer.next() == nil)
    #expect(throws: FramingError.truncated(byteCount: 9)) { try deframer.finish() }
  }
}
