internal import Plan

/// What the memory store holds.
///
/// A group is checked whole before the first change is applied in place: copying a plan to be able
/// to go back would make a transition cost as much as the plan has tasks.
struct MemoryContents {
  struct MemoryPlan {
    var creation: PlanCreation
    var row: PlanRow
    var tasks: [Int: TaskRow] = [:]
    var outputs: [Int: [UInt8]] = [:]
    var dialogs: [Int: TaskDialog] = [:]
    /// The event with `seq` n is at n - 1.
    var events: [TraceEvent] = []
  }

  private(set) var plans: [PlanID: MemoryPlan] = [:]
  private(set) var requestKeys: [RequestKey: PlanID] = [:]
  private(set) var spendings: [SpendingKey: NamespaceSpending] = [:]
  /// All ids, ascending.
  private(set) var order: [PlanID] = []

  /// Throws unless every change of the group follows from what is stored and those before it.
  func check(_ group: [PlanChange]) throws(StoreError) {
    var ahead = Ahead()
    for change in group {
      let stored =
        ahead.plans[change.planID]
        ?? plans[change.planID].map { ($0.row.revision, $0.row.lastSeq) }
      if let creation = change.created {
        guard stored == nil else { throw change.conflict(takenRequestKey: nil) }
        try check(creation, change, &ahead)
      } else {
        guard let stored, stored.revision == change.plan.revision - 1 else {
          throw change.conflict(storedRevision: stored?.revision)
        }
        guard stored.lastSeq == change.firstSeq - 1 else {
          throw change.invalid("its events do not follow \(stored.lastSeq)")
        }
      }
      for output in change.outputs {
        let isNew = ahead.outputs.insert(OutputKey(change.planID, output.ordinal)).inserted
        guard isNew, plans[change.planID]?.outputs[output.ordinal] == nil else {
          throw change.invalid("task \(output.ordinal) has an output already")
        }
      }
      ahead.plans[change.planID] = (change.plan.revision, change.plan.lastSeq)
    }
  }

  /// What the changes of a group that were checked will have made.
  private struct Ahead {
    var plans: [PlanID: (revision: Int64, lastSeq: Int64)] = [:]
    var requestKeys: Set<RequestKey> = []
    var outputs: Set<OutputKey> = []
  }

  private struct OutputKey: Hashable {
    let planID: PlanID
    let ordinal: Int

    init(_ planID: PlanID, _ ordinal: Int) {
      self.planID = planID
      self.ordinal = ordinal
    }
  }

  private func check(
    _ creation: PlanCreation, _ change: PlanChange, _ ahead: inout Ahead
  ) throws(StoreError) {
    guard let text = creation.requestKey else { return }
    let key = RequestKey(creation.namespace, text)
    guard requestKeys[key] == nil, ahead.requestKeys.insert(key).inserted else {
      throw change.conflict(takenRequestKey: text)
    }
  }

  /// Applies a change that `check` has passed.
  mutating func apply(_ change: PlanChange) {
    let id = change.planID
    if let creation = change.created {
      plans[id] = MemoryPlan(creation: creation, row: change.plan)
      order.insert(id, at: position(after: id))
      if let key = creation.requestKey {
        requestKeys[RequestKey(creation.namespace, key)] = id
      }
    }
    plans[id]?.row = change.plan
    if let amendment = change.amendment { plans[id]?.creation.plan.amend(amendment) }
    for task in change.tasks { plans[id]?.tasks[task.ordinal] = task }
    for output in change.outputs { plans[id]?.outputs[output.ordinal] = output.json }
    for dialog in change.dialogs { plans[id]?.dialogs[dialog.ordinal] = dialog }
    plans[id]?.events.append(contentsOf: change.events)
    if let spending = change.spending {
      let key = SpendingKey(spending.namespace, spending.periodStart)
      if spendings[key]?.add(tokens: spending.tokens, tasks: spending.tasks) == nil {
        spendings[key] = spending
      }
    }
  }

  /// Place of the first id above `id` in `order`.
  func position(after id: PlanID) -> Int {
    var (low, high) = (0, order.count)
    // Ids sort by the time they were made: a new one nearly always goes to the end.
    if let last = order.last, last <= id { return high }
    while low < high {
      let middle = (low + high) / 2
      if order[middle] <= id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Plans that are not final, ascending, after `id`.
  func unfinished(after id: PlanID?, limit: Int) -> [PlanID] {
    let start = id.map { position(after: $0) } ?? 0
    let open = order[start...].lazy.filter { plans[$0].map { $0.row.finishedAt == nil } ?? false }
    return Array(open.prefix(max(0, limit)))
  }

  /// Plans newest first, older than `before`.
  func summaries(before: PlanID?, limit: Int) -> [PlanSummary] {
    var end = order.count
    if let before {
      end = position(after: before)
      if end > 0, order[end - 1] == before { end -= 1 }
    }
    return order[max(0, end - limit)..<end].reversed().compactMap { id in
      plans[id].map { plan in
        PlanSummary(
          planID: id, namespace: plan.creation.namespace, name: plan.creation.plan.name,
          owner: plan.creation.plan.owner, labels: plan.creation.plan.labels,
          taskCount: plan.creation.plan.tasks.count, parent: plan.creation.parent,
          plan: plan.row)
      }
    }
  }
}
