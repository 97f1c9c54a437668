import Foundation
import Plan
import Store
import StoreConformance
import StoreSQLite
import Synchronization
import Testing

/// What happens around the file: who may open it, and what disks do.
struct FileTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/baton.db" }

  init() throws { folder = try TemporaryFolder() }

  @Test func keepsASecondServerOut() throws {
    let first = try SQLiteStore(path: path)
    #expect(refusal().contains("in use by another server, process \(getpid())"))
    #expect(refusal().contains(path))
    first.close()
    try SQLiteStore(path: path).close()
    folder.remove()
  }

  @Test func keepsASecondServerOutThroughALink() throws {
    let first = try SQLiteStore(path: path)
    let link = folder.path + "/link.db"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    #expect(refusal(link).contains("in use"))
    first.close()
    folder.remove()
  }

  @Test func letsGoOfTheFileWhenTheProcessEnds() async throws {
    let path = path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let store = try SQLiteStore(path: path)
      withExtendedLifetime(store) { _ = kill(getpid(), SIGKILL) }
    }
    try SQLiteStore(path: path).close()
    folder.remove()
  }

  @Test func refusesANewerSchema() throws {
    try SQLiteStore(path: path).close()
    try patch(offset: 60, [0, 0, 0, 99])
    #expect(refusal().contains("has schema 99 and this program knows"))
    folder.remove()
  }

  @Test func refusesTheDatabaseOfAnotherProgram() throws {
    try SQLiteStore(path: path).close()
    try patch(offset: 68, [0, 0, 0, 1])
    #expect(refusal().contains("another program"))
    folder.remove()
  }

  @Test func refusesAFileThatIsNoDatabase() throws {
    try Data(repeating: 0x41, count: 10_000).write(to: URL(fileURLWithPath: path))
    #expect(refusal().contains(path))
    folder.remove()
  }

  @Test func refusesAFolderThatIsNotThere() throws {
    let path = folder.path + "/none/baton.db"
    #expect(refusal(path).contains("the folder of \(path) does not exist"))
    #expect(refusal(folder.path).contains(folder.path))
    #expect(refusal("").contains("names no file"))
    folder.remove()
  }

  @Test func leavesOneFileAndItsLock() throws {
    let store = try SQLiteStore(path: path)
    try store.commit([try change(seed: 1)])
    store.close()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["baton.db", "baton.db-lock"])
    #expect(throws: StoreError.self) { try store.load(PlanID(high: 1, low: 1)) }
    store.close()
    folder.remove()
  }

  /// 120 MB go through it, with and without somebody who reads all the time.
  @Test(arguments: [(false, 24), (true, 80)])
  func keepsTheWriteAheadLogBounded(hasReader: Bool, mebibytes: Int) throws {
    let store = try SQLiteStore(path: path)
    let stop = Atomic(false)
    let reader = DispatchGroup()
    if hasReader {
      DispatchQueue(label: "reader").async(group: reader) {
        while !stop.load(ordering: .acquiring) {
          _ = try? store.list(PlanFilter(), before: nil, limit: 100)
        }
      }
    }
    var random = RandomSource(seed: 2)
    var change = PlanChange(planID: random.planID(), plan: PlanRow())
    change.created = random.creation(taskCount: 600)
    for ordinal in 0..<600 {
      change.plan.revision += 1
      let json = [UInt8](repeating: UInt8(ascii: "1"), count: 200_000)
      change.outputs = [TaskOutput(ordinal: ordinal, json: json)]
      try store.commit([change])
      change.created = nil
    }
    stop.store(true, ordering: .releasing)
    reader.wait()
    let size = try #require(
      FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int)
    #expect(size < mebibytes << 20)
    #expect(store.walStatus?.checkpointFailure == nil)
    store.close()
    folder.remove()
  }

  /// A disk that takes no more: the file size limit of a process of its own.
  @Test func tellsAFailedCommitAndGoesOn() async throws {
    let path = path
    await #expect(processExitsWith: .success) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      let store = try SQLiteStore(path: path)
      let first = try FileTests.change(seed: 1)
      try store.commit([first])
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let before = limit.rlim_cur
      limit.rlim_cur = 64 << 10
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      var second = try FileTests.change(seed: 2)
      second.outputs = [
        TaskOutput(ordinal: 0, json: [UInt8](repeating: UInt8(ascii: "1"), count: 1 << 20))
      ]
      let error = #expect(throws: StoreError.self) { try store.commit([second]) }
      #expect(error?.code == .outcomeUnknown)
      limit.rlim_cur = before
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      try PlanModel(first)?.verify(in: store)
      #expect(try store.load(second.planID) == nil)
      try store.commit([second])
      try PlanModel(second)?.verify(in: store)
      store.close()
      let reopened = try SQLiteStore(path: path)
      try PlanModel(first)?.verify(in: reopened)
      try PlanModel(second)?.verify(in: reopened)
    }
    folder.remove()
  }

  static func change(seed: UInt64) throws -> PlanChange {
    var random = RandomSource(seed: seed)
    return PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
  }

  private func change(seed: UInt64) throws -> PlanChange { try Self.change(seed: seed) }

  /// The message with which the file is refused as unusable.
  private func refusal(_ path: String? = nil) -> String {
    let error = #expect(throws: StoreError.self) {
      try SQLiteStore(path: path ?? self.path).close()
    }
    #expect(error?.code == .unusable)
    return error?.message ?? ""
  }

  /// Writes over a field of the file's header (https://www.sqlite.org/fileformat.html).
  private func patch(offset: UInt64, _ bytes: [UInt8]) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data(bytes))
    try file.close()
  }
}
