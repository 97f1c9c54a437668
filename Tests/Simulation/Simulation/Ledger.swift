import Engine
import Orchestrator
import Plan
import Store

/// What the store has committed, as the simulation itself has seen it: the truth that everything is
/// compared with.
final class Ledger {
  unowned var world: World!
  let options: OrchestratorOptions
  private(set) var plans: [PlanID: LedgerPlan] = [:]
  /// In the order in which they were made.
  private(set) var order: [LedgerPlan] = []
  /// By request key.
  private(set) var keys: [String: PlanID] = [:]
  private(set) var transitions: Set<Transition> = []
  /// Plans whose submission was answered with OK.
  private(set) var acknowledged: Set<PlanID> = []
  /// Two owners have been at work: limits are each one's own.
  var hadRival = false
  private var inFlight = 0
  private var byAdapter: [String: Int] = [:]
  private var byInstance: [String: Int] = [:]

  init(options: OrchestratorOptions) { self.options = options }

  subscript(_ id: PlanID) -> LedgerPlan? { plans[id] }

  func acknowledge(_ id: PlanID) { acknowledged.insert(id) }

  var isDone: Bool { order.allSatisfy { $0.row.finishedAt != nil } }

  var unfinished: [String] {
    order.filter { $0.row.finishedAt == nil }.map { plan in
      let tasks = plan.tasks.indices.map { "\($0):\(plan.status($0).rawValue)" }
      return "plan \(plan.number) \(plan.row.status): \(tasks.joined(separator: " "))"
    }
  }

  // MARK: Commits

  /// Checks and writes down what a store has made durable.
  func commit(_ group: [PlanChange]) {
    for change in group {
      let plan: LedgerPlan
      if let creation = change.created {
        guard let blueprint = world.scripts.blueprint(change.planID) else {
          world.violate(.durable, "plan \(change.planID) was never submitted")
          return
        }
        plan = LedgerPlan(change.planID, creation, blueprint, number: order.count, world)
        plans[change.planID] = plan
        order.append(plan)
        if let key = creation.requestKey { keys[key] = change.planID }
      } else if let known = plans[change.planID] {
        plan = known
      } else {
        world.violate(.sequence, "a change of plan \(change.planID), which was never made")
        return
      }
      CommitCheck(world: world, plan: plan, change: change).run()
      apply(change, to: plan)
      note(change, plan)
    }
    checkLimits(group)
  }

  /// Whether another owner has been faster with a plan of the group; a single one agrees with its
  /// store.
  func hasOther(than process: OrchestratorProcess, committed group: [PlanChange]) -> Bool {
    group.contains { change in
      let key = change.created?.requestKey.flatMap { keys[$0] }
      return [change.planID, key].contains { id in
        guard let plan = id.flatMap({ plans[$0] }) else { return false }
        return plan.isNews(to: process)
      }
    }
  }

  private func apply(_ change: PlanChange, to plan: LedgerPlan) {
    plan.committer = world.committing?.number ?? 0
    plan.committedAt = world.now
    for row in change.tasks { count(plan.tasks[row.ordinal], -1) }
    plan.apply(change, world)
    for row in change.tasks { count(plan.tasks[row.ordinal], 1) }
  }

  private func count(_ row: TaskRow, _ sign: Int) {
    guard row.status.isOut else { return }
    inFlight += sign
    byAdapter[row.adapter, default: 0] += sign
    byInstance[row.instance, default: 0] += sign
  }

  func add(_ transition: Transition) {
    guard transitions.insert(transition).inserted else { return }
    world.require(Transition.legal.contains(transition), .transitions, "\(transition)")
  }

  private func note(_ change: PlanChange, _ plan: LedgerPlan) {
    for event in change.events {
      world.note(
        "  plan \(plan.number) \(event.seq) \(event.kind.rawValue) \(event.taskID) "
          + "\(event.attempt)/\(event.delivery) \(event.instance) \(event.code)",
        plan.number, Int(event.seq), event.kind.rawValue.utf8.count)
    }
  }

  /// After a group: what it gave back counts, wherever in the group it stands.
  private func checkLimits(_ group: [PlanChange]) {
    guard !hadRival, group.contains(where: { $0.events.contains(where: \.isHandOut) }) else {
      return
    }
    let places = options.places
    world.require(
      inFlight <= places.inFlight, .limits, "\(inFlight) of \(places.inFlight) in flight")
    for (adapter, limit) in places.perAdapter {
      let count = byAdapter[adapter] ?? 0
      world.require(count <= limit, .limits, "\(count) of \(limit) at adapter \(adapter)")
    }
    for adapter in world.adapters {
      let count = byInstance[adapter.instance] ?? 0
      world.require(
        count <= adapter.maxConcurrency, .limits,
        "\(count) of \(adapter.maxConcurrency) at \(adapter.instance)")
    }
    for change in group {
      guard let plan = plans[change.planID] else { continue }
      let count = plan.tasks.count { $0.status.isOut }
      let limit = Int(plan.blueprint.compiled.maxParallel)
      world.require(count <= limit, .limits, "\(count) of \(limit) of plan \(plan.number)")
    }
  }

  // MARK: The end

  /// Over how the plans ended, whatever happened on the way.
  func finalHash() -> UInt64 {
    var trace = Trace(isKept: false)
    for plan in order {
      trace.add(Int64(plan.number), plan.events.count, Int(plan.row.revision), plan.tasks.count) {
        ""
      }
      trace.add(plan.row.status.hash, Int(plan.row.outputBytes), 0, 0) { "" }
      for row in plan.tasks {
        trace.add(
          plan.status(row.ordinal).hash, Int(row.attempt), Int(row.delivery), Int(row.token)
        ) { "" }
      }
    }
    return trace.hash
  }

  func tearDown() {
    plans = [:]
    order = []
  }
}

extension RawRepresentable where RawValue == String {
  /// The same in every process.
  var hash: Int64 { rawValue.utf8.reduce(7) { ($0 &* 31) &+ Int64($1) } }
}

extension TraceEvent {
  /// A new token comes with it.
  var raisesToken: Bool { isHandOut || kind == .taskWaitingInput }

  var isHandOut: Bool {
    kind == .taskDispatched || kind == .taskRedelivered || kind == .taskResumed
  }
}
