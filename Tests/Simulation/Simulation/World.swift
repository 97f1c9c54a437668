import Engine
import HeapModule
import Orchestrator
import Plan
import Store

/// Everything from one seed: the orchestrator, its store, queue and clock, its adapters, its callers,
/// and the network between them.
///
/// `@unchecked Sendable`: a world lives on one thread; the orchestrator's closures must be sendable.
final class World: @unchecked Sendable {
  let setup: Setup
  /// Milliseconds of the true time, which no process sees.
  private(set) var now = start
  private static let start: Int64 = 1_000_000_000_000
  var dice: Dice
  /// Of a mutant alone, so that the world around it is the same.
  var mutantDice: Dice
  var faults: FaultPlan
  var trace: Trace
  let ledger: Ledger
  let options: OrchestratorOptions
  let store: FaultyStore
  let scripts: Scripts
  /// Who is committing now.
  var committing: OrchestratorProcess?
  /// The owner of the plans; nil while it is down.
  var process: OrchestratorProcess?
  /// An earlier owner that was paused and goes on.
  var rival: OrchestratorProcess?
  var adapters: [SimulatedAdapter] = []
  var callers: Callers!
  private(set) var violation: Violation?
  private(set) var steps = 0
  /// Faults have stopped: from here on everything must come to its end.
  private(set) var isCalm = false
  private var events = Heap<Event>()
  private var eventCount: UInt64 = 0
  private var processCount = 0
  var sessionCount = 0
  /// What the orchestrator's wall clock is ahead of the true time.
  var clockOffset: Int64 = 0
  /// Sum of all steps forward: what a timer may be early by.
  var forwardSteps: Int64 = 0

  private struct Event: Comparable {
    var time: Int64
    var number: UInt64
    var action: () -> Void

    static func < (left: Event, right: Event) -> Bool {
      (left.time, left.number) < (right.time, right.number)
    }

    static func == (left: Event, right: Event) -> Bool { left.number == right.number }
  }

  init(_ setup: Setup, base: any PlanStore) {
    self.setup = setup
    dice = Dice(seed: setup.seed, 1)
    mutantDice = Dice(seed: setup.seed, 2)
    faults = setup.mix.map { FaultPlan(mix: $0) } ?? FaultPlan(dice: &dice)
    trace = Trace(isKept: setup.keepsTrace)
    options = Self.makeOptions(setup, &dice)
    ledger = Ledger(options: options)
    store = FaultyStore(base)
    scripts = Scripts(limits: options.limits)
    store.world = self
    ledger.world = self
    callers = Callers(self)
    adapters = setup.mix == nil ? SimulatedAdapter.several(self) : SimulatedAdapter.pair(self)
  }

  private static func makeOptions(_ setup: Setup, _ dice: inout Dice) -> OrchestratorOptions {
    var options = OrchestratorOptions(seed: setup.seed)
    options.leaseMilliseconds = 3_000
    options.lostMilliseconds = 20_000
    options.sweepMilliseconds = 2_000
    options.pollWaitMilliseconds = 1_500
    options.resendMilliseconds = 100
    options.watchedEvents = 4 + dice.roll(20)
    options.routes = AdapterPool.Routes(byType: ["u": ["two"]], fallback: ["one", "two"])
    options.places.inFlight = 2 + dice.roll(6)
    if dice.roll(2) == 0 { options.places.perAdapter["one"] = 1 + dice.roll(3) }
    return options
  }

  // MARK: Time

  /// Something happens after a delay.
  func after(_ delay: Int64, _ action: @escaping () -> Void) {
    eventCount += 1
    events.insert(Event(time: now + max(0, delay), number: eventCount, action: action))
  }

  /// An event that turned out to be none.
  func uncountStep() { steps -= 1 }

  /// The end of a time; `action` answers whether it meant anything to anybody.
  func deadline(_ delay: Int64, _ action: @escaping () -> Bool) {
    after(delay) { [unowned self] in if !action() { uncountStep() } }
  }

  private func step() -> Bool {
    guard let event = events.popMin() else { return false }
    now = max(now, event.time)
    steps += 1
    event.action()
    return true
  }

  // MARK: Chance

  func strikes(_ fault: Fault) -> Bool {
    let strikes = faults.strikes(fault, &dice)
    if strikes { note("fault \(fault)", fault.rawValue) }
    return strikes
  }

  /// A usual delay on the network.
  func hop() -> Int64 { setup.mix == nil ? dice.between(1, 25) : 5 }

  /// A delay after which nobody waits any more, or nearly.
  func late() -> Int64 { setup.mix == nil ? dice.between(200, 9_000) : 4_000 }

  // MARK: Writing down

  /// A line of the trace: text for people, numbers for the hash.
  func note(
    _ text: @autoclosure () -> String, _ first: Int = 0, _ second: Int = 0, _ third: Int = 0
  ) {
    trace.add(now, first, second, third, text)
  }

  /// A checker has found something; the world stops.
  func violate(_ check: Check, _ message: @autoclosure () -> String) {
    guard violation == nil else { return }
    violation = Violation(check: check, message: message(), step: steps)
    note("VIOLATION \(check.rawValue): \(violation?.message ?? "")", check.index)
  }

  func require(_ holds: Bool, _ check: Check, _ message: @autoclosure () -> String) {
    if !holds { violate(check, message()) }
  }

  // MARK: The orchestrator's process

  func boot() {
    guard process == nil, violation == nil else { return }
    processCount += 1
    note("orchestrator \(processCount) starts", 1, processCount)
    let next = OrchestratorProcess(self, number: processCount, clockOffset: clockOffset)
    process = next
    next.recover()
  }

  /// The owner is gone; another one comes after a while.
  func bootLater() {
    stepClock()
    after(dice.between(20, isCalm ? 200 : 2_500)) { [unowned self] in boot() }
  }

  private func stepClock() {
    guard rival == nil else { return }
    if strikes(.clockStepsForward) {
      let step = dice.between(100, 20_000)
      clockOffset += step
      forwardSteps += step
    }
    if strikes(.clockStepsBack) { clockOffset -= dice.between(100, 20_000) }
  }

  /// Who answers a call now: nearly always the owner.
  var answering: OrchestratorProcess? {
    guard let rival, rival.isAwake, dice.roll(3) == 0 else { return process }
    return rival
  }

  // MARK: A run

  /// Runs the seed to its end. Answers what it came to.
  func run() -> Outcome {
    boot()
    for adapter in adapters { adapter.start() }
    callers.start()
    scheduleTroubles()
    while steps < setup.steps, violation == nil, step() {}
    if violation == nil { calmDown() }
    let outcome = Outcome(
      violation: violation, steps: steps, traceHash: trace.hash, finalHash: ledger.finalHash(),
      lines: trace.lines, transitions: ledger.transitions)
    tearDown()
    return outcome
  }

  /// Faults stop; everything must finish, and everything must be as it should.
  private func calmDown() {
    note("calm")
    isCalm = true
    faults.stop()
    rival?.die("the rival ends")
    // What the rival did after it was taken over from, an owner learns at its next start at the latest.
    if ledger.hadRival { process?.die("calm") } else { process?.wake() }
    for adapter in adapters { adapter.calmDown() }
    callers.calmDown()
    let limit = now + 900_000
    while violation == nil, !isFinished {
      guard now < limit, step() else {
        violate(.liveness, "faults have stopped and this goes on: \(unfinished)")
        return
      }
    }
    if violation == nil { checkEnd() }
  }

  private var isFinished: Bool {
    process?.isQuiet == true && callers.isDone && ledger.isDone && adapters.allSatisfy(\.isQuiet)
  }

  private var unfinished: String {
    var parts: [String] = []
    if process == nil { parts.append("no orchestrator") }
    if !callers.isDone { parts.append("callers: \(callers.unfinished)") }
    parts += ledger.unfinished
    for adapter in adapters where !adapter.isQuiet { parts.append(adapter.unfinished) }
    return parts.joined(separator: "; ")
  }

  /// Things that befall processes as such, now and then.
  private func scheduleTroubles() {
    // In a mix the first comes while the first hand-out is under way.
    let delay = setup.mix == nil ? dice.between(50, 400) : now < Self.start + 300 ? 350 : 500
    after(delay + (setup.mix == nil ? 0 : dice.between(0, 900))) { [unowned self] in
      guard !isCalm else { return }
      if process != nil {
        if strikes(.crash) { process?.die("crash") }
        if strikes(.stop) { process?.stop() }
        if strikes(.withdraw) { process?.withdraw() }
        if strikes(.pause) { process?.pause(dice.between(100, 6_000)) }
        if strikes(.takeover) { takeOver() }
      }
      for adapter in adapters { adapter.trouble() }
      scheduleTroubles()
    }
  }

  /// The owner is paused for so long that another one takes over; then it goes on.
  func takeOver() {
    guard rival == nil, let old = process else { return }
    note("takeover", 2)
    rival = old
    process = nil
    ledger.hadRival = true
    old.becomeRival()
    boot()
  }

  private func tearDown() {
    process?.end()
    rival?.end()
    process = nil
    rival = nil
    events = Heap()
    for adapter in adapters { adapter.tearDown() }
    adapters = []
    callers.tearDown()
    callers = nil
    ledger.tearDown()
    scripts.tearDown()
    store.world = nil
  }
}
