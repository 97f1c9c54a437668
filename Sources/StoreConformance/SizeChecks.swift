internal import Plan
internal import Store

extension StoreCheck {
  static let sizes = [
    StoreCheck("keeps an output of 1 MiB and a payload of 2 MiB") { store in
      var random = RandomSource(seed: 51)
      var creation = random.creation(taskCount: 3)
      creation.plan.tasks[1].payload = bigText(bytes: 2 << 20)
      var change = PlanModel.creation(of: random.planID(), creation, &random)
      change.outputs = [0, 2].map { TaskOutput(ordinal: $0, json: bigText(bytes: 1 << 20)) }
      try store.commit([change])
      try PlanModel(change)?.verify(in: store)
    },
    StoreCheck("keeps a plan of 20,000 tasks") { store in
      var random = RandomSource(seed: 52)
      let creation = random.creation(taskCount: 20_000)
      let first = PlanModel.creation(of: random.planID(), creation, &random)
      try store.commit([first])
      var model = try unwrapped(PlanModel(first))
      for start in stride(from: 0, to: 20_000, by: 4_000) {
        var change = model.nextChange(&random)
        change.outputs = []
        change.tasks = (start..<(start + 4_000)).map { random.taskRow(ordinal: $0) }
        try store.commit([change])
        model.apply(change)
      }
      try model.verify(in: store)
    },
    StoreCheck("keeps a transition of 5,000 events") { store in
      var random = RandomSource(seed: 53)
      let change = PlanModel.creation(
        of: random.planID(), random.creation(taskCount: 1), eventCount: 5_000, &random)
      try store.commit([change])
      try PlanModel(change)?.verify(in: store)
    },
  ]

  private static func bigText(bytes count: Int) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    return [quote] + [UInt8](repeating: UInt8(ascii: "x"), count: count - 2) + [quote]
  }
}
