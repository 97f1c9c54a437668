import Plan

@testable import Engine

/// Several plans, their adapters and what may happen to them, all from one seed.
///
/// Messages are late, repeated and reordered: every lease ever given out may come back at any time.
struct World {
  /// A plan and what the store has of it.
  struct Life {
    var machine: PlanMachine
    var store: Store
    var timers: [Int: (generation: UInt32, dueAt: Int64)] = [:]
    var leases: [TaskLease] = []
    var hasMore = false
    var isLoaded = true
    var tally = Tally()
  }

  /// What is added up over all events of a plan.
  struct Tally {
    var ends = 0
    var retries = 0
    var tokens: [Int: [Int64]] = [:]
  }

  let seed: UInt64
  private(set) var lives: [Life] = []
  var pool: AdapterPool
  private(set) var now: Int64 = 1_000_000
  private var random: Entropy
  private var entropy: Entropy
  /// What has happened, to be shown where something is wrong.
  private(set) var history: [String] = []
  private(set) var lastStep: Step?

  static let instances = ["one/o1:t,u*2", "one/o2:t*1", "two/w1:t,u*3", "two/w2:v*1"]

  init(seed: UInt64) throws {
    self.seed = seed
    random = Entropy(seed: seed)
    entropy = Entropy(seed: ~seed)
    var limits = AdapterPool.Limits()
    limits.inFlight = 6
    limits.perAdapter["one"] = 2
    let routes = AdapterPool.Routes(byType: ["v": ["two"]], fallback: ["one", "two"])
    pool = AdapterPool(routes: routes, limits: limits)
    for text in Self.instances { pool.register(AdapterPool.Instance(text: text)) }
    for index in 0..<2 { lives.append(try makeLife(index)) }
  }

  private mutating func makeLife(_ index: Int) throws -> Life {
    let submitted = randomPlan()
    let id = PlanID(unixMilliseconds: Int64(index), randomness: (0, 0))
    var creation = PlanCreation(
      namespace: "default", requestKey: nil, requestDigest: digest(0), plan: submitted,
      defaults: PlanDefaults())
    if chance(6) {
      creation.parent = ParentTask(key: IdempotencyKey(planID: id, taskID: "t"), attempt: 1)
    }
    return Life(
      machine: PlanMachine(id: id, compiled: try CompiledPlan(submitted), creation: creation),
      store: Store(planID: id, creation: creation))
  }

  // MARK: Chance

  mutating func roll(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

  private mutating func chance(_ oneIn: Int) -> Bool { roll(oneIn) == 0 }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[roll(elements.count)]
  }

  private mutating func randomPlan() -> Plan {
    var made = Plan()
    made.inputs = Array(#"{"go":true,"list":[]}"#.utf8)
    if chance(4) { made.deadline = .after(milliseconds: Int64(5_000 + roll(20_000))) }
    if chance(3) { made.budget = randomBudget() }
    if chance(3) { made.maxParallel = Int32(1 + roll(4)) }
    for index in 0..<(1 + roll(9)) {
      var task = PlanTask()
      task.id = "t\(index)"
      // Nobody serves "none".
      task.type = pick(["t", "t", "t", "u", "v", chance(4) ? "none" : "t"])
      if chance(8) {
        task.type = PlanTask.approvalType
        task.payload = Array(#"{"prompt":"?"}"#.utf8)
      }
      if chance(8) {
        task.type = PlanTask.subPlanType
        task.payload = anySubPlan
      }
      if chance(5) { task.adapter = pick(["one", "two", "absent"]) }
      task.dependsOn = (0..<index).filter { _ in chance(index < 4 ? 3 : 5) }.map { "t\($0)" }
      task.retry.maxAttempts = Int32(1 + roll(3))
      task.retry.initialDelayMilliseconds = Int64(roll(3) * 700)
      task.maxDeliveries = Int32(1 + roll(3))
      task.timeouts.startToCloseMilliseconds = Int64(1_000 + roll(5) * 2_000)
      if chance(2) { task.timeouts.heartbeatMilliseconds = 1_000 }
      task.timeouts.scheduleToStartMilliseconds = Int64(2_000 + roll(5) * 3_000)
      task.priority = Int32(roll(5) - 2)
      task.onFailure = chance(3) ? .continue : .fail
      if chance(4) { task.when = "inputs.go" }
      if chance(5), !task.isApproval {
        let most = chance(2) ? Int32(1 + roll(3)) : nil
        task.map = MapOptions(over: "${{ inputs.list }}", maxParallel: most)
      }
      made.tasks.append(task)
    }
    return made
  }

  private mutating func randomBudget() -> Budget {
    var budget = Budget()
    if chance(2) { budget.tokens = Int64(50 + roll(400)) }
    if chance(2) { budget.softTokens = Int64(20 + roll(200)) }
    if chance(2) { budget.tasks = Int64(1 + roll(10)) }
    if chance(2) { budget.softTasks = Int64(1 + roll(6)) }
    budget.pausesAtSoft = chance(2)
    return budget
  }

  /// What the condition of a task comes to: the same whenever it is asked.
  private func verdict(_ ordinal: Int, of index: Int) -> Verdict {
    Self.verdict(ordinal, lives[index].machine)
  }

  /// What a task's condition and list come to, from nothing but the plan.
  static func verdict(_ ordinal: Int, _ machine: PlanMachine) -> Verdict {
    let task = machine.compiled.plan.tasks[ordinal]
    switch (Int(machine.id.high >> 16 & 7) + 3 * ordinal + Int(task.priority) + 7) % 5 {
    case 0: return Verdict(ordinal: ordinal, .skip)
    case 1:
      let error = TaskError(.permanent, code: "CONDITION_ERROR", message: "")
      return Verdict(ordinal: ordinal, .fail(error))
    default:
      guard task.map != nil else { return Verdict(ordinal: ordinal, .run) }
      return Verdict(ordinal: ordinal, .expand(Int32((7 * ordinal + Int(task.priority) + 2) % 6)))
    }
  }

  // MARK: Happening

  /// One thing happens; answers what is wrong after it.
  mutating func step() -> [String] {
    let index = roll(lives.count)
    switch roll(24) {
    case 0: return crashAll()
    case 1: return reload(index)
    case 2: return failedCommit(index)
    case 3, 4: return changePool()
    case 5...8: return passTime(index)
    default: return send(randomEvent(index), to: index)
    }
  }

  private mutating func randomEvent(_ index: Int) -> PlanEvent {
    let life = lives[index]
    if life.store.contents.plan.revision == 0 { return .submitted }
    if life.hasMore && chance(2) { return .more }
    switch roll(60) {
    case 0: return .cancel(reason: "")
    case 14, 15: return .retry(reason: "")
    case 16: return .update(randomUpdate(life.machine.plan.revision))
    case 17: return .deadline
    case 18...20:
      let isDeclined = chance(4)
      let asking = life.machine.rows.last { $0.status == .waitingInput && $0.question > 0 }
      return .complete(
        ordinal: asking?.ordinal ?? roll(life.machine.rows.count + 1),
        attempt: asking == nil ? Int32(roll(3)) : 0,
        Completion(
          rejection: isDeclined ? "no" : nil, digest: digest(UInt8(roll(3))), outputBytes: 8))
    case 1, 2: return .pause(reason: "")
    case 3...7: return .resume
    case 8...12: return .schedule(most: roll(4))
    case 13: return .submitted
    case 21: return .decided([verdict(roll(life.machine.compiled.taskCount), of: index)])
    default: break
    }
    guard !life.leases.isEmpty else { return .schedule(most: .max) }
    var lease = chance(3) ? pick(life.leases) : pick(Array(life.leases.suffix(4)))
    if chance(40) { lease.token += Int64(roll(5)) - 2 }
    if chance(40) { lease.attempt += Int32(roll(3)) - 1 }
    if chance(80) { lease.ordinal += roll(5) - 2 }
    switch roll(13) {
    case 12:
      var usage = Usage()
      usage.inputTokens = Int64(roll(100))
      return .used(lease, usage)
    case 0, 1:
      let handle = Handle(text: "h\(roll(9))", epoch: "e", answered: Int64(roll(9)))
      return .accepted(lease, handle: handle, isPolled: chance(2))
    case 2: return .refused(lease)
    case 3: return .rejected(lease, randomError())
    case 4, 5: return .started(lease)
    case 6 where chance(4): return .withdrawn(lease, code: "STOPPED", message: "")
    case 6 where chance(4): return .silent(lease)
    case 6: return .lost(lease, code: "LOST", message: "")
    default:
      guard life.machine.isDelegated(lease) else { return .result(lease, randomSummary()) }
      var summary = randomSummary()
      // The end of a plan asks nothing.
      if summary.outcome == .waitingInput { summary.outcome = .cancelled }
      return .subPlanEnded(lease, summary)
    }
  }

  private mutating func randomUpdate(_ revision: Int64) -> PlanUpdate {
    var update = PlanUpdate()
    if chance(2) { update.priority = Int32(roll(3)) }
    if chance(2) { update.setLabels = ["l": "\(roll(3))"] }
    if chance(6) { for index in 0..<101 { update.setLabels["l\(index)"] = "" } }
    if chance(4) { update.removeLabels = ["l"] }
    if chance(3) { update.budget.tokens = Int64(roll(600)) }
    if chance(3) { update.budget.tasks = Int64(roll(12)) }
    if chance(4) { update.budget.softTokens = Int64(roll(300)) }
    if chance(4) { update.expectedRevision = revision - Int64(roll(2)) }
    switch roll(6) {
    case 0: update.deadline = .remove
    case 1: update.deadline = .set(.at(milliseconds: now + Int64(roll(20_000)) - 2_000))
    case 2, 3: update.deadline = .set(.after(milliseconds: Int64(1_000 + roll(20_000))))
    default: break
    }
    return update
  }

  private mutating func randomError() -> TaskError {
    TaskError(
      pick(ErrorClass.allCases), code: "TEST", message: "",
      retryAfterMilliseconds: Int64(roll(3) * 500))
  }

  private mutating func randomSummary() -> ResultSummary {
    let outcome = pick([
      Outcome.succeeded, .succeeded, .succeeded, .failed, .failed, .cancelled, .waitingInput,
    ])
    var usage = Usage()
    usage.inputTokens = Int64(roll(100))
    usage.calls = 1
    let isFailure = outcome == .failed || outcome == .cancelled
    return ResultSummary(
      outcome: outcome, error: isFailure && !chance(4) ? randomError() : nil,
      digest: digest(UInt8(roll(3))), outputBytes: outcome == .succeeded ? Int64(roll(50)) : 0,
      usage: usage)
  }

  /// The next timer comes, or only time passes.
  private mutating func passTime(_ index: Int) -> [String] {
    let next = lives[index].timers.min { ($0.value.dueAt, $0.key) < ($1.value.dueAt, $1.key) }
    guard let next, !chance(4) else {
      now += Int64(roll(800))
      return []
    }
    return comes(next.key, next.value, to: index)
  }

  private mutating func comes(
    _ ordinal: Int, _ timer: (generation: UInt32, dueAt: Int64), to index: Int
  ) -> [String] {
    lives[index].timers[ordinal] = nil
    now = max(now, timer.dueAt)
    guard ordinal != Self.deadline else { return send(.deadline, to: index) }
    return send(.timer(ordinal: ordinal, generation: timer.generation), to: index)
  }

  /// Stands for the plan's deadline among the timers of its tasks.
  private static let deadline = -1

  private mutating func changePool() -> [String] {
    let text = pick(Self.instances)
    let instance = AdapterPool.Instance(text: text)
    switch roll(4) {
    case 0: pool.remove(instance.name)
    case 1: pool.drain(instance.name)
    case 2: pool.pause(instance.name, until: now + Int64(roll(3_000)))
    default: pool.register(instance)
    }
    history.append("pool: \(text)")
    return []
  }

  /// The process ends, and another one starts.
  private mutating func crashAll() -> [String] {
    history.append("crash")
    let before = pool
    pool = AdapterPool(routes: before.routes, limits: before.limits)
    for instance in before.instances where !chance(4) { pool.register(instance) }
    for index in lives.indices { lives[index].isLoaded = false }
    var problems: [String] = []
    for index in lives.indices { problems += recover(index) }
    return problems
  }

  /// One plan is loaded again while the process goes on.
  private mutating func reload(_ index: Int) -> [String] {
    history.append("reload \(index)")
    lives[index].machine.releaseAll(&pool)
    return recover(index)
  }

  /// A decision is lost with its commit, and the plan is loaded again.
  private mutating func failedCommit(_ index: Int) -> [String] {
    let event = randomEvent(index)
    history.append("failed commit \(index): \(event)")
    _ = lives[index].machine.apply(event, now: now, entropy: &entropy, pool: &pool)
    lives[index].machine.releaseAll(&pool)
    return recover(index)
  }

  private mutating func recover(_ index: Int) -> [String] {
    let life = lives[index]
    lives[index].timers = [:]
    lives[index].isLoaded = true
    lives[index].machine = PlanMachine(
      stored: life.store.contents, compiled: life.machine.compiled)
    // A plan that was never committed is not there to be loaded.
    guard life.store.contents.plan.revision > 0 else { return [] }
    return send(.recovered, to: index)
  }

  /// Gives a plan one event, commits what it decides, and checks everything.
  mutating func send(_ event: PlanEvent, to index: Int) -> [String] {
    let before = lives[index].store.contents
    history.append("\(index): \(event)")
    let decision = lives[index].machine.apply(event, now: now, entropy: &entropy, pool: &pool)
    lives[index].hasMore = decision.hasMore
    if let change = decision.change {
      lives[index].store.commit(change)
      for event in change.events {
        if event.kind.endsPlan { lives[index].tally.ends += 1 }
        if event.kind == .planRetried { lives[index].tally.retries += 1 }
        if event.kind == .taskDispatched || event.kind == .taskRedelivered,
          let ordinal = lives[index].machine.ordinal(of: event)
        {
          let token = lives[index].machine.rows[ordinal].token
          lives[index].tally.tokens[ordinal, default: []].append(token)
          lives[index].leases.append(
            TaskLease(ordinal: ordinal, attempt: event.attempt, token: token))
        }
      }
    }
    for case .arm(let ordinal, let generation, let dueAt) in decision.commands {
      lives[index].timers[ordinal] = (generation, dueAt)
    }
    for case .armDeadline(let dueAt) in decision.commands {
      lives[index].timers[Self.deadline] = (0, dueAt)
    }
    let step = Step(
      before: before, event: event, decision: decision, after: lives[index].machine,
      stored: lives[index].store.contents, pool: pool, others: others(than: index),
      timers: lives[index].timers.mapValues(\.generation), tally: lives[index].tally)
    lastStep = step
    let problems = Invariant.all.compactMap { invariant in
      invariant.check(step).map { "\(invariant.name): \($0)" }
    }
    guard problems.isEmpty, !decision.questions.isEmpty else { return problems }
    return send(.decided(decision.questions.map { verdict($0, of: index) }), to: index)
  }

  /// Rows of the other plans that are out.
  private func others(than index: Int) -> [TaskRow] {
    lives.indices.filter { $0 != index && lives[$0].isLoaded }
      .flatMap { lives[$0].machine.rows.filter(\.status.isOut) }
  }

  // MARK: Ending

  /// From here on everything goes well; answers what is wrong, as that a plan does not end.
  mutating func finish() -> [String] {
    history.append("finish")
    for text in Self.instances { pool.register(AdapterPool.Instance(text: text)) }
    var problems: [String] = []
    for _ in 0..<2_000 {
      let open = lives.indices.filter { lives[$0].machine.plan.finishedAt == nil }
      if open.isEmpty { return problems }
      for index in open { problems += advance(index) }
      if !problems.isEmpty { return problems }
    }
    return [
      "a plan does not end: " + lives.map { "\($0.machine.plan.status)" }.joined(separator: " ")
    ]
  }

  private static var noLimits: PlanUpdate {
    var update = PlanUpdate()
    update.budget.tokens = 0
    update.budget.tasks = 0
    return update
  }

  private mutating func advance(_ index: Int) -> [String] {
    let life = lives[index]
    if life.machine.plan.status == .created { return send(.submitted, to: index) }
    if life.hasMore { return send(.more, to: index) }
    if life.machine.exhaustion != nil { return send(.update(Self.noLimits), to: index) }
    if life.machine.plan.status == .paused { return send(.resume, to: index) }
    if let row = life.machine.rows.first(where: { $0.status == .waitingInput }) {
      let completion = Completion(rejection: nil, digest: digest(9), outputBytes: 8)
      return send(.complete(ordinal: row.ordinal, attempt: row.attempt, completion), to: index)
    }
    if let row = life.machine.rows.first(where: \.status.isOut) {
      let lease = TaskLease(ordinal: row.ordinal, attempt: row.attempt, token: row.token)
      return send(.result(lease, ResultSummary(outcome: .succeeded, digest: digest(1))), to: index)
    }
    if let row = life.machine.rows.first(where: { $0.status == .delegated }) {
      let lease = TaskLease(ordinal: row.ordinal, attempt: row.attempt, token: row.token)
      let summary = ResultSummary(outcome: .succeeded, digest: digest(1))
      return send(.subPlanEnded(lease, summary), to: index)
    }
    let problems = send(.schedule(most: .max), to: index)
    guard problems.isEmpty, lives[index].machine.outCount == 0 else { return problems }
    guard let timer = lives[index].timers.min(by: { $0.value.dueAt < $1.value.dueAt }) else {
      return []
    }
    return comes(timer.key, timer.value, to: index)
  }
}

extension PlanMachine {
  /// The task or instance that an event is about.
  func ordinal(of event: TraceEvent) -> Int? {
    if event.index == nil { return compiled.ordinals[event.taskID] }
    return ordinal(
      of: IdempotencyKey(planID: id, taskID: event.taskID, index: event.index ?? 0))
  }
}
