/// Text as the contract has it: UTF-8 (The Unicode Standard, table 3-7) without U+0000.
enum TextCheck {
  enum Result {
    case fine
    case invalidUTF8
    case nul
  }

  /// Whether all bytes are in 1...127: neither they nor they minus one have the highest bit.
  @inline(__always)
  private static func isPlain(_ word: UInt64) -> Bool {
    (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0
  }

  @inline(__always)
  static func check(_ start: UnsafePointer<UInt8>, _ count: Int) -> Result {
    let raw = UnsafeRawPointer(start)
    if count >= 8 {
      var offset = 0
      while offset + 8 <= count {
        guard isPlain(raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) else {
          return checkSlowly(start, count, from: offset)
        }
        offset += 8
      }
      // The last eight bytes, some of them for the second time.
      guard isPlain(raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)) else {
        return checkSlowly(start, count, from: offset)
      }
      return .fine
    }
    for offset in 0..<count where start[offset] &- 1 >= 0x7F {
      return checkSlowly(start, count, from: 0)
    }
    return .fine
  }

  /// - Parameter from: Where a character begins.
  @inline(never)
  private static func checkSlowly(
    _ start: UnsafePointer<UInt8>, _ count: Int, from: Int
  ) -> Result {
    let raw = UnsafeRawPointer(start)
    var at = from
    var hasNUL = false
    while at < count {
      if at + 8 <= count, isPlain(raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)) {
        at += 8
        continue
      }
      let length = characterLength(start + at, count - at)
      guard length > 0 else { return .invalidUTF8 }
      if start[at] == 0 { hasNUL = true }
      at += length
    }
    return hasNUL ? .nul : .fine
  }

  /// Bytes of the character that starts here; 0 where none does.
  @inline(__always)
  private static func characterLength(_ at: UnsafePointer<UInt8>, _ count: Int) -> Int {
    func continues(_ index: Int) -> Bool { index < count && at[index] & 0xC0 == 0x80 }
    switch at[0] {
    case 0..<0x80: return 1
    case 0xC2...0xDF: return continues(1) ? 2 : 0
    case 0xE0...0xEF:
      guard continues(1), continues(2) else { return 0 }
      // Neither overlong nor a surrogate.
      if at[0] == 0xE0, at[1] < 0xA0 { return 0 }
      if at[0] == 0xED, at[1] > 0x9F { return 0 }
      return 3
    case 0xF0...0xF4:
      guard continues(1), continues(2), continues(3) else { return 0 }
      // Neither overlong nor above U+10FFFF.
      if at[0] == 0xF0, at[1] < 0x90 { return 0 }
      if at[0] == 0xF4, at[1] > 0x8F { return 0 }
      return 4
    default: return 0
    }
  }
}
