import Foundation
import Testing

@testable import Simulation

/// A small part of `make sim`.
struct SimulationTests {
  private static let file = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Simulation/seeds.txt").path

  @Test("what has failed once does not fail again")
  func kept() throws {
    let kept = try KeptSeeds.read(Self.file)
    #expect(kept.count >= 2)
    #expect(failures(of: kept) == [])
  }

  @Test("seeds: nothing is violated, everything ends")
  func seeds() {
    let setups = (0..<200 as Range<UInt64>).map {
      (name: "SEED=\($0) STEPS=300", setup: Setup(seed: $0, steps: 300))
    }
    #expect(failures(of: setups) == [])
  }

  @Test("mixes of up to three faults on the way of a hand-out (P1 to P12)")
  func mixes() {
    let all = Mixes.setups()
    // All mixes of one fault and of two, and every 50th of three.
    let some = all.indices.filter { $0 < 2_280 ? $0 % 5 == 0 : $0 % 50 == 0 }.map { all[$0] }
    #expect(failures(of: some) == [])
  }

  @Test("memory and SQLite: the same seeds, the same history and the same ends")
  func stores() {
    var campaign = Campaign()
    campaign.compareStores(0..<15, steps: 200)
    #expect(campaign.seeds == 15)
    #expect(campaign.failures.map { "\($0.name): \($0.violation)" } == [])
  }

  private func failures(of setups: [(name: String, setup: Setup)]) -> [String] {
    var campaign = Campaign()
    campaign.run(setups)
    #expect(campaign.failures.count > 0 || campaign.seeds == setups.count)
    return campaign.failures.map { "make sim \($0.name): \($0.violation)" }
  }

  @Test("every check finds its mutants", arguments: Mutant.allCases)
  func mutant(_ mutant: Mutant) throws {
    #expect(try Runner.catches(mutant, seeds: 0..<100, steps: 300))
  }

  @Test("every check has a mutant")
  func mutantsAreComplete() {
    #expect(Set(Mutant.allCases.map(\.check)) == Set(Check.allCases))
  }

  @Test("a violation is told")
  func canary() {
    let setups = (0..<9 as Range<UInt64>).map { seed in
      var setup = Setup(seed: seed, steps: 300)
      setup.mutant = .outputChanged
      return (name: "canary \(seed)", setup: setup)
    }
    var campaign = Campaign()
    campaign.run(setups)
    let failure = campaign.failures.first
    #expect(failure?.name.hasPrefix("canary ") == true)
    #expect(failure?.violation.contains(Check.given.rawValue) == true)
  }

  @Test("the same seed is the same in two processes, to the last line")
  func repeatable() throws {
    let first = try replay(seed: 11)
    #expect(first.hasPrefix("0 orchestrator 1 starts\n"))
    #expect(first.contains("HASH trace="))
    #expect(try replay(seed: 11) == first)
    #expect(try replay(seed: 12) != first)
  }

  private func replay(seed: Int) throws -> String {
    let bundle =
      CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
    let process = Process()
    process.executableURL = URL(filePath: bundle).deletingLastPathComponent().appending(
      path: "baton-sim")
    process.arguments = ["SEED=\(seed)", "STEPS=400"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return text
  }
}
