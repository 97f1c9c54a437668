internal import Engine
internal import HeapModule
internal import Plan
internal import Queue
internal import Store

/// The runner: takes what has happened, asks the engine, commits in groups, then acts.
///
/// Serial: everything but `post` is called on the shard's thread only. It holds no thread itself,
/// so that a simulation can turn it by hand.
final class Shard {
  let store: any PlanStore
  let queue: any HandOutQueue
  let port: any AdapterPort
  let clock: any EngineClock
  let options: OrchestratorOptions
  /// Puts work into the shard's inbox; callable from any thread.
  let post: @Sendable (@escaping Work) -> Void

  typealias Work = @Sendable (Shard) -> Void

  /// Told what went wrong behind the callers' backs; for the log.
  let onProblem: @Sendable (OrchestratorProblem) -> Void

  var entropy: Entropy
  var pool: AdapterPool
  var plans: [PlanID: PlanEntry] = [:]
  var sessions = AdapterSessions()
  /// Tasks that are out, by instance.
  var outAt: [String: Set<OutTask>] = [:]
  /// Plans with ready tasks that have not been tried since they became ready.
  private var untried: [PlanEntry] = []
  private var line = WaitingLine()
  private var openingsSeen: UInt64 = 0
  /// Plans that could not be loaded again after a failed commit.
  var toReload: Set<PlanID> = []
  private var reloadIsArmed = false
  /// Plans that have ended and were looked at lately, the last one at the end.
  var finished: [PlanMachine] = []
  /// Nothing is handed out any more: the server is stopping.
  var hasWithdrawn = false
  /// No watcher waits any more: the server is stopping.
  var isStopping = false
  private(set) var now: Int64 = 0
  private var group = Group()
  /// What namespaces have used is to be read from the store again.
  var accountsAreStale = false
  /// Request keys of plans that are not committed yet, as NAMESPACE/KEY; a namespace holds no slash.
  var keysOfGroup: [String: PlanKeyMatch] = [:]
  private var timers = Heap<Timer>()
  private var timerCount: UInt64 = 0
  var nextWatcher: UInt64 = 0
  var sendCount: UInt64 = 0

  init(
    store: any PlanStore, queue: any HandOutQueue, port: any AdapterPort,
    clock: any EngineClock, options: OrchestratorOptions,
    onProblem: @escaping @Sendable (OrchestratorProblem) -> Void,
    post: @escaping @Sendable (@escaping Work) -> Void
  ) {
    self.onProblem = onProblem
    self.store = store
    self.queue = queue
    self.port = port
    self.clock = clock
    self.options = options
    self.post = post
    entropy = Entropy(seed: options.seed)
    pool = AdapterPool(routes: options.routes, limits: options.places)
    now = clock.milliseconds()
    openAccounts()
  }

  // MARK: Turns

  /// Does the work that has come, then everything that is due, and commits.
  func turn(_ work: [Work]) {
    now = max(now, clock.milliseconds())
    for item in work {
      item(self)
      commitIfFull()
    }
    fireTimers()
    scheduleStarved()
    commit()
  }

  /// When the next timer is due; nil where none is armed.
  var nextDue: Int64? { timers.min?.dueAt }

  /// Something to be done at a time.
  private struct Timer: Comparable {
    var dueAt: Int64
    var number: UInt64
    var action: (Shard) -> Void

    static func < (left: Timer, right: Timer) -> Bool {
      (left.dueAt, left.number) < (right.dueAt, right.number)
    }

    static func == (left: Timer, right: Timer) -> Bool { left.number == right.number }
  }

  /// Calls `action` at `dueAt`, never earlier. Whoever arms a timer that may go out of date checks
  /// that in `action`.
  func arm(at dueAt: Int64, _ action: @escaping (Shard) -> Void) {
    timerCount += 1
    timers.insert(Timer(dueAt: dueAt, number: timerCount, action: action))
  }

  private func fireTimers() {
    while let timer = timers.min, timer.dueAt <= now {
      timers.removeMin()
      timer.action(self)
      commitIfFull()
    }
  }

  // MARK: Decisions

  /// What one transition leaves for after its commit.
  private struct Transition {
    var entry: PlanEntry
    var decision: Decision
    var then: ((Result<Decision.Answer, OrchestratorError>) -> Void)?
  }

  /// Transitions that are to be committed together.
  private struct Group {
    var transitions: [Transition] = []
    var changes: [PlanChange] = []
    var rowCount = 0
    var byteCount = 0
    /// Answers that wait for what is before them, for reads.
    var reads: [(Result<Void, OrchestratorError>) -> Void] = []
  }

  /// Lets the engine decide on one event. `then` is told after the commit.
  func apply(
    _ event: PlanEvent, to entry: PlanEntry, output: [UInt8]? = nil,
    then: ((Result<Decision.Answer, OrchestratorError>) -> Void)? = nil
  ) {
    if !entry.unwrittenUsage.isEmpty { writeUsage(entry) }
    let decision = entry.machine.apply(event, now: now, entropy: &entropy, pool: &pool)
    if var change = decision.change {
      if decision.storesOutput, let ordinal = event.resultOrdinal, let output {
        change.outputs = [TaskOutput(ordinal: ordinal, json: output)]
        if entry.machine.compiled.isReferenced[entry.home(ordinal)] {
          entry.outputs[ordinal] = output
        }
        group.byteCount += output.count
      }
      if let part = decision.storesTurn, let ordinal = event.resultOrdinal, let output {
        change.dialogs = [store(part, output, entry, ordinal)]
        group.byteCount += change.dialogs[0].byteCount
      }
      if let created = change.created {
        group.byteCount += created.plan.tasks.reduce(0) { $0 + $1.payload.count }
      }
      group.rowCount += change.rowCount
      group.changes.append(change)
    }
    group.transitions.append(Transition(entry: entry, decision: decision, then: then))
    carryOut(decision.orders)
    if decision.hasMore {
      let id = entry.id
      post { shard in shard.plans[id].map { shard.apply(.more, to: $0) } }
    }
    entry.wantsPlaces = decision.wantsPlaces
    if decision.wantsPlaces { wantTurn(entry) }
    // While plans are loaded nothing may be handed out (`.recovered`).
    if !decision.questions.isEmpty { ask(decision.questions, entry, isLater: event == .recovered) }
  }

  /// Calls `body` when everything decided so far is durable, or has failed.
  func afterCommit(_ body: @escaping (Result<Void, OrchestratorError>) -> Void) {
    group.reads.append(body)
  }

  private func commitIfFull() {
    if group.transitions.count >= 512 || group.rowCount >= 4_096 || group.byteCount >= 1 << 20 {
      commit()
    }
  }

  /// Commits what is pending, then does what follows from it.
  private func commit() {
    while !group.transitions.isEmpty || !group.reads.isEmpty {
      let done = group
      group = Group()
      keysOfGroup = [:]
      do throws(StoreError) {
        if !done.changes.isEmpty { try store.commit(done.changes) }
      } catch {
        discard(done, because: error)
        continue
      }
      var hints: [HandOutHint] = []
      // Answers first: what is done then may take a plan beyond what is committed.
      for transition in done.transitions { answer(transition) }
      for transition in done.transitions { settle(transition, &hints) }
      for read in done.reads { read(.success(())) }
      offer(hints)
    }
  }

  /// Nobody who waits gets OK, and every plan of the group is made again from the store (S2).
  private func discard(_ failed: Group, because error: StoreError) {
    let answer = OrchestratorError(
      .storeUnavailable,
      "the change could not be stored, nothing was acknowledged; repeat the call (\(error))")
    for transition in failed.transitions {
      let entry = transition.entry
      guard plans[entry.id] === entry else { continue }
      entry.machine.releaseAll(&pool)
      plans[entry.id] = nil
      toReload.insert(entry.id)
      pool.isClosed = true
      accountsAreStale = !pool.budgets.isEmpty
      forgetSends(entry)
      for number in entry.watchers.keys.sorted() {
        entry.watchers[number]?.reply(.failure(answer))
      }
    }
    for transition in failed.transitions { transition.then?(.failure(answer)) }
    for read in failed.reads { read(.failure(answer)) }
    report(error, "a commit of \(failed.changes.count) changes failed; their plans are reloaded")
    reloadLater()
  }

  func reloadDiscarded() {
    for id in toReload.sorted() where load(id) { toReload.remove(id) }
    if accountsAreStale { accountsAreStale = !restoreAccounts(group.changes) }
    // Nothing is handed out until what these plans have out and have used is counted.
    pool.isClosed = !toReload.isEmpty || accountsAreStale
    reloadLater()
  }

  /// Never at once: a store that fails is given time, and everybody else their turn.
  private func reloadLater() {
    guard !toReload.isEmpty || accountsAreStale, !reloadIsArmed else { return }
    reloadIsArmed = true
    arm(at: now + options.resendMilliseconds) { shard in
      shard.reloadIsArmed = false
      shard.reloadDiscarded()
    }
  }

  func report(_ error: StoreError, _ message: String, plan: PlanID? = nil) {
    onProblem(
      OrchestratorProblem(
        code: error.code.name, message: "\(message): \(error.message)", planID: plan))
  }

  /// Tells who waits for a committed transition.
  private func answer(_ transition: Transition) {
    let entry = transition.entry
    if let change = transition.decision.change {
      if change.spending != nil { tellCrossings(change) }
      entry.committedSeq = max(entry.committedSeq, change.plan.lastSeq)
      entry.events.append(contentsOf: change.events)
      if entry.events.count > 2 * options.watchedEvents {
        entry.events.removeFirst(entry.events.count - options.watchedEvents)
      }
    }
    transition.then?(.success(transition.decision.answer))
  }

  /// Acts on a committed transition.
  private func settle(_ transition: Transition, _ hints: inout [HandOutHint]) {
    let entry = transition.entry
    for row in transition.decision.change?.tasks ?? [] {
      followSend(entry, row)
      if !entry.items.isEmpty && row.status.isFinal { entry.items[row.ordinal] = nil }
    }
    for command in transition.decision.commands { perform(command, entry, &hints) }
    notifyWatchers(entry)
  }

  private func perform(_ command: Command, _ entry: PlanEntry, _ hints: inout [HandOutHint]) {
    switch command {
    case .handOut(let ordinal): queued(entry, ordinal, &hints)
    case .resume(let ordinal): resumeSend(entry, ordinal)
    case .beginSubPlan(let ordinal): beginSubPlan(entry, entry.lease(ordinal))
    case .findSubPlan(let ordinal): findSubPlan(entry, entry.lease(ordinal))
    case .ask(let ordinal): checkPrompt(entry, entry.lease(ordinal))
    case .cancelRun(let ordinal, let attempt, let instance, let reason):
      let row = entry.machine.rows[ordinal]
      let run = RunName(key: entry.machine.key(ordinal), attempt: attempt, token: row.token)
      port.cancel(run, reason: reason, at: instance)
    case .arm(let ordinal, let generation, let dueAt):
      entry.timers.insert(PlanTimer(dueAt: dueAt, ordinal: ordinal, generation: generation))
      armFirst(entry)
    case .armDeadline(let dueAt): armDeadline(entry, dueAt)
    case .ended:
      // It may have been retried since.
      guard entry.machine.plan.finishedAt != nil else { return }
      plans[entry.id] = nil
      forgetSends(entry)
      if entry.machine.creation.parent != nil { tellParent(of: entry.machine) }
    }
  }

  // MARK: Timers of plans

  /// A plan keeps its timers itself and has its first one armed here, so that what has gone out of
  /// date goes with the plan.
  private func armFirst(_ entry: PlanEntry) {
    guard let first = entry.timers.min, first.dueAt < entry.armedDueAt ?? .max else { return }
    entry.armedDueAt = first.dueAt
    let id = entry.id
    arm(at: first.dueAt) { shard in
      guard let entry = shard.plans[id], entry.armedDueAt == first.dueAt else { return }
      entry.armedDueAt = nil
      shard.fire(entry)
    }
  }

  private func fire(_ entry: PlanEntry) {
    while plans[entry.id] === entry, let timer = entry.timers.min, timer.dueAt <= now {
      entry.timers.removeMin()
      apply(.timer(ordinal: timer.ordinal, generation: timer.generation), to: entry)
    }
    armFirst(entry)
  }

  /// One that was armed before does nothing when it comes: the engine knows the time.
  private func armDeadline(_ entry: PlanEntry, _ dueAt: Int64) {
    let id = entry.id
    arm(at: dueAt) { shard in
      guard let entry = shard.plans[id], entry.machine.plan.deadlineAt != nil else { return }
      shard.apply(.deadline, to: entry)
    }
  }

  // MARK: Turns of plans that wait for places

  private func wantTurn(_ entry: PlanEntry) {
    guard !entry.wantsTurn else { return }
    entry.wantsTurn = true
    untried.append(entry)
  }

  /// Gives plans their turns while there are places: those that have become ready since, and where a
  /// place may have become free all that wait.
  private func scheduleStarved() {
    if pool.budgets.hasReopened { wakeReopened() }
    for entry in untried { line.join(entry) }
    if pool.openings != openingsSeen { line.unblock() }
    openingsSeen = pool.openings
    // Apart, for a turn comes back to this shard.
    var line = WaitingLine()
    swap(&line, &self.line)
    while pool.hasPlace(now: now), line.giveTurn(isWaiting: isWaiting, giveTurn) {}
    pool.isContended = !line.isEmpty(isWaiting: isWaiting)
    swap(&line, &self.line)
    for entry in untried { entry.wantsTurn = false }
    untried = []
  }

  /// Answers whether the plan found a place.
  private func giveTurn(_ entry: PlanEntry) -> Bool {
    let before = entry.machine.outCount
    apply(.schedule(most: Self.turnSize), to: entry)
    return entry.machine.outCount > before
  }

  private func isWaiting(_ entry: PlanEntry) -> Bool {
    plans[entry.id] === entry && entry.wantsPlaces
  }

  /// Tasks a plan may hand out before it is another plan's turn.
  private static let turnSize = 16
}

extension PlanEvent {
  /// The task whose output may come with the event.
  fileprivate var resultOrdinal: Int? {
    switch self {
    case .result(let lease, _): lease.ordinal
    case .subPlanEnded(let lease, _): lease.ordinal
    case .complete(let ordinal, _, _): ordinal
    default: nil
    }
  }
}

/// A task that is out.
struct OutTask: Hashable {
  var planID: PlanID
  var ordinal: Int
}
