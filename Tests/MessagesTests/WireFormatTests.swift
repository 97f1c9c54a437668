import Testing

@testable import Messages

/// Our bytes are protoc's bytes, and protoc's bytes are our values.
@Suite struct WireFormatTests {
  @Test func scalars() throws {
    try expectSameAsProtoc(Samples.kinds, Samples.kindsText, .kinds)
  }

  @Test func defaultsAreNotSent() throws {
    try expectSameAsProtoc(BatonKindsV1.Kinds(), "", .kinds)
    #expect(BatonKindsV1.Kinds().serializedBytes().isEmpty)
    try expectSameAsProtoc(BatonKindsV1.Kinds(part: .init()), "part {}", .kinds)
  }

  @Test func messagesWithoutFields() throws {
    try expectSameAsProtoc(BatonKindsV1.Empty(), "", .kinds)
    #expect(try BatonKindsV1.Empty(serializedBytes: []) == BatonKindsV1.Empty())
  }

  @Test func repeatedFields() throws {
    try expectSameAsProtoc(Samples.lists, Samples.listsText, .kinds)
  }

  @Test func maps() throws {
    try expectSameAsProtoc(Samples.maps, Samples.mapsText, .kinds)
  }

  /// protoc sends keys and values that are the default, protobuf-c leaves them out: other bytes,
  /// the same meaning.
  @Test func mapEntriesWithDefaults() throws {
    let value = BatonKindsV1.Maps(
      byString: ["": "", "a": ""], byInt32: [0: 0], byUint32: [0: []], byUint64: [3: .unspecified],
      bySint32: [0: .init()], byBool: [false: ""])
    let text = """
      by_string: [{key: "" value: ""}, {key: "a" value: ""}] by_int32: {key: 0 value: 0}
      by_uint32: {key: 0 value: ""} by_uint64: {key: 3 value: COLOR_UNSPECIFIED}
      by_sint32: {key: 0 value: {}} by_bool: {key: false value: ""}
      """
    let theirs = try Protoc.kinds.encode(text, as: BatonKindsV1.Maps.self)
    #expect(try BatonKindsV1.Maps(serializedBytes: theirs) == value)
    #expect(try BatonKindsV1.Maps(serializedBytes: value.serializedBytes()) == value)
    #expect(
      Protoc.kinds.decode(value.serializedBytes(), as: BatonKindsV1.Maps.self)
        == Protoc.kinds.decode(theirs, as: BatonKindsV1.Maps.self))
  }

  @Test(arguments: Samples.choices.indices)
  func oneofs(index: Int) throws {
    let (choice, text) = Samples.choices[index]
    try expectSameAsProtoc(
      Samples.Choice(before: "b", value: choice, after: "a"),
      "before: \"b\" \(text) after: \"a\"", .kinds)
  }

  @Test func presenceByOneof() throws {
    try expectSameAsProtoc(Samples.Choice(), "", .kinds)
    try expectSameAsProtoc(Samples.Choice(presence: .maybe(0)), "maybe: 0", .kinds)
    try expectSameAsProtoc(Samples.Choice(presence: .maybe(9)), "maybe: 9", .kinds)
  }

  @Test func namesThatAreWordsOfSwiftOrC() throws {
    try expectSameAsProtoc(Samples.words, Samples.wordsText, .kinds)
  }

  @Test func fieldsGoInTheOrderOfTheirNumbers() throws {
    try expectSameAsProtoc(Samples.jumbled, Samples.jumbledText, .kinds)
    for (value, text) in [
      (BatonKindsV1.Jumbled.Value.first(-1), "first: -1"), (.fourth(.init()), "fourth {}"),
    ] {
      try expectSameAsProtoc(
        BatonKindsV1.Jumbled(last: "l", value: value, second: [2]),
        #"last: "l" \#(text) second: "\002""#, .kinds)
    }
  }

  @Test func unknownEnumValuesAreKept() throws {
    for number: Int32 in [2, -7, .max, .min] {
      let value = BatonKindsV1.Kinds(color: .unrecognized(number))
      try expectSameAsProtoc(value, "color: \(number)", .kinds)
      let list = BatonKindsV1.Lists(colors: [.red, .unrecognized(number)])
      try expectSameAsProtoc(list, "colors: [1, \(number)]", .kinds)
    }
    #expect(BatonKindsV1.Color(rawValue: 1) == .red)
    #expect(BatonKindsV1.Color.allCases.map(\.rawValue) == [0, 1, 1_000_000])
  }

  @Test func numbersThatAreNotNumbers() throws {
    let value = BatonKindsV1.Kinds(doubleValue: .infinity, floatValue: -.infinity)
    try expectSameAsProtoc(value, "double_value: inf float_value: -inf", .kinds)
    let nan = try BatonKindsV1.Kinds(
      serializedBytes: BatonKindsV1.Kinds(doubleValue: .nan).serializedBytes())
    #expect(nan.doubleValue.isNaN)
  }

  @Test func bigBytes() throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let value = BatonKindsV1.Kinds(bytesValue: bytes)
    #expect(try BatonKindsV1.Kinds(serializedBytes: value.serializedBytes()) == value)
  }

  @Test func plansRoundTrip() throws {
    let plan = Samples.plan(taskCount: 50)
    let text = try #require(Protoc.plan.decode(plan.serializedBytes(), as: BatonV1.Plan.self))
    try expectSameAsProtoc(plan, text, .plan)
  }

  @Test func statusWithDetails() throws {
    let info = GoogleRpc.ErrorInfo(reason: "CYCLE", domain: "baton", metadata: ["field": "tasks"])
    let detail = GoogleProtobuf.Any(
      typeUrl: "type.googleapis.com/google.rpc.ErrorInfo", value: info.serializedBytes())
    let status = GoogleRpc.Status(code: 3, message: "a cycle", details: [detail])
    let text = try #require(
      Protoc.status.decode(status.serializedBytes(), as: GoogleRpc.Status.self))
    try expectSameAsProtoc(status, text, .status)
  }

  @Test func serializingReservesOnceAndExactly() {
    var reserved: [Int] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 100_000, alignment: 1)
    defer { buffer.deallocate() }
    Samples.plan(taskCount: 50).serialize { byteCount in
      reserved.append(byteCount)
      return buffer
    }
    let bytes = Samples.plan(taskCount: 50).serializedBytes()
    #expect(reserved == [bytes.count])
    #expect(Array(buffer.prefix(bytes.count)) == bytes)
  }

  /// Fields in parts, as the encoding specification allows them: the last scalar counts, messages
  /// are merged, lists and maps are joined.
  @Test func concatenatedMessagesAreMerged() throws {
    let other = BatonKindsV1.Kinds(
      int32Value: 5, stringValue: "other", color: .red, part: .init(shape: .round))
    let bytes = Samples.kinds.serializedBytes() + other.serializedBytes()
    var merged = Samples.kinds
    merged.int32Value = 5
    merged.stringValue = "other"
    merged.color = .red
    merged.part?.shape = .round
    #expect(try BatonKindsV1.Kinds(serializedBytes: bytes) == merged)
    let lists = Samples.lists.serializedBytes()
    let doubled = try BatonKindsV1.Lists(serializedBytes: lists + lists)
    #expect(doubled.int32s == Samples.lists.int32s + Samples.lists.int32s)
    #expect(doubled.parts == Samples.lists.parts + Samples.lists.parts)
    let maps = try BatonKindsV1.Maps(
      serializedBytes: BatonKindsV1.Maps(byString: ["a": "1", "b": "2"]).serializedBytes()
        + BatonKindsV1.Maps(byString: ["b": "3", "c": "4"]).serializedBytes())
    #expect(maps.byString == ["a": "1", "b": "3", "c": "4"])
  }

  @Test func theLastOfAOneofCounts() throws {
    let values = Samples.choices.map { Samples.Choice(value: $0.0) }
    for first in values {
      for second in values where first.value != second.value {
        let bytes = first.serializedBytes() + second.serializedBytes()
        guard case .part = first.value, case .part = second.value else {
          #expect(try Samples.Choice(serializedBytes: bytes) == second)
          continue
        }
      }
    }
  }

  @Test func unknownFieldsAreSkipped() throws {
    let bytes = Samples.words.serializedBytes()
    #expect(try BatonKindsV1.Empty(serializedBytes: bytes) == BatonKindsV1.Empty())
  }
}
