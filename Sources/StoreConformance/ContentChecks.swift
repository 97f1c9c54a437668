internal import Plan
public import Store

extension StoreCheck {
  static let contents = [
    StoreCheck("gives back every field of every record") { store in
      for seed in 0..<60 { try roundTrip(store, seed: UInt64(seed)) }
    },
    StoreCheck("does what a model does, over many plans and groups") { store in
      var run = ModelRun(store, seed: 7)
      for _ in 0..<150 { try run.commitGroup() }
      try run.verify()
    },
    StoreCheck("knows nothing of a plan that was never made") { store in
      let id = PlanID(high: 1, low: 2)
      try expectEqual(try store.load(id), nil, "load")
      try expectEqual(try store.outputs(id, ordinals: [0, 1]), [], "outputs")
      try expectEqual(try store.dialogs(id, ordinals: [0, 1]), [], "dialogs")
      try expectEqual(
        try store.events(id, from: 1, maxCount: 10, maxBytes: 1_000), [], "events")
      try store.commit([])
    },
    StoreCheck("gives outputs in the order that was asked for") { store in
      var random = RandomSource(seed: 3)
      var change = PlanModel.creation(
        of: random.planID(), random.creation(taskCount: 5), &random)
      change.outputs = [4, 0, 2].map { TaskOutput(ordinal: $0, json: Array("\($0)".utf8)) }
      try store.commit([change])
      let outputs = try store.outputs(change.planID, ordinals: [2, 3, 4, 0, 1, 99])
      try expectEqual(outputs.map(\.ordinal), [2, 4, 0], "ordinals")
      try expectEqual(outputs.map(\.json), ["2", "4", "0"].map { Array($0.utf8) }, "values")
    },
  ]

  /// One random plan with one random row of each of its tasks.
  private static func roundTrip(_ store: any PlanStore, seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let creation = random.creation(
      taskCount: Int(seed % 7), requestKey: random.oneIn(2) ? nil : "key-\(seed)")
    var change = PlanModel.creation(of: random.planID(), creation, eventCount: 9, &random)
    change.tasks = creation.plan.tasks.indices.map { random.taskRow(ordinal: $0) }
    change.outputs = creation.plan.tasks.indices.map {
      TaskOutput(ordinal: $0, json: random.json())
    }
    change.dialogs = creation.plan.tasks.indices.map { random.dialog(ordinal: $0) }
    try store.commit([change])
    try PlanModel(change)?.verify(in: store)
  }
}

extension PlanModel {
  /// Compares everything that the store holds of the plan.
  public func verify(in store: any PlanStore) throws {
    let loaded = try store.load(planID)
    try expectEqual(loaded?.creation, creation, "definition of \(planID)")
    try expectEqual(loaded?.plan, row, "row of \(planID)")
    try expectEqual(loaded, stored, "plan \(planID)")
    let ordinals = Array(creation.plan.tasks.indices)
    try expectEqual(
      try store.outputs(planID, ordinals: ordinals),
      ordinals.compactMap { ordinal in
        outputs[ordinal].map { TaskOutput(ordinal: ordinal, json: $0) }
      }, "outputs of \(planID)")
    try expectEqual(
      try store.dialogs(planID, ordinals: ordinals), ordinals.compactMap { dialogs[$0] },
      "dialogs of \(planID)")
    try expectEqual(
      try store.events(planID, from: 1, maxCount: .max, maxBytes: .max), events,
      "events of \(planID)")
    if let key = creation.requestKey {
      try expectEqual(
        try store.find(namespace: creation.namespace, requestKey: key),
        PlanKeyMatch(planID: planID, requestDigest: creation.requestDigest), "key of \(planID)")
    }
  }
}

/// Random groups against a store, and what it must hold after them.
struct ModelRun {
  private(set) var models: [PlanID: PlanModel] = [:]
  private var ids: [PlanID] = []
  private var random: RandomSource
  private let store: any PlanStore

  init(_ store: any PlanStore, seed: UInt64) {
    self.store = store
    random = RandomSource(seed: seed)
  }

  /// Commits a group with new plans, changes of old ones and several changes of the same.
  mutating func commitGroup() throws {
    var group: [PlanChange] = []
    for _ in 0..<Int.random(in: 1...12, using: &random) {
      if ids.isEmpty || random.oneIn(6) {
        let id = random.planID()
        let key = random.oneIn(2) ? nil : "key of \(id)"
        let creation = random.creation(taskCount: 6, requestKey: key)
        let change = PlanModel.creation(of: id, creation, &random)
        models[id] = PlanModel(change)
        ids.append(id)
        group.append(change)
      } else if let change = models[random.pick(ids)]?.nextChange(&random) {
        models[change.planID]?.apply(change)
        group.append(change)
      }
    }
    try store.commit(group)
  }

  func verify() throws { try verify(in: store) }

  func verify(in store: any PlanStore) throws {
    for id in ids { try models[id]?.verify(in: store) }
    let open = models.values.filter { $0.row.finishedAt == nil }.map(\.planID).sorted()
    try expectEqual(try store.unfinished(after: nil, limit: .max), open, "unfinished plans")
    let listed = try store.list(PlanFilter(), before: nil, limit: .max)
    try expectEqual(listed.map(\.planID), ids.sorted().reversed(), "listed plans")
    for summary in listed {
      try expectEqual(summary, models[summary.planID]?.summary, "summary of \(summary.planID)")
    }
  }
}

extension PlanModel {
  var summary: PlanSummary {
    PlanSummary(
      planID: planID, namespace: creation.namespace, name: creation.plan.name,
      owner: creation.plan.owner, labels: creation.plan.labels,
      taskCount: creation.plan.tasks.count, parent: creation.parent, plan: row)
  }
}
