import Testing

@testable import Plan

/// The validator on the largest plans and the worst ones: an answer within a second. A debug build is
/// slower; what it must tell apart from is minutes.
struct ScaleTests {
  #if DEBUG
    private static let allowance = Duration.seconds(20)
  #else
    private static let allowance = Duration.seconds(1)
  #endif

  private func expectFast(_ plan: Plan, _ check: ([PlanProblem]) -> Bool) {
    var found: [PlanProblem] = []
    let time = ContinuousClock().measure { found = problems(plan) }
    #expect(check(found), "\(found.prefix(3))")
    #expect(time < Self.allowance)
  }

  @Test("20,000 tasks with 200,000 edges")
  func largest() {
    var plan = Plan()
    plan.tasks = (0..<20_000).map { index in
      let before = (1...11).prefix { index - $0 >= 0 }.map { "t\(index - $0)" }
      return PlanTask("t\(index)", after: Array(before.prefix(10)), payload: #"{"prompt":"x\ny"}"#)
    }
    #expect(plan.tasks.reduce(0) { $0 + $1.dependsOn.count } > 199_900)
    expectFast(plan) { $0.isEmpty }
  }

  @Test("a chain of 20,000")
  func chain() throws {
    var plan = Plan()
    plan.tasks = (0..<20_000).reversed().map {
      PlanTask("t\($0)", after: $0 > 0 ? ["t\($0 - 1)"] : [])
    }
    expectFast(plan) { $0.isEmpty }
    let graph = try CompiledPlan(plan).graph
    #expect(graph.levels().count == 20_000 && graph.criticalPath().count == 20_000)
  }

  @Test("section 5: more than 20,000 tasks or 200,000 dependencies are refused")
  func tooLarge() {
    var plan = Plan()
    plan.tasks = (0...20_000).map { PlanTask("t\($0)") }
    expectFast(plan) { $0.contains { $0.reason == .tooManyTasks } }
    plan.tasks = (0..<20_000).map { index in
      PlanTask("t\(index)", after: (1...11).map { "t\((index + $0) % 20_000)" })
    }
    expectFast(plan) { $0.contains { $0.reason == .tooManyEdges } }
  }

  @Test("200,000 unknown dependencies")
  func unknown() {
    var plan = Plan()
    plan.tasks = (0..<20_000).map { index in
      PlanTask("t\(index)", after: (0..<10).map { "tx\(index)-\($0)" })
    }
    expectFast(plan) { $0.count == 100 }
  }

  @Test("every task reads one far upstream")
  func references() {
    var plan = Plan()
    plan.tasks = (0..<20_000).map { index in
      PlanTask(
        "t\(index)", after: index > 0 ? ["t\(index - 1)"] : [],
        payload: index > 9_999 ? "{\"p\":\"${{ tasks.t\(index - 10_000).output }}\"}" : "{}")
    }
    expectFast(plan) { $0.isEmpty }
  }

  @Test("one task that waits for all others reads each of them five times")
  func widest() {
    var plan = Plan()
    plan.tasks = (0..<19_999).map { PlanTask("t\($0)") }
    let reads = (0..<60_000).map { "\"${{tasks.t\($0 % 19_999).output}}\"" }.joined(separator: ",")
    plan.tasks.append(PlanTask("last", after: plan.tasks.map(\.id), payload: "{\"p\":[\(reads)]}"))
    #expect(plan.tasks[19_999].payload.count < 2 << 20)
    expectFast(plan) { $0.isEmpty }
  }

  @Test("a payload of a hundred thousand escapes")
  func escapes() {
    var plan = Plan(["a": []])
    let strings = Array(repeating: #""$${{ x""#, count: 200_000).joined(separator: ",")
    plan.tasks[0].payload = Array("{\"p\":[\(strings)]}".utf8)
    expectFast(plan) { $0.isEmpty }
  }
}
