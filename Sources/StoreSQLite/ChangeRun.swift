internal import Plan
internal import Store

/// Successive transitions of one plan within a group, written as one: the plan's row once, of each
/// task the last row, the events in one row. A wide plan has dozens of transitions in a group.
struct ChangeRun {
  /// Everything together, with the plan's row as the last transition leaves it.
  private(set) var change: PlanChange
  /// Revision that must be stored; 0 where the plan is made.
  let storedRevision: Int64
  private var places: [Int: Int] = [:]

  /// Events of one row of the trace; a page of them is decoded as a whole.
  private static let eventsMax = 256

  private init(_ change: PlanChange) {
    self.change = change
    storedRevision = change.plan.revision - 1
    for (place, task) in change.tasks.enumerated() { places[task.ordinal] = place }
  }

  /// The group in its order, what can be written together put where its first change stands.
  static func runs(of group: [PlanChange]) -> [ChangeRun] {
    guard group.count > 1 else { return group.map { ChangeRun($0) } }
    var runs: [ChangeRun] = []
    runs.reserveCapacity(group.count)
    var latest: [PlanID: Int] = [:]
    for change in group {
      if let index = latest[change.planID], runs[index].isFollowed(by: change) {
        runs[index].append(change)
      } else {
        latest[change.planID] = runs.count
        runs.append(ChangeRun(change))
      }
    }
    return runs
  }

  /// Whether `next` can be written together with this. What does not follow is left to itself, to be
  /// refused.
  private func isFollowed(by next: PlanChange) -> Bool {
    next.created == nil && next.amendment == nil && change.amendment == nil
      && isSamePeriod(next.spending)
      && next.plan.revision == change.plan.revision + 1
      && next.firstSeq == change.plan.lastSeq + 1
      && change.events.count + next.events.count <= Self.eventsMax
  }

  private func isSamePeriod(_ next: NamespaceSpending?) -> Bool {
    guard let next, let spending = change.spending else { return true }
    return next.namespace == spending.namespace && next.periodStart == spending.periodStart
  }

  private mutating func append(_ next: PlanChange) {
    change.plan = next.plan
    change.outputs += next.outputs
    change.dialogs += next.dialogs
    change.events += next.events
    if let spending = next.spending {
      if change.spending?.add(tokens: spending.tokens, tasks: spending.tasks) == nil {
        change.spending = spending
      }
    }
    for task in next.tasks {
      if let place = places[task.ordinal] {
        change.tasks[place] = task
      } else {
        places[task.ordinal] = change.tasks.count
        change.tasks.append(task)
      }
    }
  }
}
