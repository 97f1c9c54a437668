import Testing

@testable import Messages

/// A view shows what a value holds.
@Suite struct ViewTests {
  private func bytes(_ message: some Message, _ body: (UnsafeRawBufferPointer) throws -> Void)
    rethrows
  {
    try message.serializedBytes().withUnsafeBytes(body)
  }

  @Test func scalars() throws {
    let value = Samples.kinds
    try bytes(value) { bytes in
      try BatonKindsV1.Kinds.withView(serializedBytes: bytes) { view in
        #expect(view.doubleValue == value.doubleValue)
        #expect(view.floatValue == value.floatValue)
        #expect(view.int32Value == value.int32Value)
        #expect(view.uint64Value == value.uint64Value)
        #expect(view.sint64Value == value.sint64Value)
        #expect(view.sfixed32Value == value.sfixed32Value)
        let boolValue = view.boolValue
        #expect(boolValue)
        #expect(view.stringValue == value.stringValue)
        #expect(view.bytesValue == value.bytesValue)
        #expect(view.color == value.color)
        let shape = view.part?.shape
        #expect(shape == .belowZero)
        let name = view.part?.name
        #expect(name == "p")
      }
    }
  }

  @Test func lists() throws {
    let value = Samples.lists
    try bytes(value) { bytes in
      try BatonKindsV1.Lists.withView(serializedBytes: bytes) { view in
        #expect(view.doubles == value.doubles)
        #expect(view.bools == value.bools)
        #expect(view.strings == value.strings)
        #expect(view.byteStrings == value.byteStrings)
        #expect(view.colors == value.colors)
        #expect(view.unpacked == value.unpacked)
        let parts = view.parts
        #expect(parts.count == value.parts.count)
        for index in 0..<parts.count {
          let name = parts[index].name
          #expect(name == value.parts[index].name)
        }
      }
    }
  }

  @Test func maps() throws {
    let value = Samples.maps
    try bytes(value) { bytes in
      try BatonKindsV1.Maps.withView(serializedBytes: bytes) { view in
        #expect(view.byString == value.byString)
        #expect(view.bySint32 == value.bySint32)
        #expect(view.byBool == value.byBool)
      }
    }
  }

  @Test(arguments: Samples.choices.indices)
  func oneofs(index: Int) throws {
    let value = Samples.Choice(before: "b", value: Samples.choices[index].0, after: "a")
    try bytes(value) { bytes in
      try Samples.Choice.withView(serializedBytes: bytes) { view in
        #expect(view.value == value.value)
        #expect(view.presence == nil)
        #expect(view.after == "a")
      }
    }
  }

  @Test func whatIsMissingHasItsDefault() throws {
    try bytes(BatonKindsV1.Kinds()) { bytes in
      try BatonKindsV1.Kinds.withView(serializedBytes: bytes) { view in
        #expect(view.stringValue == "")
        #expect(view.bytesValue == [])
        let hasPart = view.part != nil
        #expect(!hasPart)
      }
    }
  }

  @Test func aPlan() throws {
    let plan = Samples.plan(taskCount: 50)
    try bytes(plan) { bytes in
      let ids = try BatonV1.Plan.withView(serializedBytes: bytes) { view in
        let tasks = view.tasks
        return (0..<tasks.count).map { tasks[$0].id }
      }
      #expect(ids == plan.tasks.map(\.id))
    }
  }

  /// The scan stands before views too, and what `body` throws comes out.
  @Test func refusals() {
    struct Stop: Error {}
    let bad: [UInt8] = [0x0A, 1, 0xFF]
    bad.withUnsafeBytes { bytes in
      _ = #expect(throws: MessageDecodingError.self) {
        try BatonV1.Task.withView(serializedBytes: bytes) { _ in }
      }
    }
    bytes(BatonV1.Task(id: "a")) { bytes in
      _ = #expect(throws: Stop.self) {
        try BatonV1.Task.withView(serializedBytes: bytes) { _ in throw Stop() }
      }
    }
  }
}
