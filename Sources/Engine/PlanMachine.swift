public import Plan

/// The live state of one plan and everything that may happen to it.
///
/// Pure: an event goes in, a decision comes out. No clock, no randomness of its own, no I/O. The
/// state is ahead of the store until the decision's change is committed; if the commit fails, the
/// machine is thrown away and made again from the store.
///
///     PENDING -> READY -> DISPATCHED -> RUNNING -> SUCCEEDED | FAILED | CANCELLED
///        |         ^ |         |           |
///        |         | |         +-----------+-> WAITING_RETRY -> READY
///        v         | +- schedule_to_start -> FAILED
///     SKIPPED      +-- lost or refused hand-out
///
/// Approvals go READY -> WAITING_INPUT -> SUCCEEDED | FAILED | CANCELLED; tasks with `map` go
/// PENDING -> EXPANDED -> SUCCEEDED | FAILED | CANCELLED, tasks of type `plan` READY -> DELEGATED ->
/// SUCCEEDED | FAILED | CANCELLED | WAITING_RETRY. Where a run asks for input the task goes
/// DISPATCHED | RUNNING -> WAITING_INPUT -> READY -> DISPATCHED, in one attempt.
public struct PlanMachine: Sendable {
  public let id: PlanID
  public let compiled: CompiledPlan
  public internal(set) var creation: PlanCreation
  public internal(set) var plan: PlanRow
  /// One per task; tasks that have had no transition hold a fresh row.
  public internal(set) var rows: [TaskRow]

  /// How many dependencies of each task have not ended well; one more for a task with a condition
  /// until that is decided.
  var unmet: [Int]
  var ready = ReadyLanes()
  /// Approvals that are ready; in a running plan they are asked at once.
  var toAsk: [Int] = []
  /// Tasks of type `plan` that are ready; each begins as soon as the plan may have one more under way.
  var toBegin: [Int] = []
  /// Sub-plans under way.
  var subPlanCount = 0
  /// By ordinal, from the number of the plan's tasks on.
  public internal(set) var instances: [Instance] = []
  /// Of the tasks that are EXPANDED.
  var expansions: [Int: Expansion] = [:]
  /// Tasks whose parked runs are to be given an answer.
  var toResume: [Int] = []
  /// Tasks to be skipped in chunks, with the task whose failure is the reason.
  var toSkip: [(ordinal: Int, because: Int)] = []
  var timerGenerations: [UInt32]
  /// When schedule_to_start would have passed for a task that was handed out since.
  var startDueAt: [Int: Int64] = [:]
  var timersDueAt: [Int64]
  /// When `.deadline` counts.
  var deadlineDueAt: Int64?
  /// Tasks that have not ended.
  var openCount: Int
  /// Tasks that hold a place with an adapter.
  public internal(set) var outCount = 0
  var draft = Draft()

  /// Rows that one transition of many writes at most, so that it delays nobody (bulk skips and
  /// cancels).
  static let chunkSize = 512

  /// A plan that is being submitted.
  public init(id: PlanID, compiled: CompiledPlan, creation: PlanCreation) {
    self.init(
      stored: StoredPlan(planID: id, creation: creation, plan: PlanRow(), tasks: []),
      compiled: compiled)
  }

  /// A plan as the store has it; `compiled` is made from its definition.
  public init(stored: StoredPlan, compiled: CompiledPlan) {
    id = stored.planID
    creation = stored.creation
    self.compiled = compiled
    plan = stored.plan
    rows = compiled.plan.tasks.indices.map { TaskRow(ordinal: $0) }
    timerGenerations = Array(repeating: 0, count: rows.count)
    timersDueAt = Array(repeating: 0, count: rows.count)
    unmet = compiled.graph.dependencies.map(\.count)
    openCount = 0
    addStoredInstances(stored.tasks)
    for row in stored.tasks { rows[row.ordinal] = row }
    openCount = rows.reduce(0) { $0 + ($1.status.isFinal ? 0 : 1) }
    subPlanCount = rows.reduce(0) { $0 + ($1.status == .delegated ? 1 : 0) }
    closeGates()
    for row in rows.prefix(compiled.taskCount) where endedWell(row.ordinal) {
      for dependent in compiled.graph.dependents[row.ordinal] { unmet[dependent] -= 1 }
    }
    restoreExpansions()
  }

  /// Whether dependents of the task may run: it succeeded, was declined by its own condition, or
  /// failed and the plan goes on.
  func endedWell(_ ordinal: Int) -> Bool {
    switch rows[ordinal].status {
    case .succeeded: true
    case .failed: compiled.plan.tasks[home(ordinal)].onFailure == .continue
    case .skipped: wasDeclined(ordinal)
    default: false
    }
  }

  /// A task's status as people see it: rows know neither PENDING nor the first READY, and open
  /// tasks of a plan that was ended are cancelled before their rows say so.
  public func status(of ordinal: Int) -> TaskStatus {
    let row = rows[ordinal]
    if row.status.isFinal { return row.status }
    if plan.status.isFinal { return .cancelled }
    if row.status == .pending && unmet[ordinal] == 0 { return .ready }
    return row.status
  }

  /// Whether something could be handed out if there were a place.
  public var hasReadyTasks: Bool {
    plan.status == .running && !(ready.isEmpty && toResume.isEmpty)
  }

  /// Gives back every place the plan holds; for a machine that is thrown away.
  public func releaseAll(_ pool: inout AdapterPool) {
    for row in rows where row.status.isOut {
      pool.release(adapter: row.adapter, instance: row.instance)
    }
  }

  public func key(_ ordinal: Int) -> IdempotencyKey {
    IdempotencyKey(
      planID: id, taskID: compiled.plan.tasks[home(ordinal)].id, index: index(of: ordinal) ?? 0)
  }

  /// Takes one event.
  ///
  /// - Parameters:
  ///   - now: Milliseconds since the Unix epoch; never decreases.
  ///   - pool: Places with adapters; the decision's hand-outs are taken from it.
  public mutating func apply(
    _ event: PlanEvent, now: Int64, entropy: inout Entropy, pool: inout AdapterPool
  ) -> Decision {
    draft = Draft()
    draft.now = now
    draft.handOutsLeft = pool.isContended ? 0 : Int.max
    let before = plan
    if !pool.budgets.isEmpty {
      (draft.accountedTokens, draft.accountedAttempts) = (plan.usage.tokens, plan.attempts)
    }
    switch event {
    case .submitted: submit()
    case .recovered:
      recover(&pool)
      return finishDraft(before, pool)
    case .schedule(let most): draft.handOutsLeft = most
    case .more: break
    case .pause(let reason): pause(reason)
    case .resume: resume()
    case .cancel(let reason): cancel(reason)
    case .retry(let reason): retry(reason, &pool)
    case .update(let update): self.update(update)
    case .deadline: deadlinePassed()
    case .accepted(let lease, let handle, let isPolled):
      accepted(lease, handle, isPolled: isPolled)
    case .refused(let lease): refused(lease, &pool)
    case .rejected(let lease, let error): rejected(lease, error, &entropy, &pool)
    case .started(let lease): started(lease)
    case .lost(let lease, let code, let message): lost(lease, code, message, &pool)
    case .withdrawn(let lease, let code, let message):
      lost(lease, code, message, &pool, canPoison: false)
    case .result(let lease, let summary): result(lease, summary, &entropy, &pool)
    case .used(let lease, let usage): used(lease, usage)
    case .complete(let ordinal, let attempt, let completion):
      complete(ordinal, attempt, completion)
    case .silent(let lease): silent(lease, &entropy, &pool)
    case .subPlanEnded(let lease, let summary): subPlanEnded(lease, summary, &entropy)
    case .timer(let ordinal, let generation): timer(ordinal, generation, &entropy, &pool)
    case .decided(let verdicts): decided(verdicts)
    }
    advance(&entropy, &pool)
    return finishDraft(before, pool)
  }

  /// What follows from any event: skips, hand-outs, the plan's end.
  private mutating func advance(_ entropy: inout Entropy, _ pool: inout AdapterPool) {
    cancelChunk(&pool)
    skipChunk()
    checkTokens()
    account(&pool)
    if plan.status == .running {
      askReady()
      beginReady(&entropy)
    }
    if plan.status == .running {
      handOutReady(&pool, most: draft.handOutsLeft)
      account(&pool)
    }
    endIfDone()
  }

  private mutating func finishDraft(_ before: PlanRow, _ pool: AdapterPool) -> Decision {
    var decision = Decision()
    decision.commands = draft.commands
    decision.answer = draft.answer
    decision.storesOutput = draft.storesOutput
    decision.storesTurn = draft.storesTurn
    decision.wantsPlaces =
      hasReadyTasks && outCount < Int(compiled.maxParallel)
      && !pool.budgets.isExhausted(creation.namespace)
    decision.questions = draft.questions
    decision.orders = draft.orders
    decision.hasMore =
      openCount > 0
      ? !toSkip.isEmpty || plan.status.isFinal
      : plan.finishedAt == nil && plan.status != .created
    guard !draft.touched.isEmpty || !draft.events.isEmpty || plan != before else { return decision }
    plan.revision += 1
    var change = PlanChange(planID: id, plan: plan)
    if plan.revision == 1 { change.created = creation }
    change.amendment = draft.amendment
    change.spending = draft.spending
    change.tasks = draft.touched.map { rows[$0] }
    change.events = draft.events
    decision.change = change
    return decision
  }

  // MARK: What the parts of the machine share

  /// What one event has brought about so far.
  struct Draft: Sendable {
    var now: Int64 = 0
    var handOutsLeft = 0
    var touched: [Int] = []
    var touchedSet: Set<Int> = []
    var events: [TraceEvent] = []
    var commands: [Command] = []
    var questions: [Int] = []
    var orders: [SubPlanOrder] = []
    var answer = Decision.Answer.done
    var storesOutput = false
    var storesTurn: Decision.TurnPart?
    var amendment: PlanAmendment?
    /// What is in the namespace's account already, and the part of this event in it.
    var accountedTokens: Int64 = 0
    var accountedAttempts: Int64 = 0
    var spending: NamespaceSpending?
  }

  /// The row is part of the change.
  mutating func touch(_ ordinal: Int) {
    if draft.touchedSet.insert(ordinal).inserted { draft.touched.append(ordinal) }
  }

  /// Appends an event of the plan.
  mutating func record(_ kind: EventKind, _ fill: (inout TraceEvent) -> Void = { _ in }) {
    plan.lastSeq += 1
    var event = TraceEvent(seq: plan.lastSeq, time: draft.now, kind: kind)
    fill(&event)
    draft.events.append(event)
  }

  /// Appends an event of a task, with where it stands.
  mutating func record(
    _ kind: EventKind, task ordinal: Int, _ error: TaskError? = nil,
    _ fill: (inout TraceEvent) -> Void = { _ in }
  ) {
    let row = rows[ordinal]
    let taskID = compiled.plan.tasks[home(ordinal)].id
    let index = index(of: ordinal)
    record(kind) { event in
      event.relatedPlanID = row.subPlan
      event.taskID = taskID
      event.index = index
      event.attempt = row.attempt
      event.delivery = row.delivery
      event.adapter = row.adapter
      event.instance = row.instance
      event.code = error?.code ?? ""
      event.message = error?.message ?? ""
      event.errorClass = error?.errorClass
      fill(&event)
    }
  }

  /// Arms the task's one timer; nil disarms it.
  mutating func arm(_ ordinal: Int, afterMilliseconds delay: Int64?) {
    rows[ordinal].timerDueAt = delay.map { draft.now + $0 }
    rows[ordinal].timerDelayMilliseconds = delay ?? 0
    guard let delay else {
      timerGenerations[ordinal] &+= 1
      return
    }
    armInMemory(ordinal, dueAt: draft.now + delay)
  }

  /// Arms the timer without a row that says so.
  mutating func armInMemory(_ ordinal: Int, dueAt: Int64) {
    timerGenerations[ordinal] &+= 1
    timersDueAt[ordinal] = dueAt
    draft.commands.append(
      .arm(ordinal: ordinal, generation: timerGenerations[ordinal], dueAt: dueAt))
  }
}
