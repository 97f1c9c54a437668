/// A plan's id: a UUID of version 7 (RFC 9562), so that ids sort by the time they were made.
public struct PlanID: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// A new id: 48 bits of time, then 74 of `randomness`.
  public init(unixMilliseconds: Int64, randomness: (UInt64, UInt64)) {
    let time = UInt64(bitPattern: unixMilliseconds) << 16
    high = time | 0x7000 | (randomness.0 & 0x0FFF)
    low = (randomness.1 & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
  }

  /// The canonical form, in either case; nil for anything else.
  public init?(_ text: String) {
    var text = text
    guard let id = text.withUTF8({ Self($0) }) else { return nil }
    self = id
  }

  private init?(_ text: UnsafeBufferPointer<UInt8>) {
    guard text.count == 36 else { return nil }
    var words: (UInt64, UInt64) = (0, 0)
    for (index, character) in text.enumerated() {
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard character == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let digit = Self.hexDigit(character) else { return nil }
      words.0 = words.0 << 4 | words.1 >> 60
      words.1 = words.1 << 4 | digit
    }
    (high, low) = words
  }

  private static func hexDigit(_ character: UInt8) -> UInt64? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(character - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(character - UInt8(ascii: "A")) + 10
    default: nil
    }
  }

  public var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for index in 0..<32 {
      if index == 8 || index == 12 || index == 16 || index == 20 { text.append(UInt8(ascii: "-")) }
      let word = index < 16 ? high : low
      let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index & 15))) & 0xF
      text.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
    }
    return String(decoding: text, as: UTF8.self)
  }

  public static func < (left: PlanID, right: PlanID) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }
}

/// What an adapter keys its table on, beside the attempt: stable for a task.
///
/// Written `PLAN/TASK/INDEX`; task ids hold no slash, so it reads back unambiguously.
public struct IdempotencyKey: Sendable, Hashable, CustomStringConvertible {
  public let planID: PlanID
  public let taskID: String
  /// Place among the instances of a mapped task; 0 otherwise.
  public let index: Int32

  public init(planID: PlanID, taskID: String, index: Int32 = 0) {
    self.planID = planID
    self.taskID = taskID
    self.index = index
  }

  public init?(_ text: String) {
    let slash = UInt8(ascii: "/")
    let parts = text.utf8.split(separator: slash, omittingEmptySubsequences: false)
      .map { Substring($0) }
    guard parts.count == 3, let planID = PlanID(String(parts[0])), let index = Int32(parts[2])
    else { return nil }
    self.init(planID: planID, taskID: String(parts[1]), index: index)
  }

  public var description: String { "\(planID)/\(taskID)/\(index)" }
}

/// A SHA-256 digest.
public struct Digest: Sendable, Hashable {
  /// 32 bytes.
  public let bytes: [UInt8]

  /// Nil unless there are 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }
}
