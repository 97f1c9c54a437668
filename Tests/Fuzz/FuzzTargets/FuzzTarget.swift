/// One part of Baton that reads what a peer sends, as a function of bytes for libFuzzer
/// (llvm.org/docs/LibFuzzer.html) and for the test that replays the corpus.
public struct FuzzTarget: Sendable {
  /// Also the folder of its corpus.
  public let name: String
  /// Inputs to start from, made of real messages.
  public let seeds: @Sendable () -> [[UInt8]]
  /// Reads one input, and throws where a property does not hold. Must keep nothing.
  public let run: @Sendable (UnsafeRawBufferPointer) throws -> Void

  public static let all = [deframer, messages, serverSession, clientSession, headers, gzip]
}

/// A property that does not hold.
public struct Finding: Error, CustomStringConvertible {
  public let description: String
}

/// Throws a finding unless the property holds.
func require(
  _ property: Bool, _ text: @autoclosure () -> String
) throws {
  if !property { throw Finding(description: text()) }
}

/// An input from its beginning: choices first, bytes for the part under test after them.
struct FuzzInput {
  private(set) var rest: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

  /// 0 at the end.
  mutating func byte() -> UInt8 {
    guard let first = rest.first else { return 0 }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return first
  }

  mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
    defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
    return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
  }
}

/// Cuts bytes into pieces whose sizes follow from a seed; with the seed 0 there is one piece.
struct Pieces: Sequence, IteratorProtocol {
  private var rest: UnsafeRawBufferPointer
  private let seed: UInt8
  private var state: UInt32

  init(_ bytes: UnsafeRawBufferPointer, seed: UInt8) {
    rest = bytes
    self.seed = seed
    state = UInt32(seed)
  }

  mutating func next() -> UnsafeRawBufferPointer? {
    guard !rest.isEmpty else { return nil }
    let count = seed == 0 ? rest.count : nextCount()
    defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count)) }
    return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
  }

  /// Mostly small: what spans pieces is what goes wrong.
  private mutating func nextCount() -> Int {
    // Numerical Recipes' linear congruential generator.
    state = state &* 1_664_525 &+ 1_013_904_223
    let limit: UInt32 = state >> 31 == 0 ? 8 : 256
    return 1 + Int((state >> 16) % limit)
  }
}
