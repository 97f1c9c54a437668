import Testing

@testable import Messages

/// Bytes that are no message are refused with a reason, and nothing worse happens.
@Suite struct MalformedInputTests {
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

  /// One length-delimited field.
  private func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    precondition(number < 16 && bytes.count < 128)
    return [number << 3 | 2, UInt8(bytes.count)] + bytes
  }

  @Test func garbageIsMalformed() throws {
    let error = try #require(refusal([255, 255, 255], as: BatonV1.Task.self))
    #expect(error.code == .malformed)
    #expect(error.place == "")
    #expect(error.description == "MALFORMED: baton.v1.Task is malformed at byte 0")
  }

  @Test(
    arguments: [
      [0x0A, 5, 65],  // five bytes announced, one there
      [0x0A, 255, 255, 255, 255, 15, 65],  // 4 GiB announced
      [0x0A, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128],  // a length that does not end
      [0x0B],  // a group that does not end
      [0x0C],  // a group that does not begin
      [0x0B, 0x14],  // a group that ends as another
      [0x0B, 0x13, 0x0C, 0x14],  // two groups that overlap
      [0x08, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1],  // a varint of 11 bytes
      [0x88, 128, 128, 128, 16, 1],  // a tag of 33 bits
      [0x80, 0x01],  // a tag alone
      [0x82, 0x00, 0],  // field number 0 in two bytes
      [0x0E, 1],  // wire type 6
      [0x0F, 1],  // wire type 7
      [0x09, 1, 2, 3],  // eight bytes announced
      [0x00, 1],  // field number 0
    ] as [[UInt8]])
  func brokenFraming(bytes: [UInt8]) {
    #expect(refusal(bytes, as: BatonV1.Task.self)?.code == .malformed)
  }

  @Test(
    arguments: [
      [0xFF], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0x61, 0x80],
    ] as [[UInt8]])
  func textThatIsNotUTF8(bytes: [UInt8]) throws {
    let error = try #require(refusal(field(1, bytes), as: BatonV1.Task.self))
    #expect(error.code == .invalidUTF8)
    #expect(error.place == "id")
    #expect(error.message == "id of baton.v1.Task is not valid UTF-8")
  }

  @Test func textWithNUL() throws {
    for bytes: [UInt8] in [[0], [65, 0], [0, 65], [65, 0, 66]] {
      let error = try #require(refusal(field(2, bytes), as: BatonV1.Task.self))
      #expect(error.code == .nulInText)
      #expect(error.message == "type of baton.v1.Task holds a NUL character")
    }
  }

  /// Lists, map keys, map values, oneofs and messages within messages are text too.
  @Test func everyPlaceOfTextIsChecked() throws {
    let bad: [UInt8] = [65, 0xFF]
    let list = refusal(field(4, []) + field(4, bad), as: BatonV1.Task.self)
    #expect(list?.place == "depends_on[1]")
    let key = refusal(field(11, field(1, bad)), as: BatonV1.Task.self)
    #expect(key?.place == "metadata[0].key")
    let value = refusal(field(11, field(2, bad)), as: BatonV1.Task.self)
    #expect(value?.place == "metadata[0].value")
    let nested = refusal(field(6, field(4, bad)), as: BatonV1.Plan.self)
    #expect(nested?.place == "tasks[0].depends_on[0]")
    let choice = refusal(field(10, bad), as: BatonKindsV1.Choice.self)
    #expect(choice?.place == "string_value")
  }

  @Test func bytesMayHoldAnything() throws {
    let anything = (0...255).map { UInt8($0) }
    let task = BatonV1.Task(payloadJson: anything + anything)
    #expect(try BatonV1.Task(serializedBytes: task.serializedBytes()) == task)
  }

  /// Text goes out as it is; that it holds a NUL is the receiver's to refuse.
  @Test func textWithNULIsNotCutWhenSent() {
    #expect(BatonV1.Task(id: "a\0b").serializedBytes() == [0x0A, 3, 97, 0, 98])
  }

  /// Two bytes each on the wire, a struct and two pointers each in memory.
  @Test func aListOfEmptyMessagesIsRefused() throws {
    let bytes = [UInt8](repeating: 0, count: 1 << 20).indices.map { $0 % 2 == 0 ? UInt8(0x32) : 0 }
    let error = try #require(refusal(bytes, as: BatonV1.Plan.self))
    #expect(error.code == .tooMuchMemory)
    #expect(error.place == "")
  }

  @Test func aLongListOfTinyTasksIsNot() throws {
    let tasks = (0..<20_000).map { BatonV1.Task(id: "\($0)", type: "t") }
    let plan = BatonV1.Plan(name: "many", tasks: tasks)
    #expect(try BatonV1.Plan(serializedBytes: plan.serializedBytes()) == plan)
  }

  /// A prefix is refused, or is a message of its own that protoc reads as well.
  @Test func truncatedMessages() throws {
    let bytes = Samples.plan(taskCount: 2).serializedBytes()
    var refused = 0
    for length in 0..<bytes.count {
      let prefix = Array(bytes.prefix(length))
      if refusal(prefix, as: BatonV1.Plan.self) != nil { refused += 1 }
    }
    #expect(refused > bytes.count * 9 / 10)
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func randomBytesChanged(seed: UInt64) {
    var random = SplitMix64(state: seed)
    flip(Samples.plan(taskCount: 3), &random)
    flip(Samples.kinds, &random)
    flip(Samples.lists, &random)
    flip(Samples.maps, &random)
    flip(Samples.Choice(before: "b", value: .part(.init(name: "n")), after: "a"), &random)
  }

  /// What is accepted must survive a round trip of its own.
  private func flip<Value: Message>(_ value: Value, _ random: inout SplitMix64) {
    let original = value.serializedBytes()
    var accepted = 0
    var refused = 0
    for _ in 0..<3_000 {
      var bytes = original
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: 0...255, using: &random)
      }
      guard let decoded = try? Value(serializedBytes: bytes) else {
        refused += 1
        continue
      }
      accepted += 1
      let again = decoded.serializedBytes()
      #expect((try? Value(serializedBytes: again))?.serializedBytes() == again)
    }
    #expect(accepted > 0)
    #expect(refused > 0)
  }

  @Test func randomBytes() {
    var random = SplitMix64(state: 7)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0..<64, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random)
      }
      _ = try? BatonV1.PlanState(serializedBytes: bytes)
    }
  }
}

/// A small generator with a seed, so that a failure can be repeated (Steele, Lea, Flood:
/// "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
