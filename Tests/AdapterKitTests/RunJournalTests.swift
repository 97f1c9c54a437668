import Foundation
import Testing

@testable import AdapterKit

struct RunJournalTests {
  private let folder = TemporaryFolder()

  private func run(_ key: String, _ state: Run.State, token: Int64 = 1) -> Run {
    let handOut = HandOut(
      run: RunReference(key: key, attempt: 2), token: token, delivery: 3, planID: "p",
      taskID: "t\u{1F375}")
    return Run(handOut: handOut, handle: "h", state: state, isCancelled: true)
  }

  @Test("Every state survives, with its result; times do not")
  func roundTrip() async throws {
    let (journal, before) = try RunJournal.open(folder: folder.path)
    #expect(before.isEmpty)
    let rows = [
      run("a", .running(hasStarted: false)), run("b", .lost(until: 0)),
      run("c", .ended(until: 0)), run("d", .finished(result: [0, 255, 10], isParked: false)),
    ]
    try await journal.wait(for: journal.append(rows.map { ($0.reference, $0) }))
    let copy = try folder.copy()
    #expect(try RunJournal.open(folder: copy.path).rows == rows)
  }

  @Test("The last line of a row counts, and a row that is gone is gone")
  func changes() async throws {
    let (journal, _) = try RunJournal.open(folder: folder.path)
    let first = run("a", .running(hasStarted: false))
    let second = run("a", .running(hasStarted: false), token: 2)
    let other = run("b", .running(hasStarted: false))
    _ = journal.append([(first.reference, first), (other.reference, other)])
    _ = journal.append([(second.reference, second)])
    try await journal.wait(for: journal.append([(other.reference, nil)]))
    let copy = try folder.copy()
    #expect(try RunJournal.open(folder: copy.path).rows == [second])
  }

  @Test("A rewritten journal holds the rows it was given and what came after")
  func replacement() async throws {
    let (journal, _) = try RunJournal.open(folder: folder.path)
    let kept = run("a", .running(hasStarted: false))
    let dropped = run("b", .running(hasStarted: false))
    let later = run("c", .running(hasStarted: false))
    _ = journal.append([(dropped.reference, dropped)])
    _ = journal.replace(with: [kept])
    try await journal.wait(for: journal.append([(later.reference, later)]))
    let copy = try folder.copy()
    #expect(try RunJournal.open(folder: copy.path).rows == [kept, later])
  }

  @Test("A line that was cut off by a crash is dropped; one in the middle is refused")
  func damage() async throws {
    let (journal, _) = try RunJournal.open(folder: folder.path)
    let row = run("a", .running(hasStarted: false))
    try await journal.wait(for: journal.append([(row.reference, row)]))
    let torn = try folder.copy()
    try torn.append(#"{"key":"b","att"#)
    #expect(try RunJournal.open(folder: torn.path).rows == [row])
    let broken = try folder.copy()
    try broken.append("{\"key\":\"b\",\"att\n")
    let error = #expect(throws: AdapterError.self) { try RunJournal.open(folder: broken.path) }
    #expect(error?.message.contains("line 3") == true)
  }

  @Test("Two processes do not share a folder")
  func lock() throws {
    let (journal, _) = try RunJournal.open(folder: folder.path)
    let error = #expect(throws: AdapterError.self) { try RunJournal.open(folder: folder.path) }
    #expect(error?.code == .dataUnusable)
    withExtendedLifetime(journal) {}
  }

  @Test("Epochs rise, also where the clock was set back")
  func epochs() throws {
    let first = try RunJournal.open(folder: folder.path).journal.epoch
    let second = try RunJournal.open(folder: folder.path).journal.epoch
    #expect(second > first)
    #expect(RunJournal.nextEpoch(after: "0009999999999999") == "0010000000000000")
  }

  @Test("A journal that cannot be written fails whoever waits, from then on")
  func failure() async throws {
    let (journal, _) = try RunJournal.open(folder: folder.path)
    try FileManager.default.removeItem(atPath: folder.path)
    let ticket = journal.replace(with: [])
    await #expect(throws: AdapterError.self) { try await journal.wait(for: ticket) }
    let row = run("a", .running(hasStarted: false))
    let later = journal.append([(row.reference, row)])
    await #expect(throws: AdapterError.self) { try await journal.wait(for: later) }
  }
}

/// A folder that is removed with its last user.
final class TemporaryFolder: Sendable {
  let path: String

  init() {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("baton-adapter-\(UUID().uuidString)").path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// As another machine would find it after a crash.
  func copy() throws -> TemporaryFolder {
    let copy = TemporaryFolder()
    try FileManager.default.copyItem(atPath: path, toPath: copy.path)
    return copy
  }

  func append(_ text: String) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/runs.journal"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }
}
