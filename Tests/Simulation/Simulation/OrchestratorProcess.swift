import Plan
import Queue
import Store

@testable import Engine
@testable import Orchestrator

/// One life of the orchestrator: a real shard, turned by the world.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class OrchestratorProcess: @unchecked Sendable {
  unowned let world: World
  let number: Int
  private(set) var shard: Shard!
  /// Its effects reach the world. What a shard does after its death is seen by nobody.
  private(set) var isAlive = true
  /// Takes turns; a paused one is alive and does nothing.
  private(set) var isAwake = true
  private(set) var isRival = false
  private var inbox: [(Shard) -> Void] = []
  private var turnAt: Int64?
  private var turnNumber = 0
  let clock: SimulatedClock
  /// It has taken every run back.
  private var hasWithdrawn = false
  private let queue: SimulatedQueue
  /// Calls that end without an answer if this process does.
  private var openCalls: [(number: Int, fail: () -> Void)] = []
  private var callCount = 0
  /// When each instance registered or sent a heartbeat last.
  private var lastHeard: [String: Int64] = [:]
  private var handedBack: Set<String> = []
  /// When each run was last heard of.
  private(set) var signs: [RunName: Int64] = [:]
  /// It has said that nothing is handed out any more.
  private(set) var handOutsAreOver = false
  /// Sessions that ended in this turn, whatever came after.
  private var endedThisTurn: Set<String> = []
  let startedAt: Int64

  init(_ world: World, number: Int, clockOffset: Int64) {
    self.world = world
    self.number = number
    startedAt = world.now
    clock = SimulatedClock(world, offset: clockOffset)
    queue = SimulatedQueue(world)
    let port = SimulatedPort(world)
    shard = Shard(
      store: ProcessStore(world.store, self), queue: queue, port: port, clock: clock,
      options: world.falsifiedOptions, onProblem: { _ in }, post: { [unowned self] in post($0) })
    port.process = self
    queue.process = self
  }

  /// Loads what is there. A store that does not answer ends the process.
  func recover() {
    do throws(StoreError) {
      _ = try shard.recover()
      afterTurn()
    } catch { die("the store cannot be read") }
  }

  // MARK: Turns

  func post(_ work: @escaping (Shard) -> Void) {
    guard isAlive else { return }
    inbox.append(work)
    wake()
  }

  /// A turn is taken soon.
  func wake() {
    guard isAlive, isAwake else { return }
    let delay = world.setup.mix == nil ? world.dice.between(0, 2) : 0
    turn(at: world.now + delay)
  }

  private func turn(at time: Int64) {
    guard turnAt.map({ time < $0 }) ?? true else { return }
    turnAt = time
    turnNumber += 1
    let number = turnNumber
    world.after(time - world.now) { [weak self] in
      guard let self, number == turnNumber, isAlive, isAwake else {
        self?.world.uncountStep()
        return
      }
      turnAt = nil
      takeTurn()
    }
  }

  private func takeTurn() {
    let work = inbox
    endedThisTurn = []
    inbox = []
    world.note("orchestrator \(number) turns with \(work.count)", 3, number, work.count)
    shard.turn(work.map(Self.sendable))
    if world.mutates(.placeLeaked) { shard.pool.occupy(adapter: "one", instance: "o1") }
    afterTurn()
  }

  /// For the type alone: everything of a world happens on one thread.
  private static func sendable(_ work: @escaping (Shard) -> Void) -> Shard.Work {
    let held = Held(work: work)
    return { held.work($0) }
  }

  /// `@unchecked Sendable`: lives on its world's thread.
  private struct Held: @unchecked Sendable {
    let work: (Shard) -> Void
  }

  private func afterTurn() {
    guard isAlive else { return }
    checkBooks()
    if !inbox.isEmpty {
      wake()
    } else if let due = shard.nextDue, isAwake {
      turn(at: max(world.now, due - clock.offset))
    }
  }

  /// Does nothing for a while.
  func pause(_ milliseconds: Int64) {
    guard isAwake else { return }
    world.note("orchestrator \(number) pauses for \(milliseconds) ms", 4, number)
    isAwake = false
    turnAt = nil
    turnNumber += 1
    world.after(milliseconds) { [weak self] in
      guard let self, isAlive, !isAwake else { return }
      isAwake = true
      wake()
    }
  }

  /// Another owner takes over while this one is paused; it goes on later, for a while.
  func becomeRival() {
    isRival = true
    // Its connections are cut: callers reach the new owner only.
    inbox = []
    let calls = openCalls
    openCalls = []
    for call in calls { call.fail() }
    isAwake = true
    pause(world.dice.between(500, 4_000))
    world.after(world.dice.between(4_000, 9_000)) { [weak self] in self?.die("the rival ends") }
  }

  // MARK: The end

  /// The process ends at once: nobody hears of what it does from now on.
  func die(_ why: String) {
    guard isAlive else { return }
    world.note("orchestrator \(number) ends: \(why)", 5, number)
    isAlive = false
    let calls = openCalls
    openCalls = []
    for call in calls { call.fail() }
    let world = world
    if isRival {
      // Its shard may be in the middle of a turn; it is let go later.
      world.after(0) { [weak self] in
        guard world.rival === self else { return }
        self?.end()
        world.rival = nil
      }
    } else {
      world.after(0) { [self] in end() }
      world.process = nil
      world.bootLater()
    }
  }

  /// As on SIGTERM with `in_flight: cancel`: every run is taken back, then it stops.
  func withdraw() {
    guard isAlive, isAwake, !hasWithdrawn else { return }
    world.note("orchestrator \(number) takes everything back", 7, number)
    hasWithdrawn = true
    let world = world
    post { shard in
      shard.withdrawAll { [weak self] _ in
        self?.handOutsAreOver = true
        world.after(0) { self?.endWithdrawn() }
      }
    }
  }

  /// However slow it was: it hands nothing out any more.
  private func endWithdrawn() {
    if isAwake { stop() } else { die("stopped while it was paused") }
  }

  /// As on SIGTERM: watchers are told, what has come is done, then it ends.
  func stop() {
    guard isAlive, isAwake else { return }
    world.note("orchestrator \(number) stops", 6, number)
    shard.endWatching()
    shard.turn(inbox.map(Self.sendable))
    inbox = []
    die("stopped")
  }

  /// Lets go of everything.
  func end() {
    isAlive = false
    inbox = []
    openCalls = []
    shard = nil
  }

  // MARK: Calls from outside

  /// A call has come in; answers its number.
  func opened(_ fail: @escaping () -> Void) -> Int {
    callCount += 1
    openCalls.append((callCount, fail))
    return callCount
  }

  /// The call is answered; false where nobody would hear it.
  func answered(_ number: Int) -> Bool {
    guard isAlive, let index = openCalls.firstIndex(where: { $0.number == number }) else {
      return false
    }
    openCalls.remove(at: index)
    return true
  }

  // MARK: Sessions, as far as the checks know them

  func heard(_ instance: String) {
    if hasSessionEnded(instance) { endedThisTurn.insert(instance) }
    lastHeard[instance] = world.now
    handedBack.remove(instance)
  }

  /// Whether the run had been heard of before.
  func heardSign(of run: RunName) -> Bool { signs.updateValue(world.now, forKey: run) != nil }

  func gaveBack(_ instance: String, _ session: String, _ shard: Shard) {
    guard shard.sessions.find(session) != nil else { return }
    handedBack.insert(instance)
    endedThisTurn.insert(instance)
  }

  /// The instance's session with this process is over.
  func hasSessionEnded(_ instance: String) -> Bool {
    hasWithdrawn || handedBack.contains(instance) || endedThisTurn.contains(instance)
      || world.now - max(startedAt, lastHeard[instance] ?? startedAt)
        >= world.options.leaseMilliseconds
  }

  // MARK: Checks

  /// Places are held by exactly the tasks that are out, and each of these is being sent or waited for.
  private func checkBooks() {
    var out = 0
    for entry in shard.plans.values {
      var count = 0
      for row in entry.machine.rows where row.status.isOut {
        count += 1
        world.require(
          entry.sends[row.ordinal]?.lease == entry.lease(row.ordinal)
            && shard.outAt[row.instance]?.contains(
              OutTask(planID: entry.id, ordinal: row.ordinal)) == true,
          .books, "task \(row.ordinal) of \(entry.id) is out and nobody sends it")
      }
      world.require(
        entry.sends.count == count, .books, "\(entry.sends.count) are sent, \(count) are out")
      out += count
    }
    world.require(
      shard.pool.inFlight == out, .books, "\(shard.pool.inFlight) places are held by \(out) tasks")
  }

  /// Nothing is being done.
  var isQuiet: Bool { shard.plans.isEmpty && shard.toReload.isEmpty }

  /// Nothing is left over once everything has ended.
  func checkEmpty() {
    world.require(
      shard.plans.isEmpty && shard.outAt.isEmpty && shard.toReload.isEmpty
        && shard.pool.inFlight == 0,
      .books, "something is left: \(shard.plans.count) plans, \(shard.outAt.count) instances")
  }
}

/// The orchestrator's clock: never goes back while it lives, whatever the wall clock does.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class SimulatedClock: EngineClock, @unchecked Sendable {
  private unowned let world: World
  let offset: Int64
  private let startedAt: Int64

  init(_ world: World, offset: Int64) {
    self.world = world
    self.offset = offset
    startedAt = world.now
  }

  func milliseconds() -> Int64 {
    let passed = world.now - startedAt
    return startedAt + offset + (world.setup.mutant == .clockRunsFast ? passed * 3 / 2 : passed)
  }
}

/// Hints that are lost, repeated, late and out of order.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class SimulatedQueue: HandOutQueue, @unchecked Sendable {
  private unowned let world: World
  weak var process: OrchestratorProcess?

  init(_ world: World) { self.world = world }

  var name: String { "simulated" }

  func enqueue(_ hints: [HandOutHint]) throws(QueueError) {
    guard let process, process.isAlive else { return }
    if world.strikes(.queueRefuses) { throw QueueError(.unavailable, "the queue is away") }
    for hint in hints where !world.strikes(.hintLost) {
      if world.strikes(.hintLate) {
        world.after(world.late()) { process.post { $0.take([hint]) } }
      } else {
        process.post { $0.take([hint]) }
      }
      if world.strikes(.hintRepeated) {
        world.after(world.hop()) { process.post { $0.take([hint]) } }
      }
    }
  }

  func subscribe(_ take: @escaping @Sendable ([HandOutHint]) -> Void) throws(QueueError) {}
  func close() {}
}
