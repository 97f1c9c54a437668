/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014): the
/// same values for the same seed, on every machine.
public struct RandomSource: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// True in one of `n` cases.
  mutating func oneIn(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &self)]
  }
}

// Values that are likely to go wrong.
extension RandomSource {
  /// Empty, plain, long, with quotes, other scripts and what databases treat specially.
  mutating func text() -> String {
    switch Int.random(in: 0..<8, using: &self) {
    case 0: ""
    case 1: "O'Hara said \"100 %_*\" \\ ;--"
    case 2: "Grüße, 世界, مرحبا, 👩‍👩‍👧"
    case 3: "e\u{301} and \u{E9}"
    case 4: "line\nline\ttab\u{1}\u{7F}"
    case 5: String(repeating: "long ", count: Int.random(in: 1...600, using: &self))
    default: "text-\(UInt16.random(in: 0 ... .max, using: &self))"
    }
  }

  mutating func nonEmptyText() -> String { text() + "." }

  mutating func integer() -> Int64 {
    switch Int.random(in: 0..<6, using: &self) {
    case 0: 0
    case 1: .max
    case 2: 1
    case 3: Int64.random(in: 0...(1 << 40), using: &self)
    default: Int64.random(in: 0...10_000, using: &self)
    }
  }

  mutating func optionalInteger() -> Int64? { oneIn(3) ? nil : integer() }

  mutating func int32() -> Int32 { oneIn(4) ? .max : Int32.random(in: 0...100, using: &self) }

  mutating func optionalInt32() -> Int32? { oneIn(3) ? nil : int32() }

  /// One JSON value, not always in its shortest form.
  mutating func json() -> [UInt8] {
    let texts = [
      "{}", "null", "[]", "{ \"a\" : 1.50e3 }", "{\"a\":{\"b\":[1,2,3]},\"a\":2}", "\"\\u00e9\"",
      " [1 , 2]\n", "{\"text\":\"${{ inputs.topic }}\"}", "-0.0", "\"世界\"",
    ]
    guard oneIn(6) else { return Array(pick(texts).utf8) }
    let depth = 64
    return Array(
      (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
  }

  mutating func bytes(count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes.prefix(count))
  }
}
