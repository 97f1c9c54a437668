import Foundation
import FuzzTargets
import Testing

/// What fuzzing has found so far, again: the corpus that reaches every branch it knows of, and every
/// input that once broke something (`make fuzz`).
@Suite struct ReplayTests {
  private static let corpus = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzz/Corpus")

  @Test(arguments: FuzzTarget.all.map(\.name))
  func theCorpusHolds(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let files = try FileManager.default.contentsOfDirectory(
      at: Self.corpus.appendingPathComponent(name), includingPropertiesForKeys: nil)
    #expect(files.count > 10)
    for file in files {
      let input = [UInt8](try Data(contentsOf: file))
      check(target, input, file.lastPathComponent)
    }
  }

  @Test(arguments: FuzzTarget.all.map(\.name))
  func theSeedsHold(_ name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    for (index, seed) in target.seeds().enumerated() { check(target, seed, "seed \(index)") }
  }

  private func check(_ target: FuzzTarget, _ input: [UInt8], _ name: String) {
    #expect(throws: Never.self, "\(target.name): \(name)") {
      try input.withUnsafeBytes { try target.run($0) }
    }
  }
}
