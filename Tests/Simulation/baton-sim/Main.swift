import Foundation
import Simulation

/// Runs the simulation; docs/simulation.md says how.
@main
struct Main {
  static func main() throws {
    guard let options = Options(CommandLine.arguments.dropFirst()) else { exit(64) }
    let isFine: Bool
    if let setup = options.single {
      isFine = try replay(setup, options.store)
    } else {
      isFine = try everything(options)
    }
    exit(isFine ? 0 : 1)
  }

  /// One world, with everything that happens.
  private static func replay(_ single: Setup, _ store: StoreKind) throws -> Bool {
    var setup = single
    setup.keepsTrace = true
    let outcome = try Runner.run(setup, store: store)
    for line in outcome.lines { print(line) }
    if let violation = outcome.violation { print("VIOLATION \(violation)") }
    let hashes = [outcome.traceHash, outcome.finalHash].map { String($0, radix: 16) }
    print("HASH trace=\(hashes[0]) final=\(hashes[1])")
    let violations = outcome.violation == nil ? 0 : 1
    print("RESULT seeds=1 violations=\(violations) steps=\(outcome.steps)")
    return violations == 0
  }

  private static func everything(_ options: Options) throws -> Bool {
    var campaign = Campaign()
    run("kept seeds", try options.kept().map { ($0.name, $0.setup) }, &campaign, options.store)
    let seeds = (0..<options.seeds).map { seed in
      ("SEED=\(seed) STEPS=\(options.steps)", Setup(seed: seed, steps: options.steps))
    }
    run("seeds", seeds, &campaign, options.store)
    if options.mixes { run("mixes of faults", Mixes.setups(), &campaign, options.store) }
    if options.compared > 0 {
      say("comparing memory and SQLite on \(options.compared) seeds")
      campaign.compareStores(0..<options.compared, steps: options.steps)
    }
    for failure in campaign.failures {
      say("FAILED make sim \(failure.name): \(failure.violation)")
      try options.keep(failure)
    }
    for transition in campaign.missingTransitions { say("not seen: \(transition)") }
    say("looking for mutants")
    let mutants = try MutantReport.make(seeds: 0..<100, steps: 300)
    for mutant in mutants.missed { say("not caught: \(mutant)") }
    let legal = Transition.legal.count
    let missing = campaign.missingTransitions.count
    print(
      "RESULT seeds=\(campaign.seeds) violations=\(campaign.failures.count) "
        + "transitions_covered=\(legal - missing)/\(legal) "
        + "mutants_caught=\(mutants.caught.count)/\(Mutant.allCases.count)")
    return campaign.failures.isEmpty && mutants.missed.isEmpty && missing == 0
  }

  private static func run(
    _ what: String, _ setups: [(String, Setup)], _ campaign: inout Campaign, _ store: StoreKind
  ) {
    guard !setups.isEmpty else { return }
    let start = Date()
    say("\(setups.count) \(what)")
    campaign.run(setups.map { (name: $0.0, setup: $0.1) }, store: store) { done in
      if done % 1_000 == 0 { say("  \(done), \(Int(-start.timeIntervalSinceNow)) s") }
    }
  }

  static func say(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }
}
