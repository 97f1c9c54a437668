import Foundation
import Simulation

/// What `make sim` passes on, as NAME=VALUE.
struct Options {
  /// One world alone.
  private var seed: UInt64?
  private var mix: Int?
  private var mutant: Mutant?
  var seeds: UInt64 = 10_000
  var steps = 1_000
  var store = StoreKind.memory
  /// Seeds that are run on memory and on SQLite.
  var compared: UInt64 = 300
  var mixes = true
  /// The file of seeds that failed.
  private var file: String?

  /// Nil after telling what is wrong.
  init?(_ arguments: ArraySlice<String>) {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      if parts.count == 2, parts[1].isEmpty || set(parts[0], parts[1]) { continue }
      let help =
        "\"\(argument)\": write SEED=n, MIX=n, SEEDS=n, STEPS=n, STORE=memory or sqlite, "
        + "COMPARED=n, MIXES=yes or no, MUTANT=name, FILE=path\n"
      FileHandle.standardError.write(Data(help.utf8))
      return nil
    }
  }

  private mutating func set(_ name: String, _ value: String) -> Bool {
    switch name {
    case "SEED": return assign(UInt64(value), &seed)
    case "MIX": return assign(Int(value), &mix)
    case "MUTANT": return assign(Mutant(rawValue: value), &mutant)
    case "FILE": return assign(value, &file)
    case "SEEDS": return assign(UInt64(value), &seeds)
    case "STEPS": return assign(Int(value), &steps)
    case "COMPARED": return assign(UInt64(value), &compared)
    case "STORE": return assign(StoreKind(rawValue: value), &store)
    case "MIXES": return assign(["yes": true, "no": false][value], &mixes)
    default: return false
    }
  }

  private func assign<Value>(_ value: Value?, _ place: inout Value) -> Bool {
    if let value { place = value }
    return value != nil
  }

  private func assign<Value>(_ value: Value?, _ place: inout Value?) -> Bool {
    place = value
    return value != nil
  }

  /// The one world that is asked for.
  var single: Setup? {
    var setup: Setup?
    if let seed { setup = Setup(seed: seed, steps: steps) }
    if let mix {
      let all = Mixes.setups()
      setup = all.indices.contains(mix) ? all[mix].setup : nil
    }
    setup?.mutant = mutant
    return setup
  }

  // MARK: Seeds that failed

  /// Those of the file.
  func kept() throws -> [(name: String, setup: Setup)] {
    try file.map { try KeptSeeds.read($0) } ?? []
  }

  /// Adds a seed that failed to the file.
  func keep(_ failure: (name: String, violation: String)) throws {
    guard let file, try !kept().contains(where: { $0.name == failure.name }) else { return }
    try KeptSeeds.add(failure.name, failure.violation, to: file)
  }
}
