import Testing

@testable import JSON

struct ValueTests {
  @Test(
    "numbers keep their text",
    arguments: [
      "0", "-0", "1.50", "1.5e3", "1E+05", "123456789012345678901234567890", "0.1000", "1e400",
    ])
  func numberText(_ text: String) throws {
    let value = try JSONValue(parsing: text)
    #expect(value == .number(text))
    #expect(value.text == text)
  }

  @Test("integers and doubles")
  func numbers() throws {
    #expect(JSONValue.number("9223372036854775807").integerValue == .max)
    #expect(JSONValue.number("-9223372036854775808").integerValue == .min)
    #expect(JSONValue.number("9223372036854775808").integerValue == nil)
    #expect(JSONValue.number("1.0").integerValue == nil)
    #expect(JSONValue.number("1e3").integerValue == nil)
    #expect(JSONValue.string("1").integerValue == nil)
    #expect(JSONValue.number("1.5e3").doubleValue == 1_500)
    #expect(JSONValue.number("1e400").doubleValue == nil)
    #expect(JSONValue.null.doubleValue == nil)
    #expect(JSONValue.integer(-7) == .number("-7"))
  }

  @Test("members keep their order; where a key repeats, the last one counts")
  func members() throws {
    let value = try JSONValue(parsing: #"{"b":1,"a":2,"b":3}"#)
    #expect(value.text == #"{"b":1,"a":2,"b":3}"#)
    #expect(value["b"] == .number("3"))
    #expect(value["c"] == nil)
    #expect(JSONValue.array([])["a"] == nil)
  }

  @Test("finds the value at a path without building it")
  func paths() throws {
    let text = #" { "a" : [ 10 , { "b\n" : "x" , "c" : { } } , [ ] ] , "d" : null , "a.b" : 1 } "#
    let bytes = Array(text.utf8)
    let found: [(path: [JSONPathStep], text: String?)] = [
      ([.key("a"), .index(0)], "10"),
      ([.key("a"), .index(1), .key("b\n")], #""x""#),
      ([.key("a"), .index(1), .key("c")], "{ }"),
      ([.key("a"), .index(1)], #"{ "b\n" : "x" , "c" : { } }"#),
      ([.key("a"), .index(2)], "[ ]"),
      ([.key("d")], "null"),
      ([.key("a.b")], "1"),
      ([.key("a"), .index(3)], nil),
      ([.key("a"), .index(-1)], nil),
      ([.key("a"), .key("0")], nil),
      ([.key("d"), .key("x")], nil),
      ([.index(0)], nil),
      ([.key("x")], nil),
    ]
    for (path, expected) in found {
      let slice = JSONReader.find(path, in: bytes)
      #expect(slice.map { String(decoding: $0, as: UTF8.self) } == expected, "\(path)")
    }
    let whole = JSONReader.find([], in: bytes)
    #expect(whole.map { Array($0) } == Array(bytes.dropFirst().dropLast()))
  }

  @Test("a path into a repeated key leads to its last value, escaped or not")
  func repeatedKeys() {
    let bytes = Array(#"{"a":{"x":1},"\u0061":{"y":2}}"#.utf8)
    #expect(JSONReader.find([.key("a"), .key("y")], in: bytes).map(Array.init) == [0x32])
    #expect(JSONReader.find([.key("a"), .key("x")], in: bytes) == nil)
  }

  @Test("a path may be as long as a text is deep")
  func deepPath() throws {
    let text = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    let path = Array(repeating: JSONPathStep.index(0), count: 63)
    #expect(JSONReader.find(path, in: Array(text.utf8)).map(Array.init) == Array("[]".utf8))
    #expect(JSONReader.find(path + [.index(0)], in: Array(text.utf8)) == nil)
  }

  @Test("the writer escapes what it must and nothing else")
  func escaping() throws {
    let cases: [(text: String, json: String)] = [
      ("\"\\/", #""\"\\/""#), ("\n\r\t", #""\n\r\t""#),
      ("\u{0}\u{8}\u{C}\u{1F}", #""\u0000\u0008\u000c\u001f""#),
      ("\u{7F}é€😀\u{2028}", "\"\u{7F}é€😀\u{2028}\""),
      ("", #""""#),
    ]
    for (text, json) in cases { #expect(JSONValue.string(text).text == json) }
    for value: UInt8 in 0..<0x80 {
      let text = String(Character(Unicode.Scalar(value)))
      #expect(try JSONValue(parsing: JSONValue.string(text).bytes) == .string(text))
    }
  }

  @Test("the writer puts commas where they belong")
  func commas() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("a")
    writer.beginArray()
    writer.integer(.min)
    writer.bool(true)
    writer.string("x")
    writer.beginObject()
    writer.endObject()
    writer.raw("null".utf8)
    writer.endArray()
    writer.key("b")
    writer.beginArray()
    writer.endArray()
    writer.key("c")
    writer.value(.object([JSONMember("k\"", .array([.bool(false), .null]))]))
    writer.endObject()
    let expected =
      #"{"a":[-9223372036854775808,true,"x",{},null],"b":[],"c":{"k\"":[false,null]}}"#
    #expect(String(decoding: writer.bytes, as: UTF8.self) == expected)
  }

  @Test("what is written reads back the same: 2,000 random values", arguments: [UInt64(1), 20_26])
  func roundTrip(seed: UInt64) throws {
    var random = RandomValues(seed: seed)
    for _ in 0..<1_000 {
      let value = random.value(depth: 0)
      let bytes = value.bytes
      try JSONReader.validate(bytes)
      let again = try JSONValue(parsing: bytes)
      #expect(again == value, "seed \(seed)")
      #expect(again.bytes == bytes, "seed \(seed)")
      #expect(try JSONValue(parsing: random.spaced(bytes)) == value, "seed \(seed)")
    }
  }
}

/// Random values from a seed.
private struct RandomValues {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(bound))
  }

  mutating func value(depth: Int) -> JSONValue {
    switch next(depth < 5 ? 8 : 5) {
    case 0: return .null
    case 1: return .bool(next(2) == 0)
    case 2: return .number(number())
    case 3, 4: return .string(string())
    case 5, 6: return .array((0..<next(5)).map { _ in value(depth: depth + 1) })
    default:
      return .object((0..<next(5)).map { _ in JSONMember(string(), value(depth: depth + 1)) })
    }
  }

  private mutating func number() -> String {
    var text = next(2) == 0 ? "-" : ""
    text += next(3) == 0 ? "0" : "\(1 + next(1_000_000))"
    if next(2) == 0 { text += ".\(next(1_000))" }
    if next(3) == 0 { text += ["e", "E", "e+", "E-"][next(4)] + "\(next(400))" }
    return text
  }

  private mutating func string() -> String {
    var text = String.UnicodeScalarView()
    for _ in 0..<next(12) {
      let limits: [UInt32] = [0x20, 0x80, 0x800, 0x10000, 0x110000]
      if let scalar = Unicode.Scalar(UInt32(next(Int(limits[next(5)])))) { text.append(scalar) }
    }
    return String(text)
  }

  /// The text with white space wherever it may stand, and some characters escaped.
  mutating func spaced(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var inString = false
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if inString, byte == UInt8(ascii: "\\") {
        let length = bytes[index + 1] == UInt8(ascii: "u") ? 6 : 2
        result += bytes[index..<(index + length)]
        index += length
        continue
      }
      if byte == UInt8(ascii: "\"") { inString.toggle() }
      let mayEscape = inString && byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
      if mayEscape && next(4) == 0 {
        result += Array("\\u00\(String(byte, radix: 16))".utf8)
      } else {
        let mayStandApart = !inString && "{}[],:".utf8.contains(byte)
        if mayStandApart { result += [0x20, 0x0A].prefix(next(3)) }
        result.append(byte)
        if mayStandApart { result += [0x09, 0x0D].prefix(next(3)) }
      }
      index += 1
    }
    return result
  }
}
