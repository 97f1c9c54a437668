import Engine
import Plan

@testable import Orchestrator

/// Something a caller does to a plan. A new one is a line in `all`.
struct Verb: Sendable {
  typealias Reply = (Result<PlanSnapshot, OrchestratorError>) -> Void

  var name: String
  /// How often it is chosen.
  var weight: Int
  /// What is asked of the orchestrator.
  var ask: @Sendable (World, Shard, PlanID, @escaping Reply) -> Void
  /// Whether a plan may be in this state once the call was answered.
  var holds: @Sendable (PlanStatus) -> Bool
  /// Hand-outs may follow again.
  var restarts = false
  var cancels = false

  static let pause = steering("pause", 6, .pause(reason: "lunch")) { $0 != .running }
  static let resume = steering("resume", 8, .resume, restarts: true) { $0 != .paused }
  static let cancel = steering("cancel", 1, .cancel(reason: "no longer"), cancels: true) {
    $0.isFinal
  }
  static let retry = Verb(
    name: "retry", weight: 4,
    ask: { $1.retry($2, reason: "once more", pageSize: 500, $3) },
    holds: { $0 != .created && $0 != .cancelled })
  static let update = updating("update", 2) { randomUpdate($0, $1) }
  /// Takes a deadline away, or far off.
  static let postpone = updating("postpone", 0) { world, _ in
    var update = PlanUpdate()
    update.deadline = world.dice.roll(2) == 0 ? .remove : .set(.after(milliseconds: 60_000))
    return update
  }

  static let all = [pause, resume, cancel, retry, update]

  private static func steering(
    _ name: String, _ weight: Int, _ event: PlanEvent, restarts: Bool = false,
    cancels: Bool = false, _ holds: @escaping @Sendable (PlanStatus) -> Bool
  ) -> Verb {
    Verb(
      name: name, weight: weight, ask: { $1.steer($2, event, pageSize: 500, $3) }, holds: holds,
      restarts: restarts, cancels: cancels)
  }

  private static func updating(
    _ name: String, _ weight: Int, _ make: @escaping @Sendable (World, PlanID) -> PlanUpdate
  ) -> Verb {
    Verb(
      name: name, weight: weight,
      ask: { world, shard, id, reply in
        guard let process = world.process else { return }
        let update = make(world, id)
        shard.update(id, world.falsified(update), pageSize: 500) { answer in
          world.check(answer, of: id, update, process)
          reply(answer)
        }
      }, holds: { $0 != .created })
  }

  private static func randomUpdate(_ world: World, _ id: PlanID) -> PlanUpdate {
    var update = PlanUpdate()
    if world.dice.roll(3) == 0 { update.expectedRevision = world.ledger[id]?.row.revision }
    if world.dice.roll(2) == 0 { update.priority = Int32(world.dice.roll(4)) }
    if world.dice.roll(2) == 0 { update.setLabels = ["k": "v\(world.dice.roll(3))"] }
    guard world.ledger[id]?.blueprint.isStrict == false else { return update }
    switch world.dice.roll(4) {
    case 0: update.deadline = .remove
    case 1: update.deadline = .set(.after(milliseconds: world.dice.between(500, 20_000)))
    default: break
    }
    return update
  }
}
