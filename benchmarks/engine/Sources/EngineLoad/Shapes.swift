import Messages

/// What a plan looks like. The tasks are of type `prompt`, which every adapter serves.
enum Shape: String {
  /// Each task reads the output of the one before.
  case chain
  /// One root, then all the others beside each other, then one that waits for all of them.
  case fan
  /// One task, three that read its output, one that reads theirs; always five.
  case diamond
  /// Tasks that wait for nothing.
  case flat

  /// - Parameters:
  ///   - taskCount: how many tasks; a fan has two more.
  ///   - metadata: of every task.
  func plan(taskCount: Int, metadata: [String: String]) -> BatonV1.Plan {
    var plan = BatonV1.Plan(name: rawValue)
    switch self {
    case .chain:
      plan.tasks = (0..<taskCount).map { index in
        Self.task("t\(index)", after: index == 0 ? [] : ["t\(index - 1)"])
      }
    case .fan:
      let workers = (0..<taskCount).map { Self.task("w\($0)", after: ["root"]) }
      let join = Self.task("join", after: workers.map(\.id), reads: false)
      plan.tasks = [Self.task("root")] + workers + [join]
    case .diamond:
      plan.tasks = [
        Self.task("a"), Self.task("b", after: ["a"]), Self.task("c", after: ["a"]),
        Self.task("d", after: ["a"]), Self.task("e", after: ["b", "c", "d"]),
      ]
    case .flat: plan.tasks = (0..<taskCount).map { Self.task("t\($0)") }
    }
    for index in plan.tasks.indices { plan.tasks[index].metadata = metadata }
    return plan
  }

  /// A task whose prompt holds the outputs of those before it, if `reads`.
  private static func task(
    _ id: String, after: [String] = [], reads: Bool = true
  ) -> BatonV1.Task {
    let references = reads ? after.map { " ${{ tasks.\($0).output.text }}" }.joined() : ""
    return BatonV1.Task(
      id: id, type: "prompt", payloadJson: Array("{\"prompt\":\"Go on:\(references)\"}".utf8),
      dependsOn: after)
  }
}
