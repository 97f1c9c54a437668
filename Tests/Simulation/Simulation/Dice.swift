import Engine

/// Chance from a seed; the same in every process.
struct Dice {
  private var entropy: Entropy

  init(seed: UInt64) {
    entropy = Entropy(seed: seed)
    // Neighbouring seeds begin with neighbouring states.
    _ = entropy.next()
  }

  /// For one thing among many: chance that does not depend on what else was rolled.
  init(seed: UInt64, _ parts: Int...) {
    var mixed = Entropy(seed: seed)
    for part in parts { mixed = Entropy(seed: mixed.next() ^ UInt64(bitPattern: Int64(part))) }
    entropy = mixed
    _ = entropy.next()
  }

  mutating func next() -> UInt64 { entropy.next() }

  /// In 0..<bound.
  mutating func roll(_ bound: Int) -> Int { Int(entropy.next() % UInt64(bound)) }

  mutating func between(_ low: Int64, _ high: Int64) -> Int64 {
    low + Int64(roll(Int(high - low) + 1))
  }

  mutating func happens(perMille: Int) -> Bool { roll(1_000) < perMille }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }

  mutating func shuffle<Element>(_ elements: inout [Element]) {
    for index in elements.indices.dropFirst() { elements.swapAt(index, roll(index + 1)) }
  }
}
