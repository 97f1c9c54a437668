import Foundation

/// The file of what has failed once: `SEED=n STEPS=n` or `MIX=n`, then a note, one a line.
public enum KeptSeeds {
  /// What is in the file; lines that begin with # are for people.
  public static func read(_ path: String) throws -> [(name: String, setup: Setup)] {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let mixes = Mixes.setups()
    return text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ").prefix { $0.contains("=") }
      var values: [Substring: UInt64] = [:]
      for word in words {
        let parts = word.split(separator: "=")
        if parts.count == 2 { values[parts[0]] = UInt64(parts[1]) }
      }
      if let mix = values["MIX"].map(Int.init), mixes.indices.contains(mix) { return mixes[mix] }
      guard let seed = values["SEED"], let steps = values["STEPS"] else { return nil }
      return ("SEED=\(seed) STEPS=\(steps)", Setup(seed: seed, steps: Int(steps)))
    }
  }

  /// Adds a line.
  public static func add(_ name: String, _ violation: String, to path: String) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    defer { handle.closeFile() }
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("\(name) \(violation.prefix(120))\n".utf8))
  }
}
