import Engine

/// One run of a world.
public struct Setup: Sendable {
  public var seed: UInt64
  /// Events under faults; then everything finishes in peace.
  public var steps: Int
  public var keepsTrace = false
  public var mutant: Mutant?
  /// An enumerated mix of faults in a small fixed world; nil: chance.
  var mix: [(fault: Fault, occurrence: Int)]?
  /// Of the fixed world: results are polled for.
  var isPolled = false

  public init(seed: UInt64, steps: Int) {
    self.seed = seed
    self.steps = steps
  }
}

/// What a run came to.
public struct Outcome: Sendable {
  public var violation: Violation?
  public var steps: Int
  /// Over everything that happened.
  public var traceHash: UInt64
  /// Over the plans as they ended.
  public var finalHash: UInt64
  public var lines: [String]
  var transitions: Set<Transition>
}

/// Something that must never be, and was.
public struct Violation: Sendable, CustomStringConvertible {
  public var check: Check
  public var message: String
  public var step: Int

  public var description: String { "\(check.rawValue) at step \(step): \(message)" }
}

/// What happened, as a hash and, where it is wanted, as text.
struct Trace {
  private(set) var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var lines: [String] = []
  private let isKept: Bool

  init(isKept: Bool) { self.isKept = isKept }

  mutating func add(
    _ time: Int64, _ first: Int, _ second: Int, _ third: Int, _ text: () -> String
  ) {
    mix(UInt64(bitPattern: time))
    mix(UInt64(bitPattern: Int64(first)))
    mix(UInt64(bitPattern: Int64(second)))
    mix(UInt64(bitPattern: Int64(third)))
    if isKept { lines.append("\(time % 1_000_000_000) \(text())") }
  }

  private mutating func mix(_ word: UInt64) {
    hash = (hash ^ word) &* 0x0000_0100_0000_01b3
    hash ^= hash >> 29
  }
}
