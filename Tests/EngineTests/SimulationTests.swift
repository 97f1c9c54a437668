import Plan
import Testing

@testable import Engine

/// Random plans under random events, late and repeated messages, crashes and failed commits.
///
/// After every event the invariants hold, and a second machine made from the store agrees with the
/// first; from any moment on, the plans come to their end.
struct SimulationTests {
  /// The seeds; a failure names its own.
  private static let batches = (0..<8).map { UInt64($0) * 50..<UInt64($0) * 50 + 50 }

  @Test("invariants and recovery", arguments: batches)
  func random(_ seeds: Range<UInt64>) throws {
    for seed in seeds {
      var world = try World(seed: seed)
      for step in 0..<120 {
        var problems = world.step()
        if problems.isEmpty && step % 30 == 29 {
          var ending = world
          problems = ending.finish()
        }
        guard problems.isEmpty else {
          let last = world.history.suffix(12).map { String($0.prefix(240)) }.joined(separator: "\n")
          Issue.record("seed \(seed), step \(step): \(problems.joined(separator: "; "))\n\(last)")
          return
        }
      }
    }
  }

  @Test("the same seed gives the same history")
  func repeatable() throws {
    var first = try World(seed: 7)
    var second = try World(seed: 7)
    for _ in 0..<200 { #expect(first.step() == second.step()) }
    #expect(first.history == second.history)
    #expect(first.lives.map(\.store.contents) == second.lives.map(\.store.contents))
  }

  @Test("the worlds reach every state, every event kind and every refusal")
  func coverage() throws {
    var statuses: Set<TaskStatus> = []
    var plans: Set<PlanStatus> = []
    var kinds: Set<EventKind> = []
    var refusals: Set<Refusal> = []
    for seed in 0..<60 as Range<UInt64> {
      var world = try World(seed: seed)
      for _ in 0..<120 {
        _ = world.step()
        for life in world.lives {
          plans.insert(life.machine.plan.status)
          statuses.formUnion(life.machine.rows.indices.map { life.machine.status(of: $0) })
          kinds.formUnion(life.machine.draft.events.map(\.kind))
          if case .refused(let refusal) = life.machine.draft.answer { refusals.insert(refusal) }
        }
      }
    }
    #expect(statuses == Set(TaskStatus.allCases))
    #expect(plans == Set(PlanStatus.allCases))
    #expect(kinds == Set(EventKind.allCases))
    #expect(refusals == Set(Refusal.allCases))
  }
}
