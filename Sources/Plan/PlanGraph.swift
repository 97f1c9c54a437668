/// Who depends on whom, by ordinals (places in the plan's list).
public struct PlanGraph: Sendable, Equatable {
  /// Direct dependencies of each task, without repeats.
  public private(set) var dependencies: [[Int]]
  /// Tasks that directly depend on each task.
  public private(set) var dependents: [[Int]]
  /// Every task after all it depends on; empty where there is a cycle.
  public private(set) var order: [Int] = []

  /// `dependencies` must name existing ordinals.
  init(dependencies: [[Int]]) {
    self.dependencies = dependencies
    dependents = Array(repeating: [], count: dependencies.count)
    for (task, upstream) in dependencies.enumerated() {
      for dependency in upstream { dependents[dependency].append(task) }
    }
    order = Self.topologicalOrder(dependencies, dependents)
  }

  /// Kahn's algorithm: iterative, linear.
  private static func topologicalOrder(_ dependencies: [[Int]], _ dependents: [[Int]]) -> [Int] {
    var waiting = dependencies.map(\.count)
    var order = waiting.indices.filter { waiting[$0] == 0 }
    var next = 0
    while next < order.count {
      for dependent in dependents[order[next]] {
        waiting[dependent] -= 1
        if waiting[dependent] == 0 { order.append(dependent) }
      }
      next += 1
    }
    return order.count == dependencies.count ? order : []
  }

  /// One cycle, in the direction of the dependencies; empty where there is none.
  func cycle() -> [Int] {
    guard order.isEmpty, !dependencies.isEmpty else { return [] }
    // Tasks that lead into no cycle are peeled off from the leaves' side and from the roots' side;
    // from any task that is left, following dependencies that are left ends in a cycle.
    var waiting = dependencies.map(\.count)
    var peeled = waiting.indices.filter { waiting[$0] == 0 }
    var next = 0
    while next < peeled.count {
      for dependent in dependents[peeled[next]] {
        waiting[dependent] -= 1
        if waiting[dependent] == 0 { peeled.append(dependent) }
      }
      next += 1
    }
    guard var task = waiting.firstIndex(where: { $0 > 0 }) else { return [] }
    var seenAt: [Int: Int] = [:]
    var path: [Int] = []
    while seenAt[task] == nil {
      seenAt[task] = path.count
      path.append(task)
      guard let dependency = dependencies[task].first(where: { waiting[$0] > 0 }) else { return [] }
      task = dependency
    }
    return Array(path[(seenAt[task] ?? 0)...])
  }

  /// Tasks that may run together, in order.
  public func levels() -> [[Int]] {
    var level = Array(repeating: 0, count: dependencies.count)
    var levels: [[Int]] = []
    for task in order {
      level[task] = (dependencies[task].map { level[$0] }.max() ?? -1) + 1
      if level[task] == levels.count { levels.append([]) }
      levels[level[task]].append(task)
    }
    return levels
  }

  /// The longest chain of tasks, from a root to a leaf.
  public func criticalPath() -> [Int] {
    var length = Array(repeating: 0, count: dependencies.count)
    var previous = [Int?](repeating: nil, count: dependencies.count)
    for task in order {
      for dependency in dependencies[task] where length[dependency] + 1 > length[task] {
        length[task] = length[dependency] + 1
        previous[task] = dependency
      }
    }
    guard var task = length.indices.max(by: { length[$0] < length[$1] }) else { return [] }
    var path = [task]
    while let before = previous[task] {
      path.append(before)
      task = before
    }
    return path.reversed()
  }

  /// Of the pairs (task, other), those where `other` is not upstream of `task`.
  ///
  /// Spreads 64 others at a time through the graph, so that the cost is bounded by tasks and edges
  /// whatever the pairs are.
  func notUpstream(_ pairs: [(task: Int, other: Int)]) -> [(task: Int, other: Int)] {
    var direct: Set<Int> = []
    var current: Int?
    let indirect = pairs.filter { pair in
      if pair.task != current { direct = Set(dependencies[pair.task]) }
      current = pair.task
      return !direct.contains(pair.other)
    }
    var others: [Int] = []
    var slot: [Int: Int] = [:]
    for pair in indirect where slot[pair.other] == nil {
      slot[pair.other] = others.count
      others.append(pair.other)
    }
    var missing: [(task: Int, other: Int)] = []
    var byBatch: [Int: [(task: Int, other: Int)]] = [:]
    for pair in indirect { byBatch[(slot[pair.other] ?? 0) / 64, default: []].append(pair) }
    for batch in stride(from: 0, to: others.count, by: 64) {
      var reached = Array(repeating: UInt64(0), count: dependencies.count)
      var own = reached
      for index in batch..<min(batch + 64, others.count) {
        own[others[index]] = 1 << UInt64(index - batch)
      }
      for task in order {
        for dependency in dependencies[task] {
          reached[task] |= reached[dependency] | own[dependency]
        }
      }
      for pair in byBatch[batch / 64] ?? [] {
        let bit = UInt64(1) << UInt64((slot[pair.other] ?? 0) - batch)
        if reached[pair.task] & bit == 0 { missing.append(pair) }
      }
    }
    return missing
  }
}
