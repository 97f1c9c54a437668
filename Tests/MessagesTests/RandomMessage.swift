@testable import Messages

/// Makes messages of any type, on the wire, by the table that the scan has of it.
struct RandomMessage {
  private var random: SplitMix64
  /// The most entries that a map gets.
  private let maxEntryCount: Int

  init(seed: UInt64, maxEntryCount: Int) {
    random = SplitMix64(state: seed)
    self.maxEntryCount = maxEntryCount
  }

  /// Fields in the order of their numbers, each with about every second chance.
  mutating func bytes(_ table: WireTable, depth: Int = 0) -> [UInt8] {
    let layout = table.layout.pointee
    let fields =
      UnsafeBufferPointer(start: layout.dense, count: Int(layout.denseCount)).filter {
        $0.kind != .unknown
      } + layout.sparse
    let isEntry = Self.isEntry(table)
    return fields.flatMap { field in
      let count = isEntry ? 1 : count(field, depth)
      return (0..<count).flatMap { _ in element(field, depth) }
    }
  }

  /// protoc names the messages of maps' entries so.
  private static func isEntry(_ table: WireTable) -> Bool { table.name.hasSuffix("Entry") }

  private mutating func count(_ field: WireField, _ depth: Int) -> Int {
    // The tree stays small: messages are rarer the deeper they are.
    guard field.table == nil || Int.random(in: 0...depth, using: &random) == 0 else { return 0 }
    let isMap = field.table.map { Self.isEntry(WireTable($0)) } ?? false
    return .random(in: 0...(isMap ? maxEntryCount : field.isRepeated ? 3 : 1), using: &random)
  }

  private mutating func element(_ field: WireField, _ depth: Int) -> [UInt8] {
    switch field.kind {
    case .unknown: return []
    case .varint: return varint(UInt64(field.number << 3)) + varint(number())
    case .fixed64: return varint(UInt64(field.number << 3 | 1)) + littleEndian(number(), 8)
    case .fixed32: return varint(UInt64(field.number << 3 | 5)) + littleEndian(number() >> 32, 4)
    case .text: return delimited(field, Array(text().utf8))
    case .bytes: return delimited(field, Array(text().utf8.reversed()))
    case .message:
      return delimited(field, field.table.map { bytes(WireTable($0), depth: depth + 1) } ?? [])
    }
  }

  /// Of any size, the ends of the ranges included; no NaN, which is not equal to itself.
  private mutating func number() -> UInt64 {
    let ends: [UInt64] = [0, 1, 127, 128, 1 << 31, 1 << 63, .max >> 33, .max >> 1, .max]
    let value =
      Bool.random(using: &random)
      ? ends.randomElement(using: &random) ?? 0
      : UInt64.random(in: 0...UInt64.max, using: &random)
        >> UInt64.random(in: 0..<64, using: &random)
    return value & ~(1 << 62)
  }

  private mutating func text() -> String {
    let lengths = [0, 0, 1, 15, 16, 42, 63, 127, 128, 1100]
    let length = lengths.randomElement(using: &random) ?? 0
    return String((0..<length).map { _ in "ab\u{1}ü東🚂".randomElement(using: &random) ?? "a" })
  }

  private func delimited(_ field: WireField, _ content: [UInt8]) -> [UInt8] {
    varint(UInt64(field.number << 3 | 2)) + varint(UInt64(content.count)) + content
  }

  private func littleEndian(_ value: UInt64, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

/// Seven bits to a byte (protobuf.dev, "Encoding").
func varint(_ value: UInt64) -> [UInt8] {
  var rest = value
  var bytes: [UInt8] = []
  while rest >= 0x80 {
    bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
    rest >>= 7
  }
  return bytes + [UInt8(rest)]
}
