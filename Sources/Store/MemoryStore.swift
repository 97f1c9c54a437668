internal import NIOConcurrencyHelpers
public import Plan

/// Keeps plans in memory; nothing survives the process (S12).
public final class MemoryStore: PlanStore {
  private let contents = NIOLockedValueBox(MemoryContents())

  public init() {}

  public var name: String { "memory" }
  public var isDurable: Bool { false }

  public func commit(_ group: [PlanChange]) throws(StoreError) {
    for change in group { try change.checkShape() }
    try contents.withLockedValue { contents in
      Result { () throws(StoreError) in
        try contents.check(group)
        for change in group { contents.apply(change) }
      }
    }.get()
  }

  public func load(_ id: PlanID) throws(StoreError) -> StoredPlan? {
    contents.withLockedValue { contents in
      contents.plans[id].map { plan in
        StoredPlan(
          planID: id, creation: plan.creation, plan: plan.row,
          tasks: plan.tasks.values.sorted { $0.ordinal < $1.ordinal })
      }
    }
  }

  public func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch? {
    contents.withLockedValue { contents in
      guard let id = contents.requestKeys[RequestKey(namespace, requestKey)],
        let plan = contents.plans[id]
      else { return nil }
      return PlanKeyMatch(planID: id, requestDigest: plan.creation.requestDigest)
    }
  }

  public func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID] {
    contents.withLockedValue { $0.unfinished(after: id, limit: limit) }
  }

  public func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput] {
    contents.withLockedValue { contents in
      guard let plan = contents.plans[id] else { return [] }
      return ordinals.compactMap { ordinal in
        plan.outputs[ordinal].map { TaskOutput(ordinal: ordinal, json: $0) }
      }
    }
  }

  public func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog] {
    contents.withLockedValue { contents in
      ordinals.compactMap { contents.plans[id]?.dialogs[$0] }
    }
  }

  public func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent] {
    contents.withLockedValue { contents in
      guard let plan = contents.plans[id], seq <= plan.row.lastSeq else { return [] }
      var page = EventPage(maxCount: maxCount, maxBytes: maxBytes)
      var index = max(0, Int(seq - 1))
      while index < plan.events.count, !page.isFull {
        page.add(plan.events[index])
        index += 1
      }
      return page.events
    }
  }

  public func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending? {
    contents.withLockedValue { $0.spendings[SpendingKey(namespace, periodStart)] }
  }

  public func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary] {
    var found: [PlanSummary] = []
    var last = before
    // In windows, so that a long search does not hold up commits.
    var windowSize = max(0, min(limit, 1_024))
    while found.count < limit {
      let window = contents.withLockedValue { $0.summaries(before: last, limit: windowSize) }
      found += window.lazy.filter(filter.matches).prefix(limit - found.count)
      if window.count < windowSize { break }
      last = window.last?.planID
      windowSize = min(2 * windowSize, 1_024)
    }
    return found
  }

  public func close() {}
}

/// A namespace and one of its budget's periods.
struct SpendingKey: Hashable {
  let namespace: [UInt8]
  let periodStart: Int64

  init(_ namespace: String, _ periodStart: Int64) {
    self.namespace = Array(namespace.utf8)
    self.periodStart = periodStart
  }
}

/// A request key and its namespace, compared byte by byte.
struct RequestKey: Hashable {
  let namespace: [UInt8]
  let key: [UInt8]

  init(_ namespace: String, _ key: String) {
    self.namespace = Array(namespace.utf8)
    self.key = Array(key.utf8)
  }
}
