import Foundation
import NIOConcurrencyHelpers

/// Many worlds, and what they came to together.
public struct Campaign: Sendable {
  public private(set) var seeds = 0
  public private(set) var steps = 0
  /// What failed, by the name under which it can be run again.
  public private(set) var failures: [(name: String, violation: String)] = []
  public private(set) var transitions: Set<Transition> = []

  public init() {}

  /// Tells what was not seen of what there may be.
  public var missingTransitions: [Transition] {
    Transition.legal.subtracting(transitions).sorted()
  }

  /// Runs `setups` on all processors. `progress` is told after each how many are done.
  public mutating func run(
    _ setups: [(name: String, setup: Setup)], store: StoreKind = .memory, failuresMax: Int = 10,
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) {
    let collected = NIOLockedValueBox((Campaign(), 0))
    Runner.inParallel(setups.count) {
      try Runner.run(setups[$0].setup, store: store)
    } _: { index, result in
      let (goesOn, done) = collected.withLockedValue { state in
        state.0.add(setups[index].name, result)
        state.1 += 1
        return (state.0.failures.count < failuresMax, state.1)
      }
      progress(done)
      return goesOn
    }
    merge(collected.withLockedValue { $0.0 })
  }

  /// Runs seeds on both stores: everything that happens must be the same.
  public mutating func compareStores(_ seeds: Range<UInt64>, steps: Int) {
    let collected = NIOLockedValueBox(Campaign())
    let first = seeds.lowerBound
    Runner.inParallel(seeds.count) { index in
      let setup = Setup(seed: first + UInt64(index), steps: steps)
      let memory = try Runner.run(setup)
      var sqlite = try Runner.run(setup, store: .sqlite)
      if sqlite.violation == nil,
        (memory.traceHash, memory.finalHash) != (sqlite.traceHash, sqlite.finalHash)
      {
        sqlite.violation = Violation(
          check: .stored, message: "memory and SQLite differ", step: sqlite.steps)
      }
      return sqlite
    } _: { index, result in
      collected.withLockedValue { campaign in
        campaign.add("SEED=\(first + UInt64(index)) STEPS=\(steps) STORE=sqlite", result)
        return campaign.failures.count < 10
      }
    }
    merge(collected.withLockedValue { $0 })
  }

  private mutating func add(_ name: String, _ result: Result<Outcome, any Error>) {
    seeds += 1
    switch result {
    case .success(let outcome):
      steps += outcome.steps
      transitions.formUnion(outcome.transitions)
      if let violation = outcome.violation { failures.append((name, "\(violation)")) }
    case .failure(let error): failures.append((name, "\(error)"))
    }
  }

  private mutating func merge(_ other: Campaign) {
    seeds += other.seeds
    steps += other.steps
    failures += other.failures.sorted { $0.name < $1.name }
    transitions.formUnion(other.transitions)
  }
}

/// Mutants that their checks have found, and those that they have not.
public struct MutantReport: Sendable {
  public var caught: [Mutant] = []
  public var missed: [Mutant] = []

  /// Looks for each mutant in `seeds`, in order, until its check finds it.
  public static func make(seeds: Range<UInt64>, steps: Int) throws -> MutantReport {
    let results = NIOLockedValueBox<[Mutant: Bool]>([:])
    let mutants = Mutant.allCases
    Runner.inParallel(mutants.count) {
      try Runner.catches(mutants[$0], seeds: seeds, steps: steps)
    } _: { index, result in
      results.withLockedValue { $0[mutants[index]] = (try? result.get()) ?? false }
      return true
    }
    let found = results.withLockedValue { $0 }
    return MutantReport(
      caught: mutants.filter { found[$0] == true }, missed: mutants.filter { found[$0] != true })
  }
}
