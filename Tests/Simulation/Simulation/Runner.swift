import Foundation
import NIOConcurrencyHelpers
import Store
import StoreSQLite

/// Which real store stands behind the faults.
public enum StoreKind: String, Sendable, CaseIterable {
  case memory, sqlite
}

/// Runs worlds.
public enum Runner {
  /// Runs one world to its end.
  public static func run(_ setup: Setup, store: StoreKind = .memory) throws -> Outcome {
    switch store {
    case .memory: return World(setup, base: MemoryStore()).run()
    case .sqlite:
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(at: folder) }
      let base = try SQLiteStore(path: folder.appending(path: "baton.db").path)
      defer { base.close() }
      return World(setup, base: base).run()
    }
  }

  /// In memory where there is such a place: every commit is synchronized.
  private static func temporaryFolder() throws -> URL {
    let shared = URL(filePath: "/dev/shm")
    let parent =
      FileManager.default.isWritableFile(atPath: shared.path)
      ? shared : FileManager.default.temporaryDirectory
    let folder = parent.appending(path: "baton-simulation-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Calls `work` for 0..<count on all processors, and `done` with each result under a lock.
  static func inParallel<Value: Sendable>(
    _ count: Int, _ work: @escaping @Sendable (Int) throws -> Value,
    _ done: @escaping @Sendable (Int, Result<Value, any Error>) -> Bool
  ) {
    let next = NIOLockedValueBox(0)
    let isOver = NIOLockedValueBox(false)
    DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
      while !isOver.withLockedValue({ $0 }) {
        let index = next.withLockedValue { next in
          defer { next += 1 }
          return next
        }
        guard index < count else { return }
        let result = Result { try work(index) }
        isOver.withLockedValue { isOver in
          if !done(index, result) { isOver = true }
        }
      }
    }
  }

  /// Whether the mutant's check finds it, in one of `seeds`; what other checks found counts not.
  public static func catches(_ mutant: Mutant, seeds: Range<UInt64>, steps: Int) throws -> Bool {
    for seed in seeds {
      var setup = Setup(seed: seed, steps: steps)
      setup.mutant = mutant
      if try run(setup).violation?.check == mutant.check { return true }
    }
    return false
  }
}
