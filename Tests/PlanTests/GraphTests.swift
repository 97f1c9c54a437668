import Testing

@testable import Plan

/// Dependencies: what is refused (contract section 5), and what is worked out from them.
struct GraphTests {
  @Test("section 5: a cycle is refused naming its tasks in order")
  func cycles() {
    let cases: [(plan: Plan, message: String)] = [
      (Plan(["a": ["b"], "b": ["a"]]), "a -> b -> a"),
      (Plan(["a": ["c"], "b": ["a"], "c": ["b"]]), "a -> c -> b -> a"),
      // What leads into a cycle, or out of it, is not named.
      (Plan(["r": [], "x": ["r", "y"], "y": ["x"], "leaf": ["y"]]), "x -> y -> x"),
      (Plan(["leaf": ["x"], "x": ["y"], "y": ["z"], "z": ["y"]]), "y -> z -> y"),
    ]
    for (plan, message) in cases {
      let found = problems(plan)
      #expect(found.map(\.reason) == [.cycle])
      #expect(found.first?.message == "tasks wait for each other: \(message)")
    }
  }

  @Test("section 5: of a long cycle the first 20 ids are named")
  func longCycle() {
    var plan = Plan()
    plan.tasks = (0..<20_000).map { PlanTask("t\($0)", after: ["t\(($0 + 1) % 20_000)"]) }
    let named = (0..<20).map { "t\($0)" }.joined(separator: " -> ")
    #expect(
      problems(plan).map(\.message) == ["tasks wait for each other: \(named) … (20000 tasks)"])
    let longest = String(repeating: "x", count: 252)
    plan.tasks = (0..<20).map { index in
      PlanTask("\(longest)\(100 + index)", after: ["\(longest)\(100 + (index + 1) % 20)"])
    }
    let message = problems(plan).first?.message ?? ""
    #expect(plan.tasks.allSatisfy { message.contains($0.id) })
  }

  @Test("section 5: self-dependency, unknown dependency, duplicate id")
  func edges() {
    #expect(
      problems(Plan(["a": ["a"]])).map(\.description) == [
        #"tasks[0].depends_on[0]: task "a" cannot wait for itself"#
      ])
    #expect(
      problems(Plan(["research": [], "b": ["research", "reserch"]])).map(\.description) == [
        #"tasks[1].depends_on[1]: there is no task "reserch"; did you mean research?"#
      ])
    #expect(
      problems(Plan(["a": ["zzzzz"]])).map(\.description) == [
        #"tasks[0].depends_on[0]: there is no task "zzzzz"; known here: a"#
      ])
    #expect(
      problems(Plan(["a": [], "b": [], "a": []])).map(\.description) == [
        #"tasks[2].id: "a" is also the id of tasks[0]"#
      ])
    let hostile = problems(Plan(["a": ["\u{1B}[2J"]])).first?.message
    #expect(hostile?.utf8.contains { $0 < 0x20 } == false)
  }

  @Test("a dependency that is named twice counts once")
  func repeated() throws {
    let compiled = try CompiledPlan(Plan(["a": [], "b": ["a", "a"]]))
    #expect(compiled.graph.dependencies == [[], [0]])
    #expect(compiled.graph.dependents == [[1], []])
  }

  @Test("levels and the critical path")
  func levels() throws {
    let plan = Plan(["d": ["b", "c"], "a": [], "b": ["a"], "c": [], "e": ["d"], "x": []])
    let graph = try CompiledPlan(plan).graph
    #expect(graph.levels() == [[1, 3, 5], [2], [0], [4]])
    #expect(graph.criticalPath() == [1, 2, 0, 4])
    #expect(Set(graph.order) == Set(0..<6))
  }

  @Test("ready tasks go by priority, then by place")
  func rank() throws {
    var plan = Plan(["a": [], "b": [], "c": [], "d": []])
    plan.tasks[2].priority = 5
    plan.tasks[3].priority = 5
    plan.tasks[0].priority = -1
    #expect(try CompiledPlan(plan).rank == [3, 2, 0, 1])
  }

  @Test("tasks take the plan's settings, then the server's, field by field")
  func settings() throws {
    var defaults = PlanDefaults()
    defaults.retry.maxAttempts = 7
    defaults.maxParallel = 10
    defaults.maxDeliveries = 4
    var plan = Plan(["a": [], "b": []])
    plan.retry.initialDelayMilliseconds = 50
    plan.timeouts.startToCloseMilliseconds = 9
    plan.tasks[1].retry.initialDelayMilliseconds = 60
    plan.tasks[1].retry.maxAttempts = 2
    plan.tasks[1].timeouts.scheduleToStartMilliseconds = 8
    plan.tasks[1].maxDeliveries = 3
    plan.maxParallel = 99
    let compiled = try CompiledPlan(plan, defaults: defaults)
    #expect(compiled.retries.map(\.maxAttempts) == [7, 2])
    #expect(compiled.retries.map(\.initialDelayMilliseconds) == [50, 60])
    #expect(compiled.retries.map(\.multiplier) == [2, 2])
    #expect(compiled.timeouts.map(\.startToCloseMilliseconds) == [9, 9])
    #expect(compiled.timeouts.map(\.scheduleToStartMilliseconds) == [3_600_000, 8])
    #expect([compiled.maxDeliveries(0), compiled.maxDeliveries(1)] == [4, 3])
    // A plan may ask for less than the server's limit, not for more.
    #expect(compiled.maxParallel == 10)
    plan.maxParallel = 2
    #expect(try CompiledPlan(plan, defaults: defaults).maxParallel == 2)
  }

  @Test("S5: the server's own defaults")
  func serverDefaults() {
    let retry = RetryPolicy()
    #expect(retry.maxAttempts == 3 && retry.initialDelayMilliseconds == 1_000)
    #expect(retry.multiplier == 2 && retry.maxDelayMilliseconds == 60_000 && retry.jitter == 0.2)
    #expect(Timeouts().startToCloseMilliseconds == 600_000)
    #expect(Timeouts().scheduleToStartMilliseconds == 3_600_000)
    #expect(PlanDefaults().maxDeliveries == 10)
  }
}
