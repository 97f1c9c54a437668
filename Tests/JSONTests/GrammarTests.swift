import Testing

@testable import JSON

/// What is JSON and what is not, by RFC 8259. The scanner and the parser must agree on every text.
struct GrammarTests {
  @Test(
    "accepts",
    arguments: [
      "0", "-0", "1", "-1", "10", "1.5", "-0.5", "1e5", "1E5", "1e+5", "1e-05", "0e0", "1.0e-10",
      "123456789012345678901234567890", "null", "true", "false", #""""#, #""a""#, #""\/""#,
      "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[],[]]", "{}", "{ }", #"{"a":1}"#,
      #"{ "a" : 1 , "b" : [ ] }"#, #"{"":0}"#, #"{"a":1,"a":2}"#, " \t\n\r1 \t\n\r", #""\u0000""#,
      "\"\u{7F}\"", "\"\u{2028}\u{2029}\"", "\"\u{10FFFF}\"", "\"\u{FEFF}\"",
    ])
  func accepts(_ text: String) throws {
    try JSONReader.validate(Array(text.utf8))
    _ = try JSONValue(parsing: text)
  }

  @Test(
    "refuses",
    arguments: [
      "", " ", "nul", "nulll", "True", "NaN", "Infinity", "-", "+1", "01", "-01", "1.", ".5",
      "1.e5",
      "1e", "1e+", "0x10", "1_000", "１", "--1", "1 2", "[1 2]", "[1,]", "[,1]", "[,]", "[", "]",
      "[1", "{", "}", "{,}", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#, #"{"a":1,}"#, "{a:1}", "{1:1}",
      "{'a':1}", #"{"a":1 "b":2}"#, #"{"a":1"#, #"{"a""#, #"["a""#, #"""#, #""a"#, "'a'",
      "\"\u{01}\"", "\"\n\"", "\"\t\"", #""\"#, #""\a""#, #""\x41""#, #""\u""#, #""\u12""#,
      #""\u12G4""#, #""\u 123""#, #""\u+123""#, "// no\n1", "/* no */1", "1//", "\u{FEFF}1",
      "1\u{0}",
      "\u{A0}1", "\u{0B}1", "[1}", "{\"a\":1]", "nullnull", "truefalse", "\"a\"\"b\"", "[]{}",
    ])
  func refuses(_ text: String) {
    #expect(throws: JSONError.self) { try JSONReader.validate(Array(text.utf8)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test("a mistake is told with its place")
  func places() {
    let places: [(text: String, error: String)] = [
      ("", "the text ends where a value is expected at byte 0"),
      ("[1, x]", "expected a value at byte 4"),
      ("[1 2]", "expected ',' or ']' at byte 3"),
      (#"{"a" 1}"#, "expected ':' at byte 5"),
      (#"{"a":1"#, "expected ',' or '}' at byte 6"),
      ("é1", "expected a value at byte 0"),
      (#""ab"#, "the text ends inside a string at byte 3"),
      ("[] 1", "something follows the value at byte 3"),
      ("-x", "expected a digit at byte 1"),
    ]
    for (text, message) in places {
      let error = #expect(throws: JSONError.self) { try JSONReader.validate(Array(text.utf8)) }
      #expect(error?.description == message)
    }
  }

  @Test("64 levels are read, 65 refused, and a million do no harm", arguments: ["[", #"{"a":"#])
  func depth(_ opening: String) throws {
    let closing = opening == "[" ? "]" : "}"
    func nested(_ levels: Int) -> [UInt8] {
      let text =
        String(repeating: opening, count: levels) + (opening == "[" ? "" : "1")
        + String(repeating: closing, count: levels)
      return Array(text.utf8)
    }
    try JSONReader.validate(nested(64))
    _ = try JSONValue(parsing: nested(64))
    for levels in [65, 1_000_000] {
      #expect(throws: JSONError.self) { try JSONReader.validate(nested(levels)) }
      let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(levels)) }
      #expect(error?.message == "nested deeper than 64 levels")
    }
  }

  @Test("siblings do not add up to depth")
  func siblings() throws {
    let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
    let text = "[" + Array(repeating: deep, count: 50).joined(separator: ",") + "]"
    try JSONReader.validate(Array(text.utf8))
    #expect(try JSONValue(parsing: text).text == text)
  }

  @Test("every proper prefix of a text is refused, and so is every text with a byte too many")
  func prefixes() throws {
    let text = Array(#"{"a":[1.5e3,"x\u00e9\n",true,null],"b":{"c":"ü€😀"}}"#.utf8)
    try JSONReader.validate(text)
    for count in text.indices {
      #expect(throws: JSONError.self) { try JSONReader.validate(Array(text[..<count])) }
      #expect(throws: JSONError.self) { try JSONValue(parsing: Array(text[..<count])) }
    }
    for byte in UInt8.min...UInt8.max where ![0x20, 0x09, 0x0A, 0x0D].contains(byte) {
      #expect(throws: JSONError.self) { try JSONReader.validate(text + [byte]) }
    }
  }
}
