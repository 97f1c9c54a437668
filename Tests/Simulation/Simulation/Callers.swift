import Engine
import Orchestrator
import Plan

/// Everybody who submits, steers, reads and watches plans.
final class Callers {
  unowned let world: World
  /// Submissions that are not acknowledged yet.
  private var openSubmissions = 0
  private var openSteers = 0
  private var openWatchers = 0
  private var blueprintCount = 0
  private var idCount: UInt64 = 0
  private(set) var planIDs: [PlanID] = []
  private var isCalm = false
  private let plansMax: Int

  init(_ world: World) {
    self.world = world
    plansMax = world.setup.mix == nil ? 3 + world.dice.roll(6) : 1
  }

  var isDone: Bool { openSubmissions == 0 && openSteers == 0 && openWatchers == 0 }

  var unfinished: String {
    "\(openSubmissions) submit, \(openSteers) steer, \(openWatchers) watch"
  }

  func start() {
    if world.setup.mix != nil {
      startPair()
    } else {
      submitRandom()
      goOn()
    }
  }

  private func goOn() {
    world.after(world.dice.between(20, 500)) { [unowned self] in
      guard !isCalm else { return }
      act()
      goOn()
    }
  }

  private func act() {
    guard let id = planIDs.isEmpty ? nil : world.dice.pick(planIDs) else { return submitRandom() }
    switch world.dice.roll(20) {
    case 0..<5: submitRandom()
    case 5..<10: steer(id)
    case 10..<14: world.read(id)
    case 14: decide(id)
    case 15..<18:
      let last = world.ledger[id]?.row.lastSeq ?? 0
      watch(id, from: 1 + world.dice.between(0, last + 2))
    default: break
    }
  }

  private func steer(_ id: PlanID) {
    // Somebody who is told of a deadline moves it, and tries once more.
    if world.ledger[id]?.row.error?.code == "PLAN_DEADLINE", world.dice.roll(2) == 0 {
      steer(id, .postpone)
      world.after(world.dice.between(50, 300)) { [unowned self] in steer(id, .retry) }
    } else if world.ledger[id]?.row.status == .failed, world.dice.roll(3) == 0 {
      steer(id, .retry)
    } else {
      steer(id, randomVerb())
    }
  }

  private func randomVerb() -> Verb {
    var left = world.dice.roll(Verb.all.reduce(0) { $0 + $1.weight })
    for verb in Verb.all {
      left -= verb.weight
      if left < 0 { return verb }
    }
    return .resume
  }

  // MARK: Submitting

  private func newID() -> PlanID {
    idCount += 1
    return PlanID(unixMilliseconds: world.now, randomness: (idCount, world.setup.seed))
  }

  private func submitRandom() {
    guard blueprintCount < plansMax else { return }
    blueprintCount += 1
    let number = blueprintCount
    let blueprint = Blueprint.random(&world.dice, number: number, world.options)
    let key = world.dice.roll(4) > 0 ? "k\(number)" : nil
    submit(blueprint, key: key, digest: number)
    guard let key, world.dice.roll(4) == 0 else { return }
    // Somebody else uses the same key, with the same body or with another.
    let isOther = world.dice.roll(2) == 0
    world.after(world.dice.between(0, 300)) { [unowned self] in
      submit(blueprint, key: key, digest: isOther ? number + 100 : number)
    }
  }

  /// Submits until it is answered; without a key only once.
  private func submit(_ blueprint: Blueprint, key: String?, digest number: Int) {
    openSubmissions += 1
    let id = newID()
    world.note("submit plan \(blueprint.number) as \(id)", 30, blueprint.number)
    let digest = Digest((0..<32).map { UInt8(truncatingIfNeeded: number >> $0) })
    guard let digest else { return }
    world.submit(blueprint, id: id, key: key, digest: digest) { [unowned self] answer in
      openSubmissions -= 1
      switch answer {
      case .success(let answer):
        planIDs.append(answer.planID)
        if world.dice.roll(2) == 0 { watch(answer.planID, from: 1) }
      case .failure(let error) where error.code == .requestKeyReused: break
      case nil, .failure:
        guard key != nil else { return }
        openSubmissions += 1
        world.after(world.dice.between(20, 400)) { [unowned self] in
          openSubmissions -= 1
          submit(blueprint, key: key, digest: number)
        }
      }
    }
  }

  // MARK: Deciding

  /// Answers whatever a plan asks; sometimes what it has not asked yet.
  private func decide(_ id: PlanID) {
    guard let plan = world.ledger[id] else { return }
    for ordinal in plan.tasks.indices where plan.blueprint.isApproval(ordinal) {
      let isAsked = plan.tasks[ordinal].status == .waitingInput
      if isAsked || (!isCalm && world.dice.roll(3) == 0) { decide(plan, ordinal) }
    }
  }

  private func decide(_ plan: LedgerPlan, _ ordinal: Int) {
    // Somebody else may see it differently, where it does not matter who was first.
    let isOther = !plan.blueprint.isStrict && world.dice.roll(4) == 0
    world.note("decide task \(ordinal) of plan \(plan.number)", 32, ordinal)
    openSteers += 1
    world.complete(plan.id, ordinal, isOther ? .value([]) : plan.blueprint.decision(ordinal)) {
      [unowned self] _ in openSteers -= 1
    }
  }

  // MARK: Steering and watching

  private func steer(_ id: PlanID, _ verb: Verb, untilAnswered: Bool = false) {
    world.note("\(verb.name) \(id)", 31, verb.weight)
    openSteers += 1
    world.steer(id, verb) { [unowned self] answer in
      openSteers -= 1
      if case .success = answer { return }
      if untilAnswered { steer(id, verb, untilAnswered: true) }
    }
  }

  /// Reads on until the plan's end, from wherever it was cut off.
  private func watch(_ id: PlanID, from seq: Int64) {
    openWatchers += 1
    let cursor = WatchCursor(seq: seq, progress: world.dice.roll(3) == 0 ? WatchCursor.live : nil)
    let cancelAfter = !isCalm && world.dice.roll(6) == 0 ? world.dice.between(10, 2_000) : nil
    world.watch(id, cursor, cancelAfter: cancelAfter) { [unowned self] answer in
      openWatchers -= 1
      switch answer {
      case .success(let batch) where batch.isEnd: return
      case .success(let batch): watch(id, from: batch.next.seq)
      case .failure(let error) where error.code == .cancelled: return
      case .failure, nil:
        openWatchers += 1
        world.after(world.dice.between(20, 300)) { [unowned self] in
          openWatchers -= 1
          watch(id, from: seq)
        }
      }
    }
  }

  // MARK: Ends

  /// Nobody acts any more, but somebody resumes what is paused and answers what is asked.
  func calmDown() {
    isCalm = true
    attend()
  }

  private func attend() {
    for plan in world.ledger.order where plan.row.finishedAt == nil {
      if plan.row.status == .paused { steer(plan.id, .resume, untilAnswered: true) }
      decide(plan.id)
    }
    world.after(1_000) { [unowned self] in attend() }
  }

  func tearDown() { planIDs = [] }

  // MARK: The world of enumerated mixes

  private func startPair() {
    let blueprint = Blueprint.pair(
      isStrict: world.setup.seed % 2 == 0, seed: world.setup.seed, world.options)
    world.after(300) { [unowned self] in submit(blueprint, key: "k", digest: 1) }
    if world.setup.seed % 3 == 1 {
      world.after(900) { [unowned self] in
        if let id = planIDs.first { steer(id, .cancel) }
      }
    }
  }
}
