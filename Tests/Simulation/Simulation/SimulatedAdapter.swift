import Engine
import Plan

@testable import AdapterKit
@testable import Orchestrator

typealias Reference = AdapterKit.RunReference

/// An adapter of AdapterKit, with its network and its clock in the world's hands: the rules are those
/// of the real `RunTable`, and this does around it what `RunHost` and `RegistrySession` do.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class SimulatedAdapter: @unchecked Sendable {
  unowned let world: World
  let adapter: String
  let instance: String
  let taskTypes: [String]
  let maxConcurrency: Int
  let isPolled: Bool
  /// Its table survives it.
  let hasJournal: Bool

  // What a process has.
  private(set) var isUp = false
  /// Counts its processes: what one of them began is nothing to the next.
  private(set) var life = 0
  private var frozenUntil: Int64 = 0
  private(set) var epoch = 0
  var table: RunTable
  var live: [Reference: LiveRun] = [:]
  var delivering: Set<Reference> = []
  private(set) var answered: Int64 = 0
  var isDraining = false
  var session: String?
  var heartbeats = 0
  // What outlives it.
  private var journal: [Reference: AdapterKit.Run] = [:]
  private var keys: [String: IdempotencyKey] = [:]
  private var names: [IdempotencyKey: String] = [:]
  /// Results by the number that stands for them in the table.
  var results: [GivenResult] = []

  /// A run whose code is at work.
  struct LiveRun {
    enum Stop { case cancelled, deadline, handedBack }

    var run: RunName
    var ordinal: Int
    var number: Int
    var blueprint: Blueprint
    var timeout: Int64
    var stop: Stop?
    var hasBegun = false
    /// Told when it has ended.
    var waiters: [() -> Void] = []
  }

  init(
    _ world: World, _ adapter: String, _ instance: String, types: [String], places: Int,
    isPolled: Bool, hasJournal: Bool
  ) {
    self.world = world
    self.adapter = adapter
    self.instance = instance
    taskTypes = types
    maxConcurrency = places
    self.isPolled = isPolled
    self.hasJournal = hasJournal
    table = Self.newTable(epoch: 0, places)
  }

  static func several(_ world: World) -> [SimulatedAdapter] {
    [("one", "o1"), ("one", "o2"), ("two", "w1"), ("two", "w2")].map { adapter, instance in
      SimulatedAdapter(
        world, adapter, instance, types: adapter == "one" ? ["t"] : ["t", "u"],
        places: 1 + world.dice.roll(3), isPolled: world.dice.roll(3) == 0,
        hasJournal: world.dice.roll(3) > 0)
    }
  }

  /// The two instances of the world of enumerated mixes.
  static func pair(_ world: World) -> [SimulatedAdapter] {
    ["o1", "o2"].map {
      SimulatedAdapter(
        world, "one", $0, types: ["t"], places: 2, isPolled: world.setup.isPolled,
        hasJournal: true)
    }
  }

  private static func newTable(epoch: Int, _ places: Int) -> RunTable {
    let digits = String(epoch)
    return RunTable(
      epoch: String(repeating: "0", count: 6 - digits.count) + digits, runningMax: places,
      retention: RunTable.Retention(tombstone: 60_000, lost: 600_000))
  }

  // MARK: The process

  func start() {
    isUp = true
    life += 1
    epoch += 1
    world.note("\(instance) starts", 10, life)
    table = Self.newTable(epoch: epoch, maxConcurrency)
    if hasJournal {
      table.load(journal.values.sorted { $0.reference < $1.reference }, now: world.now)
    } else {
      journal = [:]
    }
    live = [:]
    delivering = []
    answered = 0
    isDraining = false
    session = nil
    for run in table.listed { deliver(run.reference) }
    register()
  }

  /// Everything in memory is gone.
  func die(downFor milliseconds: Int64) {
    guard isUp else { return }
    world.note("\(instance) dies", 11, life)
    isUp = false
    life += 1
    live = [:]
    world.after(milliseconds) { [weak self] in
      if self?.isUp == false { self?.start() }
    }
  }

  /// Work that reaches the process, now or when it moves again.
  func receive(_ work: @escaping () -> Void) {
    guard isUp else { return }
    guard frozenUntil <= world.now else {
      let life = life
      world.after(frozenUntil - world.now) { [weak self] in
        if self?.life == life { self?.receive(work) }
      }
      return
    }
    work()
  }

  /// After a while, in this life.
  func after(_ delay: Int64, _ work: @escaping () -> Void) {
    let life = life
    world.after(delay) { [weak self] in
      guard let self, self.life == life else { return }
      receive(work)
    }
  }

  /// What befalls it as a process.
  func trouble() {
    guard isUp else { return }
    if world.strikes(.adapterDies) { die(downFor: world.dice.between(20, 7_000)) }
    if world.strikes(.adapterHangs) { frozenUntil = world.now + world.dice.between(200, 7_000) }
    if world.strikes(.adapterLeaves) { leave() }
  }

  func calmDown() {
    frozenUntil = world.now
    if !isUp { start() }
  }

  /// The changes of the table are durable before anything is answered.
  func save() {
    let changes = table.takeChanges()
    if hasJournal { for change in changes { journal[change.reference] = change.run } }
  }

  /// It holds nothing that anybody waits for.
  var isQuiet: Bool { isUp && live.isEmpty && delivering.isEmpty && table.listed.isEmpty }

  var unfinished: String {
    let runs = table.listed.map { "\($0.reference) token \($0.token) \($0.state)" }
    return "\(instance): \(live.count) live, \(delivering.count) deliveries, \(runs)"
  }

  func tearDown() {
    live = [:]
    journal = [:]
  }

  // MARK: Names

  func reference(_ key: IdempotencyKey, _ attempt: Int32) -> Reference {
    if let name = names[key] { return Reference(key: name, attempt: attempt) }
    let name = key.description
    names[key] = name
    keys[name] = key
    return Reference(key: name, attempt: attempt)
  }

  func key(_ reference: Reference) -> IdempotencyKey? { keys[reference.key] }

  // MARK: Calls from the orchestrator

  func dispatch(_ handOut: Orchestrator.HandOut) -> HandOutReply {
    let run = handOut.run
    let reference = reference(run.key, run.attempt)
    let record = AdapterKit.HandOut(
      run: reference, token: run.token, delivery: handOut.delivery, taskID: run.key.taskID)
    guard let blueprint = world.scripts.blueprint(run.key.planID),
      let ordinal = blueprint.compiled.ordinals[run.key.taskID]
    else { return .rejected(TaskError(.permanent, code: "UNKNOWN", message: "no such plan")) }
    if table.wouldStart(record) {
      if isDraining || world.strikes(.adapterBusy) { return .busy(retryAfterMilliseconds: 50) }
      if case .isRejected(let error) = blueprint.course(ordinal, run.attempt) {
        return .rejected(error)
      }
    }
    let (verdict, ended) = table.handOut(record)
    save()
    let older = stop(ended, .cancelled)
    if verdict == .start {
      startRun(
        reference,
        LiveRun(
          run: run, ordinal: ordinal, number: world.scripts.nextRun(), blueprint: blueprint,
          timeout: handOut.timeoutMilliseconds), after: older)
    }
    switch verdict {
    case .start, .same: break
    case .noRoom: return .busy(retryAfterMilliseconds: 50)
    case .lost: return .lost(code: "RUN_LOST", message: "lost with its process")
    case .superseded: return .lost(code: "LATER_ATTEMPT", message: "a later attempt is known")
    case .cancelled: return .lost(code: "RUN_CANCELLED", message: "cancelled")
    case .ended: return .lost(code: "RUN_ENDED", message: "acknowledged")
    }
    deliver(reference)
    answered += 1
    return .accepted(
      handle: table[reference]?.handle ?? "", epoch: table.epoch, answered: answered)
  }

  func poll(_ run: RunName, _ wait: Int64, _ reply: @escaping (PollReply) -> Void) {
    let reference = reference(run.key, run.attempt)
    var isAnswered = false
    let answer = { [unowned self] in
      guard !isAnswered else { return }
      isAnswered = true
      reply(pollReply(reference, run))
    }
    if table.ask(reference, token: run.token)?.isRunning == true, live[reference] != nil {
      save()
      live[reference]?.waiters.append(answer)
      after(wait, answer)
    } else {
      answer()
    }
  }

  private func pollReply(_ reference: Reference, _ run: RunName) -> PollReply {
    let known = table.ask(reference, token: run.token)
    save()
    deliver(reference)
    guard let known else { return .notFound }
    guard let bytes = known.result else { return .pending(hasStarted: known.hasStarted) }
    let given = result(bytes)
    if let ordinal = ordinal(run.key) {
      world.scripts.give(given, run, ordinal)
    }
    return .finished(given.result)
  }

  /// Ends the run without a result.
  func takeBack(_ run: RunName) { stop([reference(run.key, run.attempt)], .handedBack) }

  func cancel(_ run: RunName) {
    stop(table.cancel(reference(run.key, run.attempt), now: world.now).ended, .cancelled)
    save()
  }

  /// P3: what it holds, as it is told.
  func list() -> RunList {
    var runs = table.listed.compactMap { run -> RunList.Run? in
      guard let key = key(run.reference), !world.strikes(.listLeavesOut) else { return nil }
      return RunList.Run(
        key: key, attempt: run.reference.attempt, token: run.token,
        isFinished: run.result != nil)
    }
    if world.strikes(.listInvents), let plan = world.ledger.order.last {
      let key = IdempotencyKey(planID: plan.id, taskID: "t0")
      runs.append(RunList.Run(key: key, attempt: 1, token: 1, isFinished: world.dice.roll(2) == 0))
    }
    return RunList(runs: runs, epoch: table.epoch, answered: answered)
  }

  func ordinal(_ key: IdempotencyKey) -> Int? {
    world.scripts.blueprint(key.planID)?.compiled.ordinals[key.taskID]
  }

  // MARK: Results in the table

  /// The bytes that stand for a result in the table: its number.
  func bytes(_ given: GivenResult) -> [UInt8] {
    results.append(given)
    return withUnsafeBytes(of: (results.count - 1).bigEndian) { Array($0) }
  }

  func result(_ bytes: [UInt8]) -> GivenResult {
    results[bytes.reduce(0) { $0 << 8 | Int($1) }]
  }
}
