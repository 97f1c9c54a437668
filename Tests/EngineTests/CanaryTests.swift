import Plan
import Testing

@testable import Engine

/// Proves that each invariant can fail: a step that keeps all of them is falsified in one point, and
/// the invariant that is about it must say so.
struct CanaryTests {
  private struct Canary: Sendable {
    var invariant: String
    /// Whether a step can be falsified in this way.
    var fits: @Sendable (Step) -> Bool
    var falsify: @Sendable (inout Step) -> Void
  }

  private static func handsOut(_ step: Step) -> Bool { !step.handOuts.isEmpty }

  private static func isRunning(_ step: Step) -> Bool {
    step.stored.plan.status == .running && step.after.outCount > 0
  }

  private static func beginsAttempt(_ step: Step) -> Bool {
    step.stored.plan.attempts > step.before.plan.attempts
  }

  /// The first stored row that has been handed out.
  private static func firstOut(_ step: Step) -> Int? {
    step.stored.tasks.firstIndex { $0.status.isOut }
  }

  private static let canaries: [Canary] = [
    Canary(invariant: "revision +1 per change", fits: { $0.change != nil }) {
      $0.decision.change?.plan.revision += 1
    },
    Canary(invariant: "seq without a gap", fits: handsOut) {
      $0.decision.change?.events[0].seq += 1
    },
    Canary(invariant: "seq without a gap", fits: handsOut) {
      $0.decision.change?.events.removeLast()
    },
    Canary(invariant: "every row that changed is in the change, whole", fits: isRunning) {
      $0.after.rows[$0.stored.tasks[0].ordinal].startedAt = 7
    },
    Canary(
      invariant: "at most one accepted result per attempt",
      fits: { $0.stored.tasks.contains { !$0.accepted.isEmpty } }
    ) { step in
      let index = step.stored.tasks.firstIndex { !$0.accepted.isEmpty } ?? 0
      step.stored.tasks[index].accepted.append(step.stored.tasks[index].accepted[0])
    },
    Canary(
      invariant: "what was accepted stays accepted",
      fits: { $0.before.tasks.contains { !$0.accepted.isEmpty } }
    ) { step in
      for index in step.stored.tasks.indices { step.stored.tasks[index].accepted = [] }
    },
    Canary(invariant: "tokens rise strictly", fits: { _ in true }) {
      $0.tally.tokens[0] = [1, 2, 2]
    },
    Canary(
      invariant: "attempts and deliveries within policy, one at a time", fits: isRunning
    ) { $0.stored.tasks[0].attempt = 99 },
    Canary(
      invariant: "attempts and deliveries within policy, one at a time", fits: isRunning
    ) { $0.stored.tasks[0].delivery = 99 },
    Canary(
      invariant: "no task before its dependencies",
      fits: { step in
        step.handOuts.contains { event in
          event.index == nil
            && step.after.compiled.ordinals[event.taskID].map {
              !step.after.compiled.graph.dependencies[$0].isEmpty
            } ?? false
        }
      }
    ) { step in
      for index in step.stored.tasks.indices where step.stored.tasks[index].status.isFinal {
        step.stored.tasks[index].status = .running
      }
    },
    Canary(
      invariant: "a condition is kept to, and asked for once everything upstream ended well",
      fits: { step in
        step.after.rows.contains {
          step.after.compiled.conditions[$0.ordinal] != nil && $0.error?.code == "CONDITION_FALSE"
        }
      }
    ) { step in
      let index = step.after.rows.firstIndex { $0.error?.code == "CONDITION_FALSE" } ?? 0
      step.after.rows[index].status = .succeeded
    },
    Canary(
      invariant: "a condition is kept to, and asked for once everything upstream ended well",
      fits: { $0.stored.tasks.contains { $0.status.isOut } }
    ) { step in
      step.decision.questions.append(step.stored.tasks.first { $0.status.isOut }?.ordinal ?? 0)
    },
    Canary(
      invariant: "a mapped task keeps to its bound, and ends with its last instance",
      fits: { $0.stored.tasks.contains { $0.status == .expanded } }
    ) { step in
      let index = step.stored.tasks.firstIndex { $0.status == .expanded } ?? 0
      step.stored.tasks[index].status = .succeeded
    },
    Canary(
      invariant: "a mapped task keeps to its bound, and ends with its last instance",
      fits: { step in
        step.after.compiled.mapped.contains { task in
          step.after.compiled.maps[task]?.maxParallel == 1
            && (step.after.expansions[task]?.open ?? 0) > 1
            && step.after.plan.status == .running
        }
      }
    ) { step in
      for ordinal in step.after.rows.indices where step.after.isInstance(ordinal) {
        step.after.unmet[ordinal] = 0
      }
    },
    Canary(
      invariant: "sub-plans keep to the bound, and are told what their plan is told",
      fits: { step in
        switch step.event {
        case .pause, .resume, .cancel, .deadline: !step.decision.orders.isEmpty
        default: false
        }
      }
    ) { step in
      step.decision.orders = []
    },
    Canary(invariant: "nothing is handed out after pause or cancel", fits: handsOut) {
      $0.stored.plan.status = .paused
    },
    Canary(
      invariant: "every hand-out is recorded, then sent, and nothing else is", fits: handsOut
    ) { $0.decision.commands = [] },
    Canary(
      invariant: "every hand-out is recorded, then sent, and nothing else is", fits: isRunning
    ) { $0.decision.commands.append(.handOut(ordinal: 0)) },
    Canary(invariant: "pool counts equal the rows out", fits: isRunning) {
      $0.pool.release(adapter: "one", instance: "o1")
    },
    Canary(
      invariant: "limits hold for what is handed out",
      fits: { $0.handOuts.contains { !$0.instance.isEmpty } }
    ) { step in
      // Sub-plans are with no instance.
      step.pool.remove(step.handOuts.first { !$0.instance.isEmpty }?.instance ?? "")
    },
    Canary(
      invariant: "no more attempts than the budget's, and none once its tokens are used",
      fits: { $0.after.creation.plan.budget?.tasks != nil && beginsAttempt($0) }
    ) { $0.stored.plan.attempts += $0.after.creation.plan.budget?.tasks ?? 0 },
    Canary(
      invariant: "no more attempts than the budget's, and none once its tokens are used",
      fits: { $0.after.creation.plan.budget?.tokens != nil && beginsAttempt($0) }
    ) { $0.stored.plan.usage.inputTokens = $0.after.creation.plan.budget?.tokens ?? 0 },
    Canary(
      invariant: "attempts are counted once, at their first hand-out", fits: { _ in true }
    ) { $0.stored.plan.attempts += 1 },
    Canary(invariant: "a plan says why it is paused, and only then", fits: isRunning) {
      $0.stored.plan.pause = PlanPause(.requested, message: "", since: 0)
    },
    Canary(
      invariant: "a plan says why it is paused, and only then",
      fits: { $0.stored.plan.status == .paused }
    ) { $0.stored.plan.pause = nil },
    Canary(
      invariant: "what is not handed out in its turn has a reason",
      fits: { step in
        guard case .schedule(most: .max) = step.event, step.stored.plan.status == .running else {
          return false
        }
        return step.after.rows.indices.contains {
          let wait = step.after.wait(of: $0, step.pool, now: step.now)
          return wait == .handOut(.noAdapter(route: ["one", "two"]))
        }
      }
    ) { step in
      step.pool.register(
        AdapterPool.Instance(
          adapter: "two", name: "z", taskTypes: ["t", "u", "v", "none"], maxConcurrency: 9))
    },
    Canary(
      invariant: "terminal is final",
      fits: { step in
        step.event != .retry(reason: "") && step.before.tasks.contains { $0.status.isFinal }
      }
    ) { step in
      let ended = step.before.tasks.first { $0.status.isFinal }?.ordinal
      let index = step.stored.tasks.firstIndex { $0.ordinal == ended } ?? 0
      step.stored.tasks[index].finishedAt = 7
    },
    Canary(
      invariant: "terminal is final", fits: { $0.before.plan.finishedAt != nil }
    ) { $0.decision.change = PlanChange(planID: $0.before.planID, plan: $0.before.plan) },
    Canary(invariant: "a plan ends once, with its last task", fits: { _ in true }) {
      $0.tally.ends += 1
    },
    Canary(invariant: "a plan ends once, with its last task", fits: isRunning) {
      $0.stored.plan.finishedAt = 7
    },
    Canary(
      invariant: "an output is stored with its success and at no other time", fits: { _ in true }
    ) { $0.decision.storesOutput.toggle() },
    Canary(invariant: "totals are the sums of the rows", fits: { _ in true }) {
      $0.stored.plan.outputBytes += 1
    },
    Canary(invariant: "totals are the sums of the rows", fits: { _ in true }) {
      $0.stored.plan.usage.inputTokens += 1
    },
    Canary(invariant: "whatever waits has a timer", fits: isRunning) { $0.timers = [:] },
    Canary(invariant: "the store alone is enough", fits: isRunning) { step in
      for ordinal in step.after.unmet.indices { step.after.unmet[ordinal] += 1 }
    },
    Canary(invariant: "the store alone is enough", fits: isRunning) { $0.after.openCount += 1 },
    Canary(invariant: "the store alone is enough", fits: isRunning) { step in
      guard let index = firstOut(step) else { return }
      step.after.timersDueAt[step.stored.tasks[index].ordinal] += 1_000_000
    },
    Canary(invariant: "the store alone is enough", fits: isRunning) { step in
      guard let index = firstOut(step) else { return }
      step.stored.tasks[index].status = .succeeded
    },
    Canary(
      invariant: "the store alone is enough",
      fits: { $0.stored.plan.status == .running && $0.after.hasReadyTasks }
    ) { $0.after.ready = ReadyLanes() },
  ]

  @Test("a falsified step is found", arguments: canaries.indices)
  func canary(_ index: Int) throws {
    let canary = Self.canaries[index]
    let invariant = try #require(Invariant.all.first { $0.name == canary.invariant })
    var found = 0
    for seed in 1_000..<1_100 as Range<UInt64> {
      var world = try World(seed: seed)
      for _ in 0..<80 {
        #expect(world.step() == [])
        guard var step = world.lastStep, canary.fits(step) else { continue }
        #expect(invariant.check(step) == nil)
        canary.falsify(&step)
        #expect(invariant.check(step) != nil, "\(canary.invariant), canary \(index), seed \(seed)")
        found += 1
        if found == 3 { return }
      }
    }
    Issue.record("no step fits canary \(index), \(canary.invariant)")
  }

  @Test("every invariant has a canary")
  func complete() {
    #expect(Set(Self.canaries.map(\.invariant)) == Set(Invariant.all.map(\.name)))
  }
}
