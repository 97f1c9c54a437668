internal import Dispatch
internal import Foundation
internal import NIOConcurrencyHelpers

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The table of runs as a file: one JSON line per changed row, appended and synchronized before
/// anything is answered. What is appended while one write is under way goes into the next.
final class RunJournal: Sendable {
  /// Where one write stands among all writes.
  struct Ticket: Sendable {
    fileprivate let number: Int
  }

  private struct State {
    var pending: [UInt8] = []
    /// Takes the place of the whole file; `pending` follows it.
    var replacement: [UInt8]?
    var given = 0
    var durable = 0
    var waiting: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
    var isWriting = false
    var failure: AdapterError?
    var bytesWritten = 0
    var bytesAtReplacement = 0
  }

  /// This start's; sorts after those of every earlier start as text.
  let epoch: String
  private let path: String
  /// Held until `close`.
  private let lock: NIOLockedValueBox<JournalFile?>
  private let file: NIOLockedValueBox<JournalFile>
  private let state = NIOLockedValueBox(State())
  private let queue = DispatchQueue(label: "baton.adapter.journal")
  /// Below this a journal is not worth rewriting.
  private static let bytesBeforeReplacement = 16 << 20

  /// Opens the journal of a folder, made where it does not exist, and answers the rows of the
  /// process before.
  static func open(folder: String) throws(AdapterError) -> (journal: RunJournal, rows: [Run]) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw AdapterError(.dataUnusable, "\(folder) cannot be made", cause: "\(error)")
    }
    // Two processes with one table would run a task twice.
    let lock = try JournalFile(path: folder + "/lock", flags: O_RDWR | O_CREAT)
    try lock.holdForThisProcess()
    let path = folder + "/runs.journal"
    let (rows, lastEpoch) = try read(path)
    let epoch = nextEpoch(after: lastEpoch)
    var bytes: [UInt8] = []
    RunRecord.epoch(epoch).append(to: &bytes)
    for row in rows { RunRecord.row(row).append(to: &bytes) }
    let file = try JournalFile.replace(path, with: bytes)
    return (RunJournal(epoch: epoch, path: path, lock: lock, file: file, bytes.count), rows)
  }

  private init(
    epoch: String, path: String, lock: JournalFile, file: JournalFile, _ byteCount: Int
  ) {
    self.epoch = epoch
    self.path = path
    self.lock = NIOLockedValueBox(lock)
    self.file = NIOLockedValueBox(file)
    state.withLockedValue { state in
      state.bytesWritten = byteCount
      state.bytesAtReplacement = byteCount
    }
  }

  /// Sorts after `last` as text, also where the clock was set back.
  static func nextEpoch(after last: String?) -> String {
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    let epoch = max(now, (last.flatMap { Int64($0) } ?? 0) + 1)
    let digits = String(epoch)
    return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
  }

  private static func read(_ path: String) throws(AdapterError) -> ([Run], epoch: String?) {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      guard !FileManager.default.fileExists(atPath: path) else {
        throw AdapterError(.dataUnusable, "\(path) cannot be read")
      }
      return ([], nil)
    }
    var rows: [RunReference: Run] = [:]
    var epoch: String?
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    // What follows the last line feed is a write that was cut off before anyone was answered.
    for (number, line) in lines.dropLast().enumerated() {
      switch RunRecord(line: line) {
      case .epoch(let text): epoch = text
      case .row(let run): rows[run.reference] = run
      case .gone(let reference): rows[reference] = nil
      case nil:
        throw AdapterError(
          .dataUnusable,
          "\(path): line \(number + 1) is no record of a run; "
            + "move the file away to start without its runs")
      }
    }
    return (rows.values.sorted { $0.reference < $1.reference }, epoch)
  }

  // MARK: Writing

  /// Takes changes, in order with all others. They are durable once `wait` returns for the ticket.
  func append(_ changes: [(reference: RunReference, run: Run?)]) -> Ticket {
    var bytes: [UInt8] = []
    for (reference, run) in changes {
      (run.map { .row($0) } ?? RunRecord.gone(reference)).append(to: &bytes)
    }
    return give(hasChanges: !bytes.isEmpty) { $0.pending += bytes }
  }

  /// Whether most of the file tells of rows that have changed since.
  var isWorthReplacing: Bool {
    state.withLockedValue {
      $0.bytesWritten > max(Self.bytesBeforeReplacement, 4 * $0.bytesAtReplacement)
    }
  }

  /// Replaces the file by one that holds these rows alone: all that there are.
  func replace(with rows: some Sequence<Run>) -> Ticket {
    var bytes: [UInt8] = []
    RunRecord.epoch(epoch).append(to: &bytes)
    for row in rows { RunRecord.row(row).append(to: &bytes) }
    return give(hasChanges: true) { state in
      state.replacement = bytes
      state.pending = []
    }
  }

  private func give(hasChanges: Bool, _ change: (inout State) -> Void) -> Ticket {
    let (ticket, starts) = state.withLockedValue { state in
      guard hasChanges, state.failure == nil else { return (state.given, false) }
      change(&state)
      state.given += 1
      let starts = !state.isWriting
      state.isWriting = true
      return (state.given, starts)
    }
    if starts { queue.async { self.write() } }
    return Ticket(number: ticket)
  }

  /// Returns once everything up to `ticket` is durable. Throws `AdapterError` once a write has
  /// failed: from then on memory and disk differ, and only a new start brings them together.
  func wait(for ticket: Ticket) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let outcome = state.withLockedValue { state -> Result<Void, any Error>? in
        if state.durable >= ticket.number { return .success(()) }
        if let failure = state.failure { return .failure(failure) }
        state.waiting.append((ticket.number, continuation))
        return nil
      }
      if let outcome { continuation.resume(with: outcome) }
    }
  }

  /// Returns once everything is durable; takes nothing more and lets another process in.
  func close() async {
    await withCheckedContinuation { continuation in
      queue.async {
        self.failed(AdapterError(.dataUnusable, "the journal \(self.path) is closed"))
        self.lock.withLockedValue { $0 = nil }
        continuation.resume()
      }
    }
  }

  private func write() {
    while let (replacement, bytes, number) = takeWork() {
      do throws(AdapterError) {
        try file.withLockedValue { file in
          Result { () throws(AdapterError) in
            if let replacement {
              file = try JournalFile.replace(path, with: replacement + bytes)
            } else {
              try file.append(bytes)
            }
          }
        }.get()
        wrote(bytes.count, replaced: replacement?.count, number)
      } catch {
        failed(error)
      }
    }
  }

  private func takeWork() -> (replacement: [UInt8]?, bytes: [UInt8], number: Int)? {
    state.withLockedValue { state in
      guard state.durable < state.given, state.failure == nil else {
        state.isWriting = false
        return nil
      }
      defer {
        state.pending = []
        state.replacement = nil
      }
      return (state.replacement, state.pending, state.given)
    }
  }

  private func wrote(_ byteCount: Int, replaced: Int?, _ number: Int) {
    let done = state.withLockedValue { state in
      if let replaced {
        state.bytesAtReplacement = replaced
        state.bytesWritten = replaced
      }
      state.bytesWritten += byteCount
      state.durable = number
      let done = state.waiting.filter { $0.number <= number }
      state.waiting.removeAll { $0.number <= number }
      return done
    }
    for waiter in done { waiter.continuation.resume() }
  }

  private func failed(_ error: AdapterError) {
    let waiting = state.withLockedValue { state in
      state.failure = state.failure ?? error
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.continuation.resume(throwing: error) }
  }
}
