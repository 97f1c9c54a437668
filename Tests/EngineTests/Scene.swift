import Plan

@testable import Engine

/// One plan that is played by text: what happens goes in a line at a time, what the engine decided
/// comes out beside it. Everything decided counts as committed.
///
///     submit            > plan_created, plan_started, a dispatched 1/1 | send a
///     fail a TRANSIENT  > a running 1/1, a retry_scheduled 1/1 +1000 TEST
///     wait 1s           > a dispatched 2/1 | send a
struct Scene {
  var machine: PlanMachine
  var pool: AdapterPool
  var entropy = Entropy(seed: 1)
  var now: Int64 = 1_000_000
  /// What is armed and has not come yet.
  private(set) var timers: [Timer] = []
  private var store: Store
  private(set) var events: [TraceEvent] = []
  private(set) var last = Decision()

  struct Timer {
    var ordinal: Int
    var generation: UInt32
    var dueAt: Int64
  }

  /// `plan`: see `plan(_:)`; `pool`: see `AdapterPool.init(_:)`.
  init(
    _ text: String, pool: AdapterPool = AdapterPool("mock/m1:t*100"),
    defaults: PlanDefaults = PlanDefaults()
  ) throws {
    try self.init(plan(text), pool: pool, defaults: defaults)
  }

  init(
    _ submitted: Plan, pool: AdapterPool = AdapterPool("mock/m1:t*100"),
    defaults: PlanDefaults = PlanDefaults()
  ) throws {
    let id = PlanID(unixMilliseconds: 1, randomness: (0, 0))
    let creation = PlanCreation(
      namespace: "default", requestKey: nil, requestDigest: digest(0), plan: submitted,
      defaults: defaults)
    machine = PlanMachine(
      id: id, compiled: try CompiledPlan(submitted, defaults: defaults), creation: creation)
    store = Store(planID: id, creation: creation)
    self.pool = pool
  }

  /// What the committed changes add up to.
  var stored: StoredPlan { store.contents }

  // MARK: Playing

  /// Plays a script, a step a line or divided by `;`, and answers its transcript.
  @discardableResult
  mutating func play(_ script: String) -> String {
    script.split { $0 == ";" || $0 == "\n" }
      .map { step in
        let words = step.split(separator: " ").map(String.init)
        return "\(words.joined(separator: " ")) > \(run(words).joined(separator: " / "))"
      }
      .joined(separator: "\n")
  }

  private mutating func run(_ words: [String]) -> [String] {
    switch words[0] {
    case "wait": return wait(milliseconds(words[1]))
    case "crash":
      crash()
      return [send(.recovered)]
    case "timer":
      let ordinal = lease(words[1]).ordinal
      now = max(now, machine.timersDueAt[ordinal])
      return [send(event(words))]
    case "register":
      pool.register(AdapterPool.Instance(text: words[1]))
      return [send(.schedule(most: .max))]
    case "remove":
      pool.remove(words[1])
      return []
    case "drain":
      pool.drain(words[1])
      return []
    case "block":
      pool.pause(words[1], until: now + milliseconds(words[2]))
      return []
    default: return [send(event(words))]
    }
  }

  private func event(_ words: [String]) -> PlanEvent {
    switch words[0] {
    case "submit": return .submitted
    case "schedule": return .schedule(most: words.count > 1 ? Int(words[1]) ?? 0 : .max)
    case "more": return .more
    case "expand":
      let count = Int32(words[2]) ?? 0
      return .decided([Verdict(ordinal: lease(words[1]).ordinal, .expand(count))])
    case "run", "skip", "break":
      let ordinal = lease(words[1]).ordinal
      switch words[0] {
      case "run": return .decided([Verdict(ordinal: ordinal, .run)])
      case "skip": return .decided([Verdict(ordinal: ordinal, .skip)])
      default:
        let error = TaskError(.permanent, code: "CONDITION_ERROR", message: "of the test")
        return .decided([Verdict(ordinal: ordinal, .fail(error))])
      }
    case "pause": return .pause(reason: "")
    case "resume": return .resume
    case "cancel": return .cancel(reason: "")
    case "retry": return .retry(reason: "")
    case "update": return .update(update(words.dropFirst()))
    case "deadline": return .deadline
    default: break
    }
    let lease = lease(words[1])
    switch words[0] {
    case "accept", "poll":
      let handle = Handle(text: "h\(lease.token)", epoch: "e", answered: lease.token)
      return .accepted(lease, handle: handle, isPolled: words[0] == "poll")
    case "refuse": return .refused(lease)
    case "reject": return .rejected(lease, error(words.dropFirst(2)))
    case "start": return .started(lease)
    case "silent": return .silent(lease)
    case "approve", "decline":
      let isDeclined = words[0] == "decline"
      let attempt = words[1].split(separator: "@").dropFirst().first.flatMap { Int32($0) } ?? 0
      return .complete(
        ordinal: lease.ordinal, attempt: attempt,
        Completion(
          rejection: isDeclined ? "no" : nil,
          digest: digest(isDeclined ? 6 : words.contains("other") ? 7 : 5), outputBytes: 8,
          question: words.dropFirst(2).lazy.compactMap { Int32($0) }.first ?? 0))
    case "withdraw": return .withdrawn(lease, code: "SERVER_STOPPED", message: "stopped")
    case "lose": return .lost(lease, code: "RUN_LOST", message: "lost")
    case "use":
      var usage = Usage()
      usage.inputTokens = Int64(words[2]) ?? 0
      usage.calls = 1
      return .used(lease, usage)
    case "succeed", "fail", "stop", "ask": return .result(lease, summary(words))
    case "end", "endfail": return .subPlanEnded(lease, summary(words))
    case "timer", "early":
      return .timer(ordinal: lease.ordinal, generation: machine.timerGenerations[lease.ordinal])
    default: preconditionFailure("no such step: \(words)")
    }
  }

  /// `priority=5 deadline=2h at=MS label=a:b remove=a revision=7`; `deadline=none` takes it away.
  private func update(_ words: ArraySlice<String>) -> PlanUpdate {
    var update = PlanUpdate()
    for word in words {
      let parts = word.split(separator: "=").map(String.init)
      switch parts[0] {
      case "priority": update.priority = Int32(parts[1])
      case "revision": update.expectedRevision = Int64(parts[1])
      case "deadline" where parts[1] == "none": update.deadline = .remove
      case "deadline": update.deadline = .set(.after(milliseconds: milliseconds(parts[1])))
      case "at": update.deadline = .set(.at(milliseconds: Int64(parts[1]) ?? 0))
      case "label":
        let pair = parts[1].split(separator: ":").map(String.init)
        update.setLabels[pair[0]] = pair[1]
      case "remove": update.removeLabels.append(parts[1])
      case "tokens": update.budget.tokens = Int64(parts[1])
      case "soft_tokens": update.budget.softTokens = Int64(parts[1])
      case "tasks": update.budget.tasks = Int64(parts[1])
      case "soft_tasks": update.budget.softTasks = Int64(parts[1])
      default: preconditionFailure("no such change: \(word)")
      }
    }
    return update
  }

  /// `a`: the current lease; `a@3`: token 3; `a@2.3`: attempt 2, token 3; `#7`: no such task.
  private func lease(_ text: String) -> TaskLease {
    let parts = text.split(separator: "@").map(String.init)
    guard let ordinal = self.ordinal(parts[0]) else {
      return TaskLease(ordinal: Int(parts[0].dropFirst()) ?? -1, attempt: 1, token: 1)
    }
    let row = machine.rows[ordinal]
    let numbers = parts.dropFirst().first?.split(separator: ".").compactMap { Int64($0) } ?? []
    switch numbers.count {
    case 0: return TaskLease(ordinal: ordinal, attempt: row.attempt, token: row.token)
    case 1: return TaskLease(ordinal: ordinal, attempt: row.attempt, token: numbers[0])
    default: return TaskLease(ordinal: ordinal, attempt: Int32(numbers[0]), token: numbers[1])
    }
  }

  /// `a`, or `a[2]` for an instance.
  private func ordinal(_ text: String) -> Int? {
    let parts = text.split { "[]".contains($0) }.map(String.init)
    guard let task = machine.compiled.ordinals[parts[0]] else { return nil }
    guard parts.count > 1, let index = Int(parts[1]), let items = machine.items(of: task) else {
      return task
    }
    return items.lowerBound + index
  }

  private func name(_ ordinal: Int) -> String {
    let id = machine.compiled.plan.tasks[machine.home(ordinal)].id
    return machine.index(of: ordinal).map { "\(id)[\($0)]" } ?? id
  }

  /// `CLASS` or `CLASS retry_after`.
  private func error(_ words: ArraySlice<String>) -> TaskError {
    let errorClass = words.first.flatMap { ErrorClass(rawValue: $0) } ?? .transient
    let pause = words.dropFirst().first.map { milliseconds($0) } ?? 0
    return TaskError(
      errorClass, code: "TEST", message: "of the test", retryAfterMilliseconds: pause)
  }

  /// `succeed a`, `succeed a other` (another digest), `succeed a silent` (no usage), `fail a CLASS`, `stop a` (cancelled, without
  /// an error), `stop a CLASS`.
  private func summary(_ words: [String]) -> ResultSummary {
    var usage = Usage()
    usage.calls = 1
    usage.inputTokens = 10
    if words.last == "silent" { usage = Usage() }
    switch words[0] {
    case "succeed", "end":
      return ResultSummary(
        outcome: .succeeded, digest: digest(words.last == "other" ? 2 : 1), outputBytes: 8,
        usage: usage)
    case "ask":
      return ResultSummary(
        outcome: .waitingInput, digest: digest(words.last == "other" ? 9 : 8), usage: usage)
    case "stop":
      let cause = words.count > 2 ? error(words.dropFirst(2)) : nil
      return ResultSummary(outcome: .cancelled, error: cause, digest: digest(4), usage: usage)
    default:
      let cause = words.last == "unknown" ? nil : error(words.dropFirst(2))
      return ResultSummary(outcome: .failed, error: cause, digest: digest(3), usage: usage)
    }
  }

  /// Lets time pass; timers come in their order.
  private mutating func wait(_ duration: Int64) -> [String] {
    let end = now + duration
    var lines: [String] = []
    while let next = timers.indices.min(by: { timers[$0].dueAt < timers[$1].dueAt }),
      timers[next].dueAt <= end
    {
      let timer = timers.remove(at: next)
      now = max(now, timer.dueAt)
      let line = send(
        timer.ordinal < 0
          ? .deadline : .timer(ordinal: timer.ordinal, generation: timer.generation))
      if line != "nothing" { lines.append(line) }
    }
    now = end
    return lines.isEmpty ? ["nothing"] : lines
  }

  /// Gives the machine one event and commits what it decides.
  @discardableResult
  mutating func send(_ event: PlanEvent) -> String {
    last = machine.apply(event, now: now, entropy: &entropy, pool: &pool)
    if let change = last.change {
      store.commit(change)
      events += change.events
    }
    for case .arm(let ordinal, let generation, let dueAt) in last.commands {
      timers.append(Timer(ordinal: ordinal, generation: generation, dueAt: dueAt))
    }
    for case .armDeadline(let dueAt) in last.commands {
      timers.append(Timer(ordinal: -1, generation: 0, dueAt: dueAt))
    }
    return text(of: last)
  }

  /// The process ends and another one starts: only what was committed is left, and the adapters.
  mutating func crash() {
    let before = pool
    pool = AdapterPool(routes: before.routes, limits: before.limits)
    for instance in before.instances { pool.register(instance) }
    timers = []
    machine = PlanMachine(stored: stored, compiled: machine.compiled)
  }

  // MARK: Showing

  /// The state of the plan and of each task: `running a:succeeded b:ready`.
  var state: String {
    let tasks = machine.rows.indices.map { ordinal in
      "\(name(ordinal)):\(machine.status(of: ordinal).rawValue)"
    }
    return ([machine.plan.status.rawValue] + tasks).joined(separator: " ")
  }

  private func text(of decision: Decision) -> String {
    var parts: [String] = []
    let events = decision.change?.events.map { text(of: $0) } ?? []
    parts.append(events.joined(separator: ", "))
    let commands = decision.commands.compactMap { text(of: $0) }
    if !commands.isEmpty { parts.append("| " + commands.joined(separator: ", ")) }
    switch decision.answer {
    case .done: break
    case .alreadyRecorded: parts.append("= already recorded")
    case .refused(let refusal): parts.append("= \(refusal.rawValue)")
    }
    if decision.hasMore { parts.append("…") }
    for order in decision.orders {
      let ordinal = machine.rows.indices.first { machine.rows[$0].subPlan == order.planID }
      let event = "\(order.event)".prefix { $0 != "(" }
      parts.append("tell \(ordinal.map { name($0) } ?? "?") \(event)")
    }
    let asked = decision.questions.map { name($0) }
    if !asked.isEmpty { parts.append("? " + asked.joined(separator: ", ")) }
    let shown = parts.filter { !$0.isEmpty }.joined(separator: " ")
    if !shown.isEmpty { return shown }
    return decision.change == nil ? "nothing" : "rows only"
  }

  private func text(of event: TraceEvent) -> String {
    guard !event.taskID.isEmpty else { return event.kind.rawValue }
    let kind = event.kind.rawValue.replacing("task_", with: "")
    var words = [event.taskID + (event.index.map { "[\($0)]" } ?? ""), kind]
    if event.kind == .taskExpanded { words.append("\(event.itemCount)") }
    if event.attempt > 0 { words.append("\(event.attempt)/\(event.delivery)") }
    if event.kind == .taskRetryScheduled { words.append("+\(event.delayMilliseconds)") }
    if let errorClass = event.errorClass { words.append(errorClass.rawValue) }
    if !event.code.isEmpty { words.append(event.code) }
    return words.joined(separator: " ")
  }

  private func text(of command: Command) -> String? {
    let id = name
    switch command {
    case .handOut(let ordinal): return "send \(id(ordinal))"
    case .resume(let ordinal): return "send \(id(ordinal)) again"
    case .ask(let ordinal): return "ask \(id(ordinal))"
    case .beginSubPlan(let ordinal): return "begin \(id(ordinal))"
    case .findSubPlan(let ordinal): return "find \(id(ordinal))"
    case .cancelRun(let ordinal, let attempt, let instance, _):
      return "stop \(id(ordinal)).\(attempt) at \(instance)"
    case .arm, .armDeadline: return nil
    case .ended: return "ended"
    }
  }
}

/// One plan in a store.
struct Store {
  let planID: PlanID
  private(set) var creation: PlanCreation
  private var plan = PlanRow()
  private var rows: [Int: TaskRow] = [:]

  init(planID: PlanID, creation: PlanCreation) {
    self.planID = planID
    self.creation = creation
  }

  mutating func commit(_ change: PlanChange) {
    plan = change.plan
    if let amendment = change.amendment { creation.plan.amend(amendment) }
    for row in change.tasks { rows[row.ordinal] = row }
  }

  var contents: StoredPlan {
    StoredPlan(
      planID: planID, creation: creation, plan: plan,
      tasks: rows.values.sorted { $0.ordinal < $1.ordinal })
  }
}
