public import Plan

/// What a store must hold of one plan, kept by the suite itself.
public struct PlanModel: Sendable, Equatable {
  public let planID: PlanID
  public private(set) var creation: PlanCreation
  public private(set) var row: PlanRow
  public private(set) var tasks: [Int: TaskRow] = [:]
  public private(set) var outputs: [Int: [UInt8]] = [:]
  public private(set) var dialogs: [Int: TaskDialog] = [:]
  public private(set) var events: [TraceEvent] = []

  /// The plan that `change` makes; nil for a change that makes none.
  public init?(_ change: PlanChange) {
    guard let created = change.created else { return nil }
    planID = change.planID
    creation = created
    row = change.plan
    apply(change)
  }

  /// What follows from one more change.
  public mutating func apply(_ change: PlanChange) {
    row = change.plan
    if let amendment = change.amendment { creation.plan.amend(amendment) }
    for task in change.tasks { tasks[task.ordinal] = task }
    for output in change.outputs { outputs[output.ordinal] = output.json }
    for dialog in change.dialogs { dialogs[dialog.ordinal] = dialog }
    events += change.events
  }

  public var stored: StoredPlan {
    StoredPlan(
      planID: planID, creation: creation, plan: row,
      tasks: tasks.values.sorted { $0.ordinal < $1.ordinal })
  }

  /// A change that makes a plan.
  public static func creation(
    of id: PlanID, _ creation: PlanCreation, eventCount: Int = 1, _ random: inout RandomSource
  ) -> PlanChange {
    var row = random.planRow()
    row.revision = 1
    row.lastSeq = Int64(eventCount)
    var change = PlanChange(planID: id, plan: row)
    change.created = creation
    change.events = (0..<eventCount).map { random.event(seq: Int64($0) + 1) }
    return change
  }

  /// A change that follows: some task rows, sometimes an output, some events.
  public func nextChange(_ random: inout RandomSource) -> PlanChange {
    var next = random.planRow()
    let eventCount = Int.random(in: 0...3, using: &random)
    next.revision = row.revision + 1
    next.lastSeq = row.lastSeq + Int64(eventCount)
    var change = PlanChange(planID: planID, plan: next)
    let ordinals = creation.plan.tasks.indices.shuffled(using: &random)
      .prefix(Int.random(in: 0...3, using: &random))
    change.tasks = ordinals.map { random.taskRow(ordinal: $0) }
    for ordinal in ordinals where outputs[ordinal] == nil && random.oneIn(2) {
      change.outputs.append(TaskOutput(ordinal: ordinal, json: random.json()))
    }
    for ordinal in ordinals where random.oneIn(3) {
      change.dialogs.append(random.dialog(ordinal: ordinal))
    }
    change.events = (0..<eventCount).map { random.event(seq: row.lastSeq + Int64($0) + 1) }
    if random.oneIn(4) { change.amendment = random.amendment() }
    return change
  }
}
