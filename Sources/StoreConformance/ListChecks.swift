internal import Plan
internal import Store
internal import Synchronization

extension StoreCheck {
  static let lists = [
    StoreCheck("lists what a filter matches, newest first, in pages") { store in
      let models = try population(store)
      for filter in filters {
        let expected = models.filter { filter.matches($0.summary) }.map(\.summary)
          .sorted { $0.planID > $1.planID }
        for limit in [1, 13, 10_000] {
          let found = try collectPages(atMost: models.count) { (found: [PlanSummary]) in
            let page = try store.list(filter, before: found.last?.planID, limit: limit)
            try expect(page.count <= limit, "a page of \(limit) has \(page.count) plans")
            return page
          }
          try expectEqual(found, expected, "plans for \(filter) in pages of \(limit)")
        }
      }
      try expectEqual(try store.list(PlanFilter(), before: nil, limit: 0), [], "limit 0")
    },
    StoreCheck("finds few among many") { store in
      var random = RandomSource(seed: 42)
      var creation = random.creation(taskCount: 0)
      creation.plan.name = "hay"
      var needles: [PlanID] = []
      for round in 0..<30 {
        let group = (0..<100).map { index in
          var creation = creation
          if round % 10 == 3 && index == 50 { creation.plan.name = "needle" }
          return PlanModel.creation(
            of: random.planID(unixMilliseconds: Int64(round)), creation, &random)
        }
        try store.commit(group)
        needles += group.filter { $0.created?.plan.name == "needle" }.map(\.planID)
      }
      var filter = PlanFilter()
      filter.namePrefix = "need"
      let first = try store.list(filter, before: nil, limit: 2)
      try expectEqual(first.map(\.planID), needles.sorted().reversed().dropLast(), "first page")
      let second = try store.list(filter, before: first.last?.planID, limit: 2)
      try expectEqual(second.map(\.planID), [try unwrapped(needles.min())], "second page")
    },
    StoreCheck("pages steadily while plans are made and changed") { store in
      let before = try population(store).map(\.planID)
      let stop = Atomic(false)
      let reader = Background {
        defer { stop.store(true, ordering: .releasing) }
        for round in 0..<20 {
          let found = try collectPages(atMost: before.count + 2_000) { (found: [PlanID]) in
            try store.list(PlanFilter(), before: found.last, limit: 9).map(\.planID)
          }
          try expect(
            zip(found, found.dropFirst()).allSatisfy { $0 > $1 },
            "round \(round): plans are not in order, or twice")
          let missing = Set(before).subtracting(found)
          try expect(missing.isEmpty, "round \(round): \(missing.count) plans are missing")
        }
      }
      var random = RandomSource(seed: 43)
      for _ in 0..<2_000 where !stop.load(ordering: .acquiring) {
        try store.commit([
          PlanModel.creation(of: random.planID(), random.creation(taskCount: 1), &random)
        ])
      }
      try reader.result()
    },
  ]

  /// 120 plans with every status and few values for the rest.
  private static func population(_ store: any PlanStore) throws -> [PlanModel] {
    var random = RandomSource(seed: 41)
    var models: [PlanModel] = []
    for index in 0..<120 {
      var creation = random.creation(taskCount: index % 3)
      creation.namespace = random.pick(["default", "other"])
      creation.plan.owner = random.pick(["", "ann", "Ann", "b%b", "e\u{301}"])
      creation.plan.name = random.pick(["briefing", "brief", "Brief", "br_ef", "100%", "\u{E9}"])
      creation.plan.labels = [:]
      for key in ["team", "env", ""] where random.oneIn(2) {
        creation.plan.labels[key] = random.pick(["a", "b", "", "\u{E9}"])
      }
      var change = PlanModel.creation(of: random.planID(), creation, &random)
      change.plan.status = PlanStatus.allCases[index % PlanStatus.allCases.count]
      change.plan.createdAt = Int64(index * 10)
      try store.commit([change])
      models.append(try unwrapped(PlanModel(change)))
    }
    return models
  }

  private static var filters: [PlanFilter] {
    func filter(_ set: (inout PlanFilter) -> Void) -> PlanFilter {
      var filter = PlanFilter()
      set(&filter)
      return filter
    }
    return [
      PlanFilter(),
      filter { $0.namespace = "other" },
      filter { $0.statuses = [.running] },
      filter { $0.statuses = [.created, .running, .paused] },
      filter { $0.statuses = [.failed, .running] },
      filter { $0.owner = "ann" },
      filter { $0.parent = PlanID(high: 0x7000, low: 1) },
      filter { $0.parent = PlanID(high: 0x7000, low: 9) },
      filter { $0.owner = "b%b" },
      filter { $0.owner = "\u{E9}" },
      filter { $0.labels = ["team": "a"] },
      filter { $0.labels = ["team": "a", "env": "b"] },
      filter { $0.labels = ["": ""] },
      filter { $0.labels = ["team": "e\u{301}"] },
      filter { $0.labels = ["nothing": "a"] },
      filter { $0.namePrefix = "brief" },
      filter { $0.namePrefix = "br_" },
      filter { $0.namePrefix = "100%" },
      filter { $0.createdAfter = 500 },
      filter { $0.createdBefore = 500 },
      filter {
        $0.createdAfter = 100
        $0.createdBefore = 900
        $0.statuses = [.completed, .cancelled]
        $0.namespace = "default"
        $0.labels = ["env": "a"]
      },
      filter {
        $0.owner = "ann"
        $0.statuses = [.paused]
      },
    ]
  }
}
