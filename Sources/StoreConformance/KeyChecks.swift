internal import Plan
internal import Store

extension StoreCheck {
  static let keys = [
    StoreCheck("keeps a request key for one plan of a namespace") { store in
      var random = RandomSource(seed: 21)
      func made(_ namespace: String, _ key: String?) -> PlanChange {
        var creation = random.creation(taskCount: 1, requestKey: key)
        creation.namespace = namespace
        return PlanModel.creation(of: random.planID(), creation, &random)
      }
      let first = made("default", "k")
      let other = made("other", "k")
      try store.commit([first, other, made("default", nil), made("default", nil)])
      try expectConflict(store, [made("default", "k")], "with a request key that is taken")
      try expectConflict(store, [made("x", "k"), made("x", "k")], "with the key of its group")
      try expectEqual(try store.find(namespace: "x", requestKey: "k"), nil, "namespace x")
      try PlanModel(first)?.verify(in: store)
      try PlanModel(other)?.verify(in: store)
      try expectEqual(try store.find(namespace: "default", requestKey: "K"), nil, "other case")
      try expectEqual(try store.find(namespace: "default", requestKey: ""), nil, "empty key")
    },
    StoreCheck("tells request keys apart byte by byte") { store in
      var random = RandomSource(seed: 22)
      for key in ["\u{E9}", "e\u{301}", "k", "k ", "K", "k\u{0}"] {
        let creation = random.creation(taskCount: 1, requestKey: key)
        let change = PlanModel.creation(of: random.planID(), creation, &random)
        try store.commit([change])
        try PlanModel(change)?.verify(in: store)
      }
    },
    StoreCheck("pages unfinished plans by id") { store in
      var random = RandomSource(seed: 23)
      let ids = (0..<50).map { _ in random.planID() }
      for (index, id) in ids.enumerated() {
        var change = PlanModel.creation(of: id, random.creation(taskCount: 1), &random)
        change.plan.status = PlanStatus.allCases[index % PlanStatus.allCases.count]
        change.plan.finishedAt = index % 3 == 0 ? 7 : nil
        try store.commit([change])
      }
      // A cancelled plan is unfinished until its last task row is written.
      let expected = ids.enumerated().filter { index, _ in index % 3 != 0 }.map(\.element).sorted()
      let found = try collectPages(atMost: ids.count) { (found: [PlanID]) in
        let page = try store.unfinished(after: found.last, limit: 7)
        try expect(page.count <= 7, "a page of 7 has \(page.count)")
        return page
      }
      try expectEqual(found, expected, "unfinished plans")
      try expectEqual(try store.unfinished(after: nil, limit: 0), [], "no more than none")
    },
    StoreCheck("takes a plan out of the unfinished and back in") { store in
      var random = RandomSource(seed: 24)
      var change = PlanModel.creation(
        of: random.planID(), random.creation(taskCount: 1), &random)
      var model = try unwrapped(PlanModel(change))
      for status in [PlanStatus.created, .running, .failed, .running, .paused, .completed] {
        if change.created == nil || status != .created { change = model.nextChange(&random) }
        change.plan.status = status
        change.plan.finishedAt = status.isFinal ? 7 : nil
        try store.commit([change])
        model.apply(change)
        try expectEqual(
          try store.unfinished(after: nil, limit: 9), status.isFinal ? [] : [model.planID],
          "unfinished plans with one that is \(status)")
      }
    },
  ]
}

/// Everything up to the first empty page; `next` is given what was found so far. Throws where pages
/// go on after `total`, as they do for ever if one repeats.
func collectPages<Element>(
  atMost total: Int, _ next: ([Element]) throws -> [Element]
) throws -> [Element] {
  var found: [Element] = []
  while true {
    let page = try next(found)
    guard !page.isEmpty else { return found }
    found += page
    try expect(found.count <= total, "pages go on after \(total) elements")
  }
}
