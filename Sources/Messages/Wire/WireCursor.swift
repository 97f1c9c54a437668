/// Where in the bytes a message is refused, and why.
///
/// @unchecked Sendable: `Codec` catches it where it holds the bytes, and passes it to nobody.
struct WireFault: Error, @unchecked Sendable {
  enum Reason: UInt8 {
    case malformed
    case invalidUTF8
    case nul
    case tooMuchMemory
  }

  var reason: Reason
  /// The first byte of the field.
  var at: UnsafePointer<UInt8>
}

/// Reads tags and values one after the other and never beyond the end (protobuf.dev, "Encoding").
/// It is a step stricter than the specification asks for: what a varint holds beyond its width
/// is ignored, but one of more than 10 bytes, a tag of more than 32 bits, and field number 0 are
/// malformed.
struct WireCursor {
  typealias Pointer = UnsafePointer<UInt8>

  var at: Pointer
  let end: Pointer
  /// The first byte of the field, for errors.
  var fieldStart: Pointer

  init(_ start: Pointer, _ end: Pointer) {
    at = start
    self.end = end
    fieldStart = start
  }

  /// Groups within groups, as deep as other implementations go.
  static let maxGroupDepth = 100

  @inline(__always)
  var isAtEnd: Bool { at >= end }

  @inline(__always)
  var malformed: WireFault { WireFault(reason: .malformed, at: fieldStart) }

  /// The tag of the next field; there must be a byte.
  @inline(__always)
  mutating func tag() throws(WireFault) -> UInt32 {
    fieldStart = at
    let first = at.pointee
    if first < 0x80 {
      at += 1
      guard first >= 8 else { throw malformed }
      return UInt32(first)
    }
    return try longTag()
  }

  @inline(never)
  private mutating func longTag() throws(WireFault) -> UInt32 {
    let value = try shortVarint()
    guard value <= UInt32.max, value >= 8 else { throw malformed }
    return UInt32(truncatingIfNeeded: value)
  }

  /// A varint of at most 5 bytes: a tag or a length.
  @inline(never)
  private mutating func shortVarint() throws(WireFault) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while at < end, shift < 35 {
      let byte = at.pointee
      at += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw malformed
  }

  /// The length of a length-delimited value; as many bytes are there.
  @inline(__always)
  mutating func length() throws(WireFault) -> Int {
    guard at < end else { throw malformed }
    let first = at.pointee
    let length: Int
    if first < 0x80 {
      at += 1
      length = Int(first)
    } else {
      length = Int(truncatingIfNeeded: try shortVarint())
    }
    guard length <= end - at else { throw malformed }
    return length
  }

  @inline(__always)
  mutating func skipVarint() throws(WireFault) {
    guard at < end else { throw malformed }
    let first = at.pointee
    at += 1
    if first >= 0x80 { try skipLongVarint() }
  }

  /// The rest of a varint after its first byte.
  @inline(__always)
  private mutating func skipLongVarint() throws(WireFault) {
    let last = min(end, at + 9)
    while at < last {
      let byte = at.pointee
      at += 1
      if byte < 0x80 { return }
    }
    throw malformed
  }

  @inline(__always)
  mutating func skip(_ count: Int) throws(WireFault) {
    guard count <= end - at else { throw malformed }
    at += count
  }

  /// Skips the value after a tag.
  mutating func skipValue(_ tag: UInt32) throws(WireFault) {
    switch tag & 7 {
    case 0: try skipVarint()
    case 1: try skip(8)
    case 2: at += try length()
    case 3: try skipGroup(tag >> 3)
    case 5: try skip(4)
    default: throw malformed
    }
  }

  /// Skips a group up to its end tag. No field of proto3 is one.
  private mutating func skipGroup(_ number: UInt32) throws(WireFault) {
    let start = fieldStart
    defer { fieldStart = start }
    var open = [number]
    while let innermost = open.last {
      guard at < end else { throw WireFault(reason: .malformed, at: start) }
      let tag = try tag()
      switch tag & 7 {
      case 3:
        guard open.count < Self.maxGroupDepth else {
          throw WireFault(reason: .malformed, at: start)
        }
        open.append(tag >> 3)
      case 4:
        guard tag >> 3 == innermost else { throw WireFault(reason: .malformed, at: start) }
        open.removeLast()
      default: try skipValue(tag)
      }
    }
  }
}
