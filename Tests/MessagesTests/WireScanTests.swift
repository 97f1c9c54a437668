import Testing

@testable import Messages

/// What protobuf-c alone gets wrong: the scan refuses it, or has it rewritten.
@Suite struct WireScanTests {
  private typealias Kinds = BatonKindsV1.Kinds
  private typealias Choice = BatonKindsV1.Choice
  private typealias Lists = BatonKindsV1.Lists
  private typealias Maps = BatonKindsV1.Maps

  /// A field of a number below 16 with a length of one byte.
  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    precondition(number < 16 && bytes.count < 128)
    return [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  /// Field 17, `part` of Kinds.
  private func part(_ bytes: [UInt8]) -> [UInt8] { [0x8A, 0x01, UInt8(bytes.count)] + bytes }

  private func refusal<Value: Message>(
    _ bytes: [UInt8], as type: Value.Type
  ) -> MessageDecodingError? {
    do throws(MessageDecodingError) {
      _ = try Value(serializedBytes: bytes)
      return nil
    } catch {
      return error
    }
  }

  // MARK: Messages in several parts

  /// protobuf-c 1.4.1 would lose the shape of the first part.
  @Test func partsOfAMessageAreMerged() throws {
    let bytes = part([0x08, 1]) + [0x18, 7] + part(field(2, [65])) + part(field(2, [66]))
    let value = try Kinds(serializedBytes: bytes)
    #expect(value == Kinds(int32Value: 7, part: .init(shape: .round, name: "B")))
  }

  @Test func partsOfAMessageInAOneofAreMerged() throws {
    let shape = field(13, [0x08, 1])
    let name = field(13, field(2, [65]))
    #expect(
      try Choice(serializedBytes: shape + name)
        == Choice(value: .part(.init(shape: .round, name: "A"))))
  }

  /// What was set before another member of the oneof is gone.
  @Test func partsBeforeAnotherMemberOfTheOneofAreDropped() throws {
    let shape = field(13, [0x08, 1])
    let name = field(13, field(2, [65]))
    let number: [UInt8] = [0x20, 5]
    #expect(
      try Choice(serializedBytes: shape + number + name) == Choice(value: .part(.init(name: "A"))))
    #expect(
      try Choice(serializedBytes: shape + name + number) == Choice(value: .int32Value(5)))
    #expect(
      try Choice(serializedBytes: shape + field(14, []) + name + field(14, []))
        == Choice(value: .empty(.init())))
  }

  @Test func partsOfAMapValueAreMerged() throws {
    let entry = [0x08, 2] + field(2, [0x08, 1]) + field(2, field(2, [65]))
    #expect(
      try Maps(serializedBytes: field(6, entry))
        == Maps(bySint32: [1: .init(shape: .round, name: "A")]))
  }

  @Test func partsWithinRepeatedMessagesAreMerged() throws {
    let retry = field(6, [0x08, 3]) + field(6, [0x10, 9])
    let plan = try BatonV1.Plan(serializedBytes: field(6, field(1, [65]) + retry) + field(6, []))
    #expect(
      plan.tasks == [
        .init(id: "A", retry: .init(maxAttempts: 3, initialDelay: .initialDelayMs(9))), .init(),
      ])
  }

  // MARK: What is no field

  @Test func groupsAreSkipped() throws {
    // Field 30 as a group with a varint, a group and a string in it.
    let group: [UInt8] = [0xF3, 0x01, 0x08, 5, 0x13, 0x14] + field(1, [0xFF]) + [0xF4, 0x01]
    #expect(try Kinds(serializedBytes: [0x18, 7] + group) == Kinds(int32Value: 7))
    // A known field as a group.
    #expect(try Kinds(serializedBytes: [0x73, 0x08, 5, 0x74, 0x18, 7]) == Kinds(int32Value: 7))
  }

  @Test func groupsNestNoDeeperThanAHundred() {
    func nested(_ depth: Int) -> [UInt8] {
      [UInt8](repeating: 0x0B, count: depth) + [UInt8](repeating: 0x0C, count: depth)
    }
    #expect(refusal(nested(100), as: BatonKindsV1.Empty.self) == nil)
    #expect(refusal(nested(101), as: BatonKindsV1.Empty.self)?.code == .malformed)
    #expect(refusal(nested(500_000), as: BatonKindsV1.Empty.self)?.code == .malformed)
  }

  /// A known field with another wire type than its own is an unknown field.
  @Test(
    arguments: [
      [0x0D, 1, 2, 3, 4],  // a double of four bytes
      [0x1A, 1, 5],  // an int32 of bytes
      [0x70, 65],  // a string that is a number
      [0x6D, 1, 0, 0, 0],  // a bool of four bytes
      [0x6A, 1, 1],  // a bool of bytes
      [0x88, 0x01, 5],  // a message that is a number
    ] as [[UInt8]])
  func anotherWireTypeIsUnknown(bytes: [UInt8]) throws {
    #expect(try Kinds(serializedBytes: bytes) == Kinds())
    #expect(
      try Kinds(serializedBytes: [0x18, 7] + bytes + [0x20, 8])
        == Kinds(int32Value: 7, int64Value: 8))
  }

  @Test func manyUnknownFieldsTakeNoMemory() throws {
    // Field 19 a million times.
    let unknown = [[UInt8]](repeating: [0x98, 0x01, 1], count: 1_000_000).joined()
    #expect(try Kinds(serializedBytes: unknown + [0x18, 7]) == Kinds(int32Value: 7))
  }

  // MARK: Numbers

  @Test func numbersPackedAndUnpacked() throws {
    let packed = field(3, [1, 0x80, 1, 2])
    let single: [UInt8] = [0x18, 3]
    #expect(
      try Lists(serializedBytes: packed + single + packed)
        == Lists(int32s: [1, 128, 2, 3, 1, 128, 2]))
    let unpacked: [UInt8] = [0x92, 0x01, 2, 4, 5, 0x90, 0x01, 6]
    #expect(try Lists(serializedBytes: unpacked) == Lists(unpacked: [4, 5, 6]))
    // Booleans in two bytes each.
    #expect(
      try Lists(serializedBytes: field(13, [0x80, 0, 0x80, 1, 1]))
        == Lists(bools: [false, true, true]))
  }

  @Test func packedNumbersThatDoNotEnd() {
    #expect(refusal(field(1, [1, 2, 3]), as: Lists.self)?.place == "doubles")
    #expect(refusal(field(9, [1, 2, 3]), as: Lists.self)?.place == "fixed32s")
    #expect(refusal(field(3, [1, 0x80]), as: Lists.self)?.place == "int32s")
    #expect(
      refusal(field(3, Array(repeating: 0x80, count: 11)), as: Lists.self)?.code == .malformed)
  }

  /// Bits beyond a number's width are ignored, as the specification has it.
  @Test func overlongNumbers() throws {
    let minusOne: [UInt8] = [0x18] + Array(repeating: 0xFF, count: 9) + [1]
    #expect(try Kinds(serializedBytes: minusOne) == Kinds(int32Value: -1))
    let seven: [UInt8] = [0x18, 0x87, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]
    #expect(try Kinds(serializedBytes: seven) == Kinds(int32Value: 7))
    #expect(try Kinds(serializedBytes: [0x98, 0x80, 0x80, 0, 7]) == Kinds(int32Value: 7))
    #expect(try Kinds(serializedBytes: [0x72, 0x81, 0x80, 0, 65]) == Kinds(stringValue: "A"))
  }

  // MARK: Text

  /// A text that a later one replaces is read as well.
  @Test func textThatIsReplacedIsChecked() {
    #expect(
      refusal(field(14, [0xFF]) + field(14, [65]), as: Kinds.self)?.place == "string_value")
    #expect(refusal(field(14, [0]) + field(14, [65]), as: Kinds.self)?.code == .nulInText)
    #expect(
      refusal(field(10, [0xFF]) + [0x20, 5], as: Choice.self)?.place == "string_value")
  }

  /// Every length and place, for the scan looks at eight bytes at a time.
  @Test func textOfEveryLength() throws {
    for length in 0..<40 {
      let plain = [UInt8](repeating: 97, count: length)
      #expect(try Kinds(serializedBytes: field(14, plain)).stringValue.utf8.elementsEqual(plain))
      for place in 0..<length {
        for (bad, code) in [
          (UInt8(0), MessageDecodingError.Code.nulInText), (0x80, .invalidUTF8),
          (0xFF, .invalidUTF8),
        ] {
          var bytes = plain
          bytes[place] = bad
          #expect(refusal(field(14, bytes), as: Kinds.self)?.code == code)
        }
        for character in ["ü", "東", "🚂"] {
          var bytes = plain
          bytes.replaceSubrange(place...place, with: Array(character.utf8))
          #expect(
            try Kinds(serializedBytes: field(14, bytes)).stringValue.utf8.elementsEqual(bytes))
          // The character without its last byte, at the end.
          bytes.removeLast(length - place)
          #expect(refusal(field(14, bytes), as: Kinds.self)?.code == .invalidUTF8)
        }
      }
    }
  }

  /// The same answer as the standard library's for every sequence of two bytes and many of four.
  @Test func textAgainstTheStandardLibrary() {
    func expectSame(_ bytes: [UInt8]) {
      let isText = String(validating: bytes, as: UTF8.self) != nil
      let found = bytes.withUnsafeBufferPointer { buffer in
        buffer.baseAddress.map { TextCheck.check($0, buffer.count) }
      }
      #expect(
        found == (isText ? bytes.contains(0) ? .nul : .fine : .invalidUTF8), "\(bytes)")
    }
    for first in UInt8.min...UInt8.max {
      for second in UInt8.min...UInt8.max { expectSame([first, second]) }
    }
    var random = SplitMix64(state: 11)
    let interesting: [UInt8] = [
      0, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC,
      0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<20_000 {
      expectSame(
        (0..<Int.random(in: 1..<12, using: &random)).map { _ in
          interesting.randomElement(using: &random) ?? 0
        })
    }
  }

  // MARK: Memory

  @Test(
    arguments: [
      ("tasks", 0x32, BatonV1.Plan.self), ("metadata", 0x5A, BatonV1.Task.self),
      ("depends_on", 0x22, BatonV1.Task.self), ("parts", 0x8A, Lists.self),
      ("int32s", 0x1A, Lists.self),
    ] as [(String, UInt8, any Message.Type)])
  func aMebibyteOfNothingTakesLittle(name: String, tag: UInt8, type: any Message.Type) throws {
    let element: [UInt8] = tag < 0x80 ? [tag, 0] : [tag, 1, 0]
    let bytes = Array([[UInt8]](repeating: element, count: (1 << 20) / element.count).joined())
    let table = try #require((type as? any ProtobufCConvertible.Type)?.wireTable)
    let limit = Codec.memoryLimit(forByteCount: bytes.count)
    #expect(limit < 70 << 20)
    var scanner = WireScanner(memoryLimit: .max)
    let fits = try bytes.withUnsafeBufferPointer { buffer in
      let start = try #require(buffer.baseAddress)
      try scanner.scan(table, start, start + buffer.count)
      return scanner.arenaBytes + scanner.valueBytes <= limit
    }
    // Refused by the scan, before any of it is allocated.
    do {
      _ = try type.init(serializedBytes: bytes)
      #expect(fits)
    } catch {
      #expect(!fits && error.code == .tooMuchMemory)
    }
  }

  /// The arena is as large as the scan says, and protobuf-c never asks for more.
  @Test func theScanKnowsWhatProtobufCTakes() throws {
    try expectEnough(Samples.plan(taskCount: 50))
    try expectEnough(Samples.kinds)
    try expectEnough(Samples.lists)
    try expectEnough(Samples.maps)
    try expectEnough(Samples.words)
    for (choice, _) in Samples.choices { try expectEnough(Choice(value: choice)) }
    try expectEnough(Lists(strings: (0..<1000).map { "\($0)" }, unpacked: Array(0..<1000)))
  }

  private func expectEnough<Value: ProtobufCConvertible>(_ value: Value) throws {
    #expect(try Value(serializedBytes: value.serializedBytes()) == value)
  }

  // MARK: Places

  @Test func placesAreFound() {
    let good = field(1, [65])
    let task = field(6, good + field(4, [65]) + field(4, [0xFF]))
    let plan = field(1, [65]) + field(6, good) + field(6, good) + task
    #expect(refusal(plan, as: BatonV1.Plan.self)?.place == "tasks[2].depends_on[1]")
    let truncated = field(6, good) + field(6, [0x0A, 5, 65])
    let error = refusal(truncated, as: BatonV1.Plan.self)
    #expect(error?.place == "tasks[1].id")
    #expect(error?.description == "MALFORMED: tasks[1].id of baton.v1.Plan is malformed at byte 7")
    #expect(refusal(field(6, [0x0F]), as: BatonV1.Plan.self)?.place == "tasks[0].id")
    #expect(refusal(field(6, [0xF8]), as: BatonV1.Plan.self)?.place == "tasks[0]")
    #expect(refusal(field(2, [0xFF]), as: BatonV1.Plan.self)?.place == "owner")
  }
}
