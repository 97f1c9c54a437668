import Engine
import Plan
import Testing

@testable import Orchestrator

/// The order in which plans that wait for places get their turns.
struct WaitingLineTests {
  private func entry(_ number: UInt64, priority: Int32 = 0) throws -> PlanEntry {
    var plan = Plan()
    var task = PlanTask()
    task.id = "a"
    task.type = "mock"
    plan.tasks = [task]
    plan.priority = priority
    let compiled = try CompiledPlan(plan)
    let creation = PlanCreation(
      namespace: "default", requestKey: nil,
      requestDigest: try #require(Digest([UInt8](repeating: 0, count: 32))), plan: plan,
      defaults: compiled.defaults)
    return PlanEntry(
      machine: PlanMachine(id: Bench.planID(number), compiled: compiled, creation: creation))
  }

  /// Gives so many turns; answers whose they were.
  private func turns(
    _ count: Int, _ line: inout WaitingLine, served: (PlanEntry) -> Bool = { _ in true },
    isWaiting: (PlanEntry) -> Bool = { _ in true }
  ) -> [UInt64] {
    var order: [UInt64] = []
    for _ in 0..<count {
      let isGiven = line.giveTurn(isWaiting: isWaiting) { entry in
        order.append(entry.id.low)
        return served(entry)
      }
      if !isGiven { break }
    }
    return order
  }

  @Test("plans of one priority take turns, those of a higher one go first")
  func order() throws {
    var line = WaitingLine()
    for entry in [try entry(1), try entry(2), try entry(3, priority: 5)] { line.join(entry) }
    #expect(turns(2, &line) == [3, 3])
    var left = 1
    let order = turns(
      5, &line,
      isWaiting: { entry in
        guard entry.id.low == 3 else { return true }
        left -= 1
        return left >= 0
      })
    #expect(order == [3, 1, 2, 1, 2])
  }

  @Test("who finds no place of its own is tried again once one becomes free, or more is ready")
  func blocked() throws {
    var line = WaitingLine()
    let (first, second) = (try entry(1), try entry(2))
    line.join(first)
    line.join(second)
    #expect(turns(5, &line, served: { _ in false }) == [1, 2])
    #expect(!line.isEmpty { _ in true })
    #expect(turns(1, &line) == [])
    line.join(second)
    #expect(turns(1, &line, served: { _ in false }) == [2])
    line.unblock()
    #expect(turns(2, &line) == [1, 2])
  }

  @Test("who no longer waits is passed over and comes back at the end")
  func leaving() throws {
    var line = WaitingLine()
    let (first, second) = (try entry(1), try entry(2))
    line.join(first)
    line.join(second)
    #expect(turns(1, &line, isWaiting: { $0 !== first }) == [2])
    line.join(first)
    #expect(turns(3, &line) == [2, 1, 2])
    #expect(line.isEmpty { _ in false })
  }

  @Test("a plan whose priority was changed has its new place, and only that")
  func updated() throws {
    var line = WaitingLine()
    let (first, second) = (try entry(1), try entry(2))
    line.join(first)
    line.join(second)
    second.machine = try entry(2, priority: 1).machine
    line.join(second)
    #expect(turns(1, &line) == [2])
    second.machine = try entry(2).machine
    line.join(second)
    #expect(turns(2, &line) == [1, 2])
    #expect(turns(2, &line) == [1, 2])
  }
}
