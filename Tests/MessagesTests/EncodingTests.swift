import Foundation
import Testing

@testable import Messages

/// What we encode is what protobuf-c packs, to the byte.
@Suite struct EncodingTests {
  private static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every message that the plugin made, by the names in what it wrote.
  private static func types() throws -> [any ProtobufCConvertible.Type] {
    let folders = [
      ("Messages", "Sources/Messages/Generated"),
      ("MessagesTests", "Tests/MessagesTests/Generated"),
    ]
    return try folders.flatMap { module, folder in
      let files = try FileManager.default.contentsOfDirectory(
        at: root.appending(path: folder), includingPropertiesForKeys: nil)
      return try files.flatMap { file in
        try String(contentsOf: file, encoding: .utf8).matches(
          of: /extension (.*): ProtobufCConvertible/
        ).map { try type(module, String($0.1)) }
      }
    }
  }

  /// By its mangled name: an enum for the package, and structs in it.
  private static func type(
    _ module: String, _ name: String
  ) throws -> any ProtobufCConvertible.Type {
    let parts = name.filter { $0 != "`" }.split(separator: ".").enumerated().map { index, part in
      "\(part.count)\(part)\(index == 0 ? "O" : "V")"
    }
    return try #require(
      _typeByName("\(module.count)\(module)\(parts.joined())") as? any ProtobufCConvertible.Type,
      "\(name)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func sameAsProtobufC(seed: UInt64) throws {
    let types = try Self.types()
    #expect(types.count > 90)
    for (index, type) in types.enumerated() {
      var single = RandomMessage(seed: seed << 32 | UInt64(index), maxEntryCount: 1)
      var several = RandomMessage(seed: seed << 32 | UInt64(index), maxEntryCount: 4)
      for _ in 0..<50 {
        try expectSame(type, single.bytes(type.wireTable), hasOrder: true)
        try expectSame(type, several.bytes(type.wireTable), hasOrder: false)
      }
    }
  }

  /// - Parameter hasOrder: The entries of maps are in order, and no key is there twice.
  private func expectSame<Value: ProtobufCConvertible>(
    _ type: Value.Type, _ bytes: [UInt8], hasOrder: Bool
  ) throws {
    let value = try Value(serializedBytes: bytes)
    let encoded = value.serializedBytes()
    let packed = try packedByProtobufC(type, hasOrder ? bytes : encoded)
    #expect(encoded == packed, "\(type) of \(bytes)")
    #expect(try Value(serializedBytes: encoded) == value, "\(type) of \(bytes)")
  }

  @Test func samples() throws {
    try expectSame(Samples.kinds)
    try expectSame(Samples.lists)
    try expectSame(Samples.maps)
    try expectSame(Samples.words)
    try expectSame(Samples.plan(taskCount: 50))
    for (choice, _) in Samples.choices { try expectSame(Samples.Choice(value: choice)) }
  }

  private func expectSame<Value: ProtobufCConvertible>(_ value: Value) throws {
    try expectSame(Value.self, value.serializedBytes(), hasOrder: true)
  }

  /// Around the sizes at which the writer takes other memory, and a length takes another byte.
  @Test(arguments: [0...300, 900...1100, 16_300...16_500, 33_000...33_200])
  func everySize(sizes: ClosedRange<Int>) {
    for size in sizes {
      let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let field = size == 0 ? [] : [0x7A] + varint(UInt64(size)) + content
      #expect(
        BatonKindsV1.Kinds(int32Value: 7, bytesValue: content).serializedBytes()
          == [0x18, 7] + field)
    }
  }

  /// A negative zero is left out like any zero, but not where numbers lie in a row or in a oneof.
  @Test func negativeZero() {
    #expect(BatonKindsV1.Kinds(doubleValue: -0.0, floatValue: -0.0).serializedBytes() == [])
    #expect(
      BatonKindsV1.Lists(floats: [-0.0]).serializedBytes() == [0x12, 4, 0, 0, 0, 0x80])
    #expect(
      Samples.Choice(value: .floatValue(-0.0)).serializedBytes() == [0x1D, 0, 0, 0, 0x80])
  }
}
