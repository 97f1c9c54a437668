import Foundation
import Plan
import Store
import StoreConformance
import StoreSQLite
import Testing

/// The writer is a process of its own, killed where it happens to be.
struct CrashTests {
  @Test(arguments: [1, 7, 60, 200, 450])
  func keepsWhatWasAcknowledgedBeforeAKill(milliseconds: Int) async throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [path = path as String, milliseconds = milliseconds as Int] in
      let store = try SQLiteStore(path: path + "/baton.db")
      let ledger = try #require(fopen(path + "/acknowledged", "a"))
      var hasBegun = false
      try CrashStream(seed: 5).write(to: store) { group, revision in
        fputs("\(group) \(revision)\n", ledger)
        // To the kernel, which outlives the process.
        fflush(ledger)
        guard !hasBegun else { return }
        hasBegun = true
        Thread.detachNewThread {
          usleep(UInt32(milliseconds) * 1_000)
          kill(getpid(), SIGKILL)
        }
      }
    }
    let acknowledged = try acknowledged(in: path)
    #expect(!acknowledged.isEmpty)
    let store = try SQLiteStore(path: path + "/baton.db")
    try CrashStream(seed: 5).verify(store, acknowledged: acknowledged)
    store.close()
    folder.remove()
  }

  /// The guard of the guard: a stream that lacks an acknowledged commit is found out.
  @Test func noticesALostCommit() throws {
    let store = MemoryStore()
    var last: (group: Int, revision: Int64) = (0, 0)
    struct Enough: Error {}
    #expect(throws: Enough.self) {
      try CrashStream(seed: 5).write(to: store) { group, revision in
        last = (group, revision)
        if group == 1 && revision == 3 { throw Enough() }
      }
    }
    try CrashStream(seed: 5).verify(store, acknowledged: [0: 30, 1: last.revision])
    try CrashStream(seed: 5).verify(store, acknowledged: [0: 30, 1: last.revision - 1])
    #expect(throws: ConformanceFailure.self) {
      try CrashStream(seed: 5).verify(store, acknowledged: [0: 30, 1: last.revision + 1])
    }
    #expect(throws: ConformanceFailure.self) {
      try CrashStream(seed: 6).verify(store, acknowledged: [0: 30, 1: last.revision])
    }
  }

  /// Group to its last acknowledged revision; a line that the kill cut off does not count.
  private func acknowledged(in folder: String) throws -> [Int: Int64] {
    let text = try String(contentsOfFile: folder + "/acknowledged", encoding: .utf8)
    var last: [Int: Int64] = [:]
    for line in text.split(separator: "\n", omittingEmptySubsequences: true)
    where text.hasSuffix("\n") || !text.hasSuffix(line) {
      let numbers = line.split(separator: " ")
      if let group = Int(numbers[0]), let revision = Int64(numbers[1]) { last[group] = revision }
    }
    return last
  }
}
