internal import Plan
internal import Store

extension StoreCheck {
  static let durability = [
    StoreCheck("holds the same after it was closed and opened again", needsDurability: true) {
      place in
      let store = try place.open()
      try expect(store.isDurable, "\(store.name) says that it is not durable")
      var run = ModelRun(store, seed: 61)
      for _ in 0..<60 { try run.commitGroup() }
      store.close()
      let reopened = try place.open()
      defer { reopened.close() }
      try run.verify(in: reopened)
    },
    StoreCheck("goes on after it was closed and opened again", needsDurability: true) { place in
      var random = RandomSource(seed: 62)
      let first = PlanModel.creation(of: random.planID(), random.creation(taskCount: 4), &random)
      var model = try unwrapped(PlanModel(first))
      var change = first
      for _ in 0..<5 {
        let store = try place.open()
        try store.commit([change])
        try expectConflict(store, [change], "again")
        try model.verify(in: store)
        store.close()
        change = model.nextChange(&random)
        model.apply(change)
      }
    },
  ]
}
