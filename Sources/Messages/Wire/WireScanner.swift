/// Reads a message on the wire before protobuf-c does, which alone would take what it must not:
/// text that is no UTF-8 or is cut at a NUL, and memory of fifty times the message's size.
///
/// It allocates nothing. What protobuf-c 1.4.1 gets wrong or refuses although the specification
/// allows it is left to `WireRewriter`: messages in several parts, groups, known fields with another
/// wire type than theirs, and unknown fields, which are dropped anyway. A schema has no recursive
/// messages, so this recursion ends.
struct WireScanner {
  typealias Pointer = UnsafePointer<UInt8>

  /// Bytes that protobuf-c will take from the arena.
  private(set) var arenaBytes = 0
  /// Bytes that the Swift value will take.
  private(set) var valueBytes = 0
  /// Whether protobuf-c must be given what `WireRewriter` makes of the bytes.
  private(set) var needsRewriting = false
  private let memoryLimit: Int

  init(memoryLimit: Int) { self.memoryLimit = memoryLimit }

  mutating func scan(
    _ table: WireTable, _ start: Pointer, _ end: Pointer
  ) throws(WireFault) {
    var cursor = WireCursor(start, end)
    var seen: UInt64 = 0
    var fieldCount = 0
    arenaBytes += table.layout.pointee.structureSize
    while !cursor.isAtEnd {
      let tag = try cursor.tag()
      let field = table.field(tag >> 3)
      fieldCount += 1
      switch tag & 7 {
      case 0:
        try cursor.skipVarint()
        count(field, isExpected: field.kind == .varint)
      case 1:
        try cursor.skip(8)
        count(field, isExpected: field.kind == .fixed64)
      case 5:
        try cursor.skip(4)
        count(field, isExpected: field.kind == .fixed32)
      case 2:
        let length = try cursor.length()
        switch field.kind {
        case .text:
          try check(cursor.at, length, cursor.fieldStart)
          count(field, length: length)
        case .bytes: count(field, length: length)
        case .message:
          if let inner = field.table {
            count(field, isExpected: true)
            if seen & field.seenBit != 0 { needsRewriting = true }
            seen |= field.seenBit
            try scan(WireTable(inner), cursor.at, cursor.at + length)
          }
        case .varint, .fixed32, .fixed64:
          try scanPacked(field, cursor.at, length, cursor)
        case .unknown: needsRewriting = true
        }
        cursor.at += length
      case 3:
        needsRewriting = true
        try cursor.skipValue(tag)
      default: throw cursor.malformed
      }
    }
    countMembers(fieldCount)
    guard arenaBytes + valueBytes <= memoryLimit else {
      throw WireFault(reason: .tooMuchMemory, at: start)
    }
  }

  /// One element. Those of a field lie in a row, so rounding each counts a little more than is taken.
  @inline(__always)
  private mutating func count(_ field: WireField, isExpected: Bool) {
    if !isExpected { needsRewriting = true }
    arenaBytes += Arena.rounded(Int(field.arenaCost))
    valueBytes += Int(field.valueCost)
  }

  /// Bytes of text or of a byte string: copied into the arena, and again into the value, where they
  /// have a header (short text has no memory of its own).
  @inline(__always)
  private mutating func count(_ field: WireField, length: Int) {
    arenaBytes += Int(field.arenaCost) + Arena.rounded(length)
    valueBytes += Int(field.valueCost) + (length > 0 ? length + 32 : 0)
  }

  /// protobuf-c remembers each field of a message: 16 on the stack, more in slabs that double.
  @inline(__always)
  private mutating func countMembers(_ fieldCount: Int) {
    var room = 16
    var slab = 16
    while room < fieldCount {
      slab *= 2
      room += slab
      arenaBytes += slab * 32
    }
  }

  @inline(__always)
  private func check(
    _ text: Pointer, _ length: Int, _ fieldStart: Pointer
  ) throws(WireFault) {
    switch TextCheck.check(text, length) {
    case .fine: break
    case .invalidUTF8: throw WireFault(reason: .invalidUTF8, at: fieldStart)
    case .nul: throw WireFault(reason: .nul, at: fieldStart)
    }
  }

  /// Numbers in a row. Those of a field that is not repeated have the wrong wire type.
  private mutating func scanPacked(
    _ field: WireField, _ start: Pointer, _ length: Int, _ cursor: WireCursor
  ) throws(WireFault) {
    guard field.isRepeated else {
      needsRewriting = true
      return
    }
    let elementCount: Int
    switch field.kind {
    case .fixed32:
      guard length % 4 == 0 else { throw cursor.malformed }
      elementCount = length / 4
    case .fixed64:
      guard length % 8 == 0 else { throw cursor.malformed }
      elementCount = length / 8
    default:
      var elements = WireCursor(start, start + length)
      elements.fieldStart = cursor.fieldStart
      var found = 0
      while !elements.isAtEnd {
        try elements.skipVarint()
        found += 1
      }
      elementCount = found
    }
    // The count of booleans is their length in protobuf-c, and booleans may be overlong.
    arenaBytes += (field.kind == .varint ? length : elementCount) * Int(field.arenaCost) + 8
    valueBytes += elementCount * Int(field.valueCost)
  }
}
