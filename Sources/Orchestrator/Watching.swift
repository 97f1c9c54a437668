internal import Engine
public import Plan
internal import Store

/// Where a watcher stands.
public struct WatchCursor: Sendable, Equatable {
  /// `seq` of the next event.
  public var seq: Int64
  /// Number of the next progress note; nil: no progress is wanted.
  public var progress: Int64?
  /// Progress from now on.
  public static let live: Int64 = -1

  public init(seq: Int64, progress: Int64? = nil) {
    self.seq = max(1, seq)
    self.progress = progress
  }
}

/// What a watcher is given at one time.
public struct WatchBatch: Sendable, Equatable {
  public var events: [TraceEvent] = []
  public var progress: [ProgressNote] = []
  /// Where to go on.
  public var next: WatchCursor
  /// The plan has ended and everything has been given.
  public var isEnd = false
}

/// Somebody who waits for what comes next. A cursor, not a queue: a slow one costs nothing.
struct Watcher {
  var cursor: WatchCursor
  var reply: (Result<WatchBatch, OrchestratorError>) -> Void
}

extension Shard {
  /// Most events and bytes of one batch.
  static let batchEvents = 500
  static let batchBytes = 1 << 20
  private static let keptProgress = 256
  /// How long after the last look progress is still kept, in milliseconds.
  private static let progressInterest: Int64 = 60_000

  /// Answers what is there after the cursor, or as soon as something is. Answers the number under
  /// which a waiting watcher can be taken back.
  func watch(
    _ id: PlanID, _ cursor: WatchCursor,
    _ reply: @escaping (Result<WatchBatch, OrchestratorError>) -> Void
  ) -> UInt64? {
    guard !isStopping else {
      reply(.failure(.stopping))
      return nil
    }
    guard let entry = plans[id] else {
      reply(history(id, cursor))
      return nil
    }
    var cursor = cursor
    if let progress = cursor.progress {
      entry.progressWantedUntil = now + Self.progressInterest
      cursor.progress = max(
        progress < 0 ? entry.progressStart + Int64(entry.progress.count) : progress,
        entry.progressStart)
    }
    if let batch = available(entry, cursor) {
      reply(batch)
      return nil
    }
    nextWatcher += 1
    entry.watchers[nextWatcher] = Watcher(cursor: cursor, reply: reply)
    return nextWatcher
  }

  func unwatch(_ id: PlanID, _ number: UInt64) {
    let error = OrchestratorError(.cancelled, "the watcher went away")
    plans[id]?.watchers.removeValue(forKey: number)?.reply(.failure(error))
  }

  func endWatching() {
    isStopping = true
    for id in plans.keys.sorted() {
      guard let entry = plans[id] else { continue }
      for number in entry.watchers.keys.sorted() {
        entry.watchers[number]?.reply(.failure(.stopping))
      }
      entry.watchers = [:]
    }
  }

  func notifyWatchers(_ entry: PlanEntry) {
    for number in entry.watchers.keys.sorted() {
      guard let watcher = entry.watchers[number] else { continue }
      if watcher.cursor.progress != nil {
        entry.progressWantedUntil = now + Self.progressInterest
      }
      guard let batch = available(entry, watcher.cursor) else { continue }
      entry.watchers[number] = nil
      watcher.reply(batch)
    }
  }

  /// Keeps a progress note for those who watch now.
  func publish(_ note: ProgressNote, _ entry: PlanEntry) {
    guard entry.progressWantedUntil > now else {
      entry.progressStart += Int64(entry.progress.count) + 1
      entry.progress = []
      return
    }
    entry.progress.append(note)
    if entry.progress.count > 2 * Self.keptProgress {
      let surplus = entry.progress.count - Self.keptProgress
      entry.progress.removeFirst(surplus)
      entry.progressStart += Int64(surplus)
    }
    notifyWatchers(entry)
  }

  /// What is there for a cursor; nil: nothing yet.
  private func available(
    _ entry: PlanEntry, _ cursor: WatchCursor
  ) -> Result<WatchBatch, OrchestratorError>? {
    var batch = WatchBatch(next: cursor)
    if cursor.seq <= entry.committedSeq {
      let first = entry.events.first?.seq ?? entry.committedSeq + 1
      guard cursor.seq >= first else { return history(entry.id, cursor) }
      let end = entry.events.firstIndex { $0.seq > entry.committedSeq } ?? entry.events.endIndex
      batch.events = Array(
        entry.events[Int(cursor.seq - first)..<end].prefix(Self.batchEvents))
      batch.next.seq += Int64(batch.events.count)
    }
    if let from = cursor.progress {
      batch.progress = Array(entry.progress.dropFirst(Int(from - entry.progressStart)))
      batch.next.progress = entry.progressStart + Int64(entry.progress.count)
    }
    // A plan in memory has ended only while its last commit is being acted on.
    batch.isEnd = entry.hasEnded && batch.next.seq > entry.committedSeq
    guard !batch.events.isEmpty || !batch.progress.isEmpty || batch.isEnd else { return nil }
    return .success(batch)
  }

  /// Events that are in the store only.
  private func history(
    _ id: PlanID, _ cursor: WatchCursor
  ) -> Result<WatchBatch, OrchestratorError> {
    do throws(StoreError) {
      let live = plans[id]
      let stored = live == nil ? try stored(id)?.plan : nil
      guard let lastSeq = live?.committedSeq ?? stored?.lastSeq else {
        return .failure(.planNotFound(id))
      }
      let hasEnded = live?.hasEnded ?? (stored?.finishedAt != nil)
      var batch = WatchBatch(next: cursor)
      batch.events = try store.events(
        id, from: cursor.seq, maxCount: Self.batchEvents, maxBytes: Self.batchBytes)
      batch.next.seq += Int64(batch.events.count)
      batch.isEnd = hasEnded && batch.next.seq > lastSeq
      guard batch.isEnd || !batch.events.isEmpty || plans[id] != nil else {
        return .failure(.reloading(id))
      }
      return .success(batch)
    } catch {
      return .failure(.store(error))
    }
  }
}

extension OrchestratorError {
  static func store(_ error: StoreError) -> OrchestratorError {
    OrchestratorError(.storeUnavailable, "the store did not answer: \(error)")
  }
}
