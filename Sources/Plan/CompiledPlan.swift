/// A plan that has been checked, with everything worked out that running it needs. It never changes;
/// a class, so that handing it on costs one count and not one for each part.
public final class CompiledPlan: Sendable {
  public let plan: Plan
  public let defaults: PlanDefaults
  public let graph: PlanGraph
  public let templates: [PayloadTemplate]
  public let ordinals: [String: Int]
  public let retries: [RetryPolicy]
  public let timeouts: [Timeouts]
  /// Whether some other task reads the task's output.
  public let isReferenced: [Bool]
  /// Conditions of the tasks that have one, by ordinal.
  public let conditions: [Int: Condition]
  /// Output schemas of the tasks that have one, by ordinal.
  public let schemas: [Int: OutputSchema]
  /// What the tasks with `map` run over, by ordinal.
  public let maps: [Int: CompiledMap]
  /// Their ordinals, ascending.
  public let mapped: [Int]
  /// What the tasks of type `plan` run, by ordinal.
  public let subPlans: [Int: SubPlan]
  /// Ordinals in the order in which ready tasks are handed out: priority, then place.
  public let rank: [Int]

  /// Whether something of the plan is known only when outputs are there.
  public var hasGates: Bool { !conditions.isEmpty || !maps.isEmpty }

  public var taskCount: Int { plan.tasks.count }

  public func maxDeliveries(_ ordinal: Int) -> Int32 {
    plan.tasks[ordinal].maxDeliveries ?? defaults.maxDeliveries
  }

  public var maxParallel: Int32 {
    min(plan.maxParallel ?? defaults.maxParallel, defaults.maxParallel)
  }

  /// Checks everything that is to be checked. Throws all that is wrong.
  public convenience init(
    _ plan: Plan, defaults: PlanDefaults = PlanDefaults(), limits: PlanLimits = PlanLimits()
  ) throws(PlanProblems) {
    try self.init(plan, defaults: defaults, limits: limits, depth: 0)
  }

  /// - Parameter depth: How many plans are around this one.
  init(
    _ plan: Plan, defaults: PlanDefaults, limits: PlanLimits, depth: Int
  ) throws(PlanProblems) {
    var validator = PlanValidator(limits: limits)
    validator.checkSize(plan)
    guard validator.problems.isEmpty else { throw PlanProblems(validator.problems) }
    validator.checkFields(plan)
    let ordinals = validator.checkIDs(plan)
    let graph = validator.checkGraph(plan, ordinals)
    let templates = validator.checkPayloads(plan)
    var isReferenced = Array(repeating: false, count: plan.tasks.count)
    var conditions: [Int: Condition] = [:]
    if let graph {
      validator.checkReferences(plan, ordinals, graph, templates, &isReferenced)
      conditions = validator.checkConditions(plan, ordinals, graph, &isReferenced)
    }
    var maps: [Int: CompiledMap] = [:]
    if let graph { maps = validator.checkMaps(plan, ordinals, graph, &isReferenced) }
    let schemas = validator.checkSchemas(plan)
    let subPlans = validator.checkSubPlans(plan, defaults, depth: depth)
    guard let graph, validator.problems.isEmpty else { throw PlanProblems(validator.problems) }
    self.plan = plan
    self.defaults = defaults
    self.graph = graph
    self.templates = templates
    self.ordinals = ordinals
    self.isReferenced = isReferenced
    self.conditions = conditions
    self.schemas = schemas
    self.maps = maps
    mapped = maps.keys.sorted()
    self.subPlans = subPlans
    retries = plan.tasks.map { defaults.retry(of: $0, in: plan) }
    timeouts = plan.tasks.map { defaults.timeouts(of: $0, in: plan) }
    let byPriority = plan.tasks.indices.sorted {
      (-plan.tasks[$0].priority, $0) < (-plan.tasks[$1].priority, $1)
    }
    var rank = Array(repeating: 0, count: byPriority.count)
    for (place, ordinal) in byPriority.enumerated() { rank[ordinal] = place }
    self.rank = rank
  }
}
