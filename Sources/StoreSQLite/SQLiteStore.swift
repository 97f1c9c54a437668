internal import NIOConcurrencyHelpers
public import Plan
public import Store

/// Keeps plans in one SQLite file (SQLite 3.37 or later), in WAL mode with `synchronous=FULL`.
///
/// Two connections: one writes and reads what goes with writing, the other lists plans and reads
/// events while the first commits. A lock file beside the database keeps other processes out.
public final class SQLiteStore: PlanStore {
  /// Nil once closed.
  private let writing: NIOLockedValueBox<WritingSide?>
  private let reading: NIOLockedValueBox<PlanLister?>

  /// Opens the file at `path`, and makes it if it is not there; its folder must be.
  ///
  /// Throws `.unusable` where the file is in use by another server, is not ours, has a newer schema
  /// or cannot be opened.
  public init(path: String) throws(StoreError) {
    let path = try FileLock.resolve(path)
    writing = NIOLockedValueBox(try WritingSide(path: path))
    reading = NIOLockedValueBox(try PlanLister(path: path))
  }

  public var name: String { "sqlite" }
  public var isDurable: Bool { true }

  public func commit(_ group: [PlanChange]) throws(StoreError) {
    guard !group.isEmpty else { return }
    for change in group { try change.checkShape() }
    try write { side throws(StoreError) in
      try side.writer.write(group)
      side.checkpointIfLarge { checkpoint in reading.withLockedValue { _ in checkpoint() } }
    }
  }

  public func load(_ id: PlanID) throws(StoreError) -> StoredPlan? {
    try write { side throws(StoreError) in try side.reader.load(id) }
  }

  public func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch? {
    try write { side throws(StoreError) in
      try side.reader.find(namespace: namespace, requestKey: requestKey)
    }
  }

  public func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID] {
    try write { side throws(StoreError) in
      try side.reader.unfinished(after: id, limit: limit)
    }
  }

  public func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput] {
    try write { side throws(StoreError) in try side.reader.outputs(id, ordinals: ordinals) }
  }

  public func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending? {
    try write { side throws(StoreError) in
      try side.reader.spending(namespace: namespace, periodStart: periodStart)
    }
  }

  public func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog] {
    try write { side throws(StoreError) in try side.reader.dialogs(id, ordinals: ordinals) }
  }

  public func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent] {
    try read { lister throws(StoreError) in
      try lister.events(id, from: seq, maxCount: maxCount, maxBytes: maxBytes)
    }
  }

  public func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary] {
    try read { lister throws(StoreError) in
      try lister.list(filter, before: before, limit: limit)
    }
  }

  /// Moves the WAL into the database and lets go of the file.
  public func close() {
    reading.withLockedValue { $0 = nil }
    writing.withLockedValue { side in
      side?.finish()
      side = nil
    }
  }

  /// Size and state of the WAL, for metrics; nil once closed.
  public var walStatus: WALStatus? { writing.withLockedValue { $0?.walStatus } }

  private func write<Value: Sendable>(
    _ body: (WritingSide) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try writing.withLockedValue { side in
      Result { () throws(StoreError) in
        guard let side else { throw StoreError(.unusable, "the store is closed") }
        return try body(side)
      }
    }.get()
  }

  private func read<Value: Sendable>(
    _ body: (PlanLister) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    try reading.withLockedValue { lister in
      Result { () throws(StoreError) in
        guard let lister else { throw StoreError(.unusable, "the store is closed") }
        return try body(lister)
      }
    }.get()
  }
}

/// The write-ahead log of a SQLite store.
public struct WALStatus: Sendable, Equatable {
  /// Pages of 4 KiB that the last commit left in it.
  public var pageCount: Int
  /// Why it could not be copied into the database when it was due; nil: it could.
  public var checkpointFailure: String?
}
