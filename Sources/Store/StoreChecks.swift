public import Plan

// What every store means by the same words: how a change must follow from what is stored, what a
// filter matches, how large an event counts. Shared, so that stores cannot differ in it.

extension PlanChange {
  /// Refuses a change that contradicts itself; a store need not look at what it holds for that.
  public func checkShape() throws(StoreError) {
    guard (created != nil) == (plan.revision == 1), plan.revision >= 1 else {
      throw invalid("a plan is made by revision 1 and by no other, not by \(plan.revision)")
    }
    var seq = plan.lastSeq - Int64(events.count)
    for event in events {
      seq += 1
      guard event.seq == seq else {
        throw invalid("event \(event.seq) stands where \(seq) belongs")
      }
    }
    guard seq == plan.lastSeq, firstSeq >= 1 else {
      throw invalid("its events do not end at \(plan.lastSeq)")
    }
    guard created == nil || firstSeq == 1 else { throw invalid("its first event is not 1") }
  }

  /// `seq` of the first event of the change, or of the next where it has none.
  public var firstSeq: Int64 { plan.lastSeq - Int64(events.count) + 1 }

  /// The error for a stored plan that `change` does not follow from; nil `revision`: there is none.
  public func conflict(storedRevision revision: Int64?) -> StoreError {
    let stored = revision.map { "is stored at revision \($0)" } ?? "is not stored"
    return StoreError(
      .conflict, "plan \(planID) \(stored); the change makes revision \(plan.revision)")
  }

  /// The error for a creation whose id or request key is taken.
  public func conflict(takenRequestKey key: String?) -> StoreError {
    let what = key.map { "the request key \"\($0)\" is taken" } ?? "its id is taken"
    return StoreError(.conflict, "plan \(planID) cannot be made: \(what)")
  }

  /// The error for a change that no stored state could take.
  public func invalid(_ why: String) -> StoreError {
    StoreError(.invalid, "the change to plan \(planID) contradicts itself: \(why)")
  }
}

extension PlanFilter {
  /// Whether a plan belongs into the list. Texts are compared byte by byte.
  public func matches(_ summary: PlanSummary) -> Bool {
    guard statuses.isEmpty || statuses.contains(summary.plan.status) else { return false }
    guard namespace.isEmpty || namespace.hasSameBytes(as: summary.namespace) else { return false }
    guard owner.isEmpty || owner.hasSameBytes(as: summary.owner) else { return false }
    guard namePrefix.isEmpty || summary.name.utf8.starts(with: namePrefix.utf8) else {
      return false
    }
    if let parent, summary.parent?.planID != parent { return false }
    if let createdAfter, summary.plan.createdAt <= createdAfter { return false }
    if let createdBefore, summary.plan.createdAt >= createdBefore { return false }
    return labels.allSatisfy { key, value in
      summary.labels.contains { $0.key.hasSameBytes(as: key) && $0.value.hasSameBytes(as: value) }
    }
  }
}

extension String {
  /// Whether the UTF-8 is the same. `==` also takes canonically equivalent texts for equal, which
  /// databases do not.
  func hasSameBytes(as other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension TraceEvent {
  /// What the event counts for in a page that is limited in bytes: its texts and 128 bytes for the
  /// rest, which no encoding of ours exceeds.
  public var byteCount: Int {
    128 + (relatedPlanID == nil ? 0 : 48) + taskID.utf8.count + adapter.utf8.count
      + instance.utf8.count + code.utf8.count + message.utf8.count
  }
}

/// Collects a page of events: at most `maxCount` and, after the first, `maxBytes`.
public struct EventPage {
  public private(set) var events: [TraceEvent] = []
  /// Nothing more fits.
  public private(set) var isFull: Bool
  private let maxCount: Int
  private var bytesLeft: Int

  public init(maxCount: Int, maxBytes: Int) {
    self.maxCount = maxCount
    bytesLeft = maxBytes
    isFull = maxCount <= 0
  }

  /// Adds the event if it fits; the page is full from the first that does not.
  public mutating func add(_ event: TraceEvent) {
    guard !isFull else { return }
    bytesLeft -= event.byteCount
    guard events.isEmpty || bytesLeft >= 0 else {
      isFull = true
      return
    }
    events.append(event)
    isFull = events.count >= maxCount
  }
}
