import Testing

@testable import JSON

/// Strings: UTF-8 (RFC 3629), escapes and surrogates (RFC 8259 section 7).
struct StringTests {
  private func quoted(_ bytes: [UInt8]) -> [UInt8] { [0x22] + bytes + [0x22] }

  @Test(
    "refuses bytes that are not UTF-8",
    arguments: [
      [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
      [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
      [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF1, 0x80, 0x80],
      [0xF1, 0x80, 0x41, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8], [0xFE], [0xFF],
      [0xE2, 0x28, 0xA1],
    ])
  func refusesBadBytes(_ bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONReader.validate(quoted(bytes)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: quoted(bytes)) }
    // Nor where the text ends within them, or outside a string.
    #expect(throws: JSONError.self) { try JSONReader.validate([0x22] + bytes) }
    #expect(throws: JSONError.self) { try JSONReader.validate(bytes) }
  }

  @Test(
    "reads the first and last scalar of every length",
    arguments: [
      0x20, 0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000,
      0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFF,
    ])
  func boundaries(_ value: UInt32) throws {
    let scalar = try #require(Unicode.Scalar(value))
    let text = String(Character(scalar))
    #expect(try JSONValue(parsing: quoted(Array(text.utf8))) == .string(text))
  }

  @Test("resolves escapes")
  func escapes() throws {
    let cases: [(json: String, text: String)] = [
      (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{08}\u{0C}\n\r\t"),
      (#""\u0041\u00e9\u00E9\u20ac""#, "Aéé€"),
      (#""\ud83d\ude00""#, "😀"),
      (#""\uD83D\uDE00x""#, "😀x"),
      (#""\uDBFF\uDFFF""#, "\u{10FFFF}"),
      (#""\u0000""#, "\u{0}"),
      (#""a\u0301""#, "a\u{301}"),
      (#""ü\n€\t😀""#, "ü\n€\t😀"),
      (#""\\u0041""#, #"\u0041"#),
      (#""\uFFFF""#, "\u{FFFF}"),
    ]
    for (json, text) in cases {
      let value = try JSONValue(parsing: json)
      #expect(Array(value.stringValue?.utf8 ?? "?".utf8) == Array(text.utf8), "\(json)")
    }
  }

  @Test(
    "refuses a surrogate that stands alone",
    arguments: [
      #""\ud800""#, #""\udbff""#, #""\udc00""#, #""\udfff""#, #""\ud800x""#, #""\ud800\n""#,
      #""\ud800\u0041""#, #""\ud800\ud800""#, #""\ud800\u""#, #""\ud800\udc0""#,
      #""\ud800\\udc00""#,
      #""\udc00\ud800""#,
    ])
  func loneSurrogates(_ json: String) {
    #expect(throws: JSONError.self) { try JSONReader.validate(Array(json.utf8)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: json) }
  }

  @Test("keys that are only canonically equivalent are different keys")
  func equivalentKeys() throws {
    let value = try JSONValue(parsing: "{\"\u{E9}\":1,\"e\u{301}\":2}")
    #expect(value["\u{E9}"] == .number("1"))
    #expect(value["e\u{301}"] == .number("2"))
    #expect(JSONReader.find([.key("\u{E9}")], in: value.bytes).map(Array.init) == Array("1".utf8))
  }
}
