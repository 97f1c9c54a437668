internal import Plan
internal import Store
internal import Synchronization

extension StoreCheck {
  static let eventPages = [
    StoreCheck("pages events by count, without gap or repetition") { store in
      let model = try filled(store, seed: 31)
      for maxCount in [1, 2, 7, 1_000] {
        let events = try paged(model, store, maxCount: maxCount, maxBytes: .max) { page in
          try expect(page.count <= maxCount, "a page of \(maxCount) has \(page.count) events")
        }
        try expectEqual(events, model.events, "events in pages of \(maxCount)")
      }
      try expectEqual(
        try store.events(model.planID, from: 1, maxCount: 0, maxBytes: .max), [],
        "no more than none")
    },
    StoreCheck("pages events by bytes, one at least") { store in
      let model = try filled(store, seed: 32)
      for maxBytes in [0, 1, 500, 5_000, 1_000_000] {
        let events = try paged(model, store, maxCount: .max, maxBytes: maxBytes) { page in
          let bytes = page.map(\.byteCount).reduce(0, +)
          try expect(
            page.count == 1 || bytes <= maxBytes,
            "\(page.count) events have \(bytes) bytes of \(maxBytes)")
        }
        try expectEqual(events, model.events, "events in pages of \(maxBytes) bytes")
      }
    },
    StoreCheck("begins at any event") { store in
      let model = try filled(store, seed: 33)
      for seq in -1...(model.row.lastSeq + 2) {
        try expectEqual(
          try store.events(model.planID, from: seq, maxCount: .max, maxBytes: .max),
          Array(model.events.drop { $0.seq < seq }), "events from \(seq)")
      }
    },
    StoreCheck("shows committed events only, to readers beside the commits") { store in
      var random = RandomSource(seed: 34)
      let first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 2), &random)
      try store.commit([first])
      let planID = first.planID
      let isDone = Atomic(false)
      defer { isDone.store(true, ordering: .releasing) }
      let reader = Background {
        var seen: [TraceEvent] = []
        while true {
          let isLastRound = isDone.load(ordering: .acquiring)
          let next = Int64(seen.count) + 1
          let page = try store.events(planID, from: next, maxCount: 50, maxBytes: .max)
          try expectEqual(
            page.map(\.seq), Array(next..<(next + Int64(page.count))), "seqs from \(next)")
          seen += page
          if page.isEmpty && isLastRound { return seen }
        }
      }
      var model = try unwrapped(PlanModel(first))
      while model.row.lastSeq < 600 {
        let change = model.nextChange(&random)
        try store.commit([change])
        model.apply(change)
      }
      isDone.store(true, ordering: .releasing)
      try expectEqual(try reader.result(), model.events, "events of the reader")
    },
  ]

  /// A plan with transitions of many sizes.
  private static func filled(_ store: any PlanStore, seed: UInt64) throws -> PlanModel {
    var random = RandomSource(seed: seed)
    let first = PlanModel.creation(
      of: random.planID(), random.creation(taskCount: 2), eventCount: 40, &random)
    try store.commit([first])
    var model = try unwrapped(PlanModel(first))
    for _ in 0..<60 {
      let change = model.nextChange(&random)
      try store.commit([change])
      model.apply(change)
    }
    return model
  }

  private static func paged(
    _ model: PlanModel, _ store: any PlanStore, maxCount: Int, maxBytes: Int,
    check: ([TraceEvent]) throws -> Void
  ) throws -> [TraceEvent] {
    try collectPages(atMost: model.events.count) { found in
      let page = try store.events(
        model.planID, from: Int64(found.count) + 1, maxCount: maxCount, maxBytes: maxBytes)
      if !page.isEmpty { try check(page) }
      return page
    }
  }
}
