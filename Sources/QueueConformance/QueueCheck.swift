internal import Dispatch
internal import NIOConcurrencyHelpers
internal import Plan
public import Queue

/// What a queue did that `HandOutQueue` does not allow.
public struct QueueConformanceFailure: Error, CustomStringConvertible {
  public var description: String
}

/// One check of the suite that every implementation of `HandOutQueue` passes.
///
/// A queue may lose, repeat and reorder; on a healthy one the suite expects every hint at least
/// once, within ten seconds.
public struct QueueCheck: Sendable, CustomStringConvertible {
  /// What is required, as a sentence.
  public let description: String
  /// Throws `QueueConformanceFailure`, or what the queue threw. `make` makes a queue of its own.
  public let run: @Sendable (_ make: () throws -> any HandOutQueue) throws -> Void

  private init(
    _ description: String, _ run: @escaping @Sendable (any HandOutQueue) throws -> Void
  ) {
    self.description = description
    self.run = { make in
      let queue = try make()
      defer { queue.close() }
      try run(queue)
    }
  }

  /// The whole suite.
  public static let all = [
    QueueCheck("hands every hint to the subscriber, unchanged") { queue in
      let taken = Taken()
      try queue.subscribe { taken.add($0) }
      let hints = (0..<500).map { hint($0) }
      for start in stride(from: 0, to: 500, by: 25) {
        try queue.enqueue(Array(hints[start..<(start + 25)]))
      }
      try taken.wait(for: Set(hints))
    },
    QueueCheck("takes hints from several threads") { queue in
      let taken = Taken()
      try queue.subscribe { taken.add($0) }
      DispatchQueue.concurrentPerform(iterations: 8) { thread in
        for number in 0..<200 { taken.note { try queue.enqueue([hint(thread * 200 + number)]) } }
      }
      try taken.wait(for: Set((0..<1_600).map { hint($0) }))
    },
    QueueCheck("lets the subscriber enqueue") { queue in
      let taken = Taken()
      try queue.subscribe { hints in
        taken.add(hints)
        for hint in hints where hint.ordinal < 20 {
          taken.note { try queue.enqueue([Self.hint(hint.ordinal + 1)]) }
        }
      }
      try queue.enqueue([hint(0)])
      try taken.wait(for: Set((0...20).map { hint($0) }))
    },
    QueueCheck("takes an empty list for nothing") { queue in
      let taken = Taken()
      try queue.subscribe { taken.add($0) }
      try queue.enqueue([])
      try queue.enqueue([hint(1)])
      try taken.wait(for: [hint(1)])
    },
    QueueCheck("has one subscriber") { queue in
      try queue.subscribe { _ in }
      try expectMisuse("a second subscriber") { try queue.subscribe { _ in } }
    },
    QueueCheck("gives nothing to the subscriber after close") { queue in
      let taken = Taken()
      try queue.subscribe { taken.add($0) }
      try queue.enqueue([hint(1)])
      try taken.wait(for: [hint(1)])
      queue.close()
      let count = taken.count
      try expectMisuse("a hint after close") { try queue.enqueue([hint(2)]) }
      guard taken.count == count else {
        throw QueueConformanceFailure(description: "a hint was taken after close")
      }
      queue.close()
    },
  ]

  private static func hint(_ number: Int) -> HandOutHint {
    HandOutHint(
      planID: PlanID(high: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, low: .max), ordinal: number,
      attempt: Int32(number % 100) + 1, delivery: .max)
  }

  private static func expectMisuse(_ what: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as QueueError where error.code == .misuse {
      return
    }
    throw QueueConformanceFailure(description: "\(what) is accepted")
  }
}

/// What a subscriber has taken.
private final class Taken: Sendable {
  private struct State {
    var hints: [HandOutHint] = []
    var errors: [String] = []
  }

  private let state = NIOLockedValueBox(State())
  private let arrived = DispatchSemaphore(value: 0)

  var count: Int { state.withLockedValue { $0.hints.count } }

  func add(_ hints: [HandOutHint]) {
    state.withLockedValue { $0.hints += hints }
    arrived.signal()
  }

  /// Runs `body` where nothing can be thrown; an error fails the next `wait`.
  func note(_ body: () throws -> Void) {
    do { try body() } catch { state.withLockedValue { $0.errors.append("\(error)") } }
  }

  /// Waits until all of `expected`, and nothing else, has been taken.
  func wait(for expected: Set<HandOutHint>) throws {
    let deadline = DispatchTime.now() + .seconds(10)
    while true {
      let (taken, errors) = state.withLockedValue { (Set($0.hints), $0.errors) }
      if let error = errors.first { throw QueueConformanceFailure(description: error) }
      guard taken.isSubset(of: expected) else {
        throw QueueConformanceFailure(description: "a hint was taken that nobody enqueued")
      }
      if taken == expected { return }
      guard arrived.wait(timeout: deadline) == .success else {
        throw QueueConformanceFailure(
          description: "\(expected.count - taken.count) hints were not taken within 10 s")
      }
    }
  }
}
