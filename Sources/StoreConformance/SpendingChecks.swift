internal import Plan
internal import Store

extension StoreCheck {
  static let spending = [
    StoreCheck("adds up what namespaces use, by period, in the transaction of the change") {
      store in
      var random = RandomSource(seed: 11)
      try expectEqual(try store.spending(namespace: "a", periodStart: 0), nil, "before")
      var first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      first.spending = spending("a", 0, 10, 1)
      var second = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      second.spending = spending("a", 0, 5, 2)
      var third = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      third.spending = spending("a", 60_000, -3, 0)
      try store.commit([first, second, third])
      try expectEqual(
        try store.spending(namespace: "a", periodStart: 0), spending("a", 0, 15, 3), "sum")
      try expectEqual(
        try store.spending(namespace: "a", periodStart: 60_000), spending("a", 60_000, -3, 0),
        "period")
      try expectEqual(try store.spending(namespace: "A", periodStart: 0), nil, "another namespace")
    },
    StoreCheck("adds what follows within a group, and sums stop before they overflow") { store in
      var random = RandomSource(seed: 12)
      let made = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      var changes = [made]
      let most = NamespaceSpending.sumMax
      for tokens in [most, most, -4] {
        guard let last = changes.last else { continue }
        var next = PlanChange(planID: made.planID, plan: last.plan)
        next.plan.revision += 1
        next.spending = spending("a", 0, tokens, 1)
        changes.append(next)
      }
      try store.commit(changes)
      let sum = try store.spending(namespace: "a", periodStart: 0)
      try expectEqual(sum?.tasks, 3, "tasks")
      try expect((sum?.tokens ?? 0) >= most - 4, "tokens are \(sum?.tokens ?? 0)")
    },
    StoreCheck("adds nothing of a group that is refused") { store in
      var random = RandomSource(seed: 13)
      var made = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      made.spending = spending("a", 0, 10, 1)
      var stranger = made
      stranger.created = nil
      stranger.plan.revision = 7
      stranger.events = []
      do {
        try store.commit([made, stranger])
        throw ConformanceFailure("a change that does not follow was committed")
      } catch let error as StoreError {
        try expectEqual(error.code, .conflict, "code")
      }
      try expectEqual(try store.spending(namespace: "a", periodStart: 0), nil, "spending")
    },
    StoreCheck("keeps what namespaces used", needsDurability: true) { place in
      var random = RandomSource(seed: 14)
      var made = PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
      made.spending = spending("a", 0, 10, 1)
      let store = try place.open()
      try store.commit([made])
      store.close()
      let again = try place.open()
      defer { again.close() }
      try expectEqual(try again.spending(namespace: "a", periodStart: 0), made.spending, "spending")
    },
  ]

  private static func spending(
    _ namespace: String, _ periodStart: Int64, _ tokens: Int64, _ tasks: Int64
  ) -> NamespaceSpending {
    NamespaceSpending(namespace: namespace, periodStart: periodStart, tokens: tokens, tasks: tasks)
  }
}
