internal import Plan
internal import Store

extension StoreCheck {
  static let groups = [
    StoreCheck("leaves nothing of a group in which one change conflicts") { store in
      for place in 0..<5 { try atomicity(store, conflictAt: place, seed: UInt64(place)) }
    },
    StoreCheck("refuses a change that does not follow the stored revision") { store in
      var random = RandomSource(seed: 11)
      let first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
      try store.commit([first])
      let model = try unwrapped(PlanModel(first))
      let next = model.nextChange(&random)
      try expectConflict(store, [next, next], "twice in one group")
      var ahead = next
      ahead.plan.revision += 1
      try expectConflict(store, [ahead], "one revision left out")
      try store.commit([next])
      try expectConflict(store, [next], "again")
      try expectConflict(store, [first], "made again")
      var unknown = next
      unknown.planID = random.planID()
      try expectConflict(store, [unknown], "of a plan that was never made")
      var after = model
      after.apply(next)
      try after.verify(in: store)
    },
    StoreCheck("applies the changes of one plan in the order of the group") { store in
      var random = RandomSource(seed: 12)
      let first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
      var model = try unwrapped(PlanModel(first))
      var group = [first]
      for _ in 0..<20 {
        var change = model.nextChange(&random)
        change.outputs = []
        change.tasks = [random.taskRow(ordinal: 1)]
        model.apply(change)
        group.append(change)
      }
      try store.commit(group)
      try model.verify(in: store)
    },
    StoreCheck("refuses a change that contradicts itself") { store in
      var random = RandomSource(seed: 13)
      let first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
      try store.commit([first])
      let model = try unwrapped(PlanModel(first))
      for (what, change) in try contradictions(model, &random) {
        try expectError(.invalid, "a change with \(what)") { try store.commit([change]) }
        try model.verify(in: store)
      }
    },
    StoreCheck("takes one output for each task of a plan, ever") { store in
      var random = RandomSource(seed: 14)
      var first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
      first.outputs = [TaskOutput(ordinal: 1, json: Array("1".utf8))]
      try store.commit([first])
      let model = try unwrapped(PlanModel(first))
      var second = model.nextChange(&random)
      second.outputs = [TaskOutput(ordinal: 1, json: Array("2".utf8))]
      try expectError(.invalid, "a second output") { try store.commit([second]) }
      try model.verify(in: store)
    },
  ]

  /// A group of five in which the change at `place` is stale.
  private static func atomicity(
    _ store: any PlanStore, conflictAt place: Int, seed: UInt64
  ) throws {
    var random = RandomSource(seed: seed)
    let firsts = (0..<5).map { _ in
      PlanModel.creation(of: random.planID(), random.creation(taskCount: 3), &random)
    }
    try store.commit(firsts)
    let models = firsts.compactMap(PlanModel.init)
    let key = "key-\(seed)"
    let made = PlanModel.creation(
      of: random.planID(), random.creation(taskCount: 1, requestKey: key), &random)
    var group = models.map { $0.nextChange(&random) }
    group[place] = firsts[place]
    group.insert(made, at: 2)
    try expectConflict(store, group, "in place \(place)")
    for model in models { try model.verify(in: store) }
    try expectEqual(try store.load(made.planID), nil, "a plan made in a refused group")
    try expectEqual(
      try store.find(namespace: "default", requestKey: key), nil, "its request key")
    // The store goes on: the same plan can be made now.
    try store.commit([made])
    try PlanModel(made)?.verify(in: store)
  }

  private static func contradictions(
    _ model: PlanModel, _ random: inout RandomSource
  ) throws -> [(String, PlanChange)] {
    var base = model.nextChange(&random)
    base.outputs = []
    base.events = [
      random.event(seq: model.row.lastSeq + 1), random.event(seq: model.row.lastSeq + 2),
    ]
    base.plan.lastSeq = model.row.lastSeq + 2
    var gap = base
    gap.events[1].seq += 1
    var short = base
    short.plan.lastSeq += 1
    var far = base
    far.plan.lastSeq += 5
    far.events = far.events.map { event in
      var event = event
      event.seq += 5
      return event
    }
    var made = base
    made.created = model.creation
    var first = base
    first.plan.revision = 1
    var late = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
    late.events[0].seq = 2
    late.plan.lastSeq = 2
    return [
      ("a gap between its events", gap), ("fewer events than it says", short),
      ("events far after the stored ones", far), ("a creation at a later revision", made),
      ("revision 1 and no creation", first), ("a creation that begins with event 2", late),
    ]
  }
}

/// The value; a failure of the suite itself where there is none.
func unwrapped<Value>(_ value: Value?) throws -> Value {
  guard let value else { throw ConformanceFailure("the suite has made no value") }
  return value
}

func expectConflict(_ store: any PlanStore, _ group: [PlanChange], _ what: String) throws {
  try expectError(.conflict, "a change \(what)") { try store.commit(group) }
}

/// Throws unless `body` throws a `StoreError` with that code.
func expectError(_ code: StoreError.Code, _ what: String, _ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as StoreError {
    try expectEqual(error.code, code, "\(what) (\(error.message))")
    try expect(!error.message.isEmpty, "\(what) is refused without a message")
    return
  }
  throw ConformanceFailure("\(what) is accepted")
}
