import Plan

@testable import Engine

/// One event of one plan, with what was before and after it.
struct Step {
  var before: StoredPlan
  var event: PlanEvent
  var decision: Decision
  var after: PlanMachine
  var stored: StoredPlan
  var pool: AdapterPool
  /// Rows of other plans that are out.
  var others: [TaskRow]
  /// Generation of what is armed, by task.
  var timers: [Int: UInt32]
  var tally: World.Tally

  var change: PlanChange? { decision.change }

  func row(_ ordinal: Int, in plan: StoredPlan) -> TaskRow {
    plan.tasks.first { $0.ordinal == ordinal } ?? TaskRow(ordinal: ordinal)
  }

  /// Every task as it was and as it is in the store.
  var rows: [(before: TaskRow, after: TaskRow)] {
    after.rows.indices.map { (row($0, in: before), row($0, in: stored)) }
  }

  var handOuts: [TraceEvent] {
    let kinds: Set<EventKind> = [.taskDispatched, .taskRedelivered, .taskResumed]
    return change?.events.filter { kinds.contains($0.kind) } ?? []
  }
}

/// Whether a question has no answer.
private func isFailure(_ outcome: Verdict.Outcome) -> Bool {
  if case .fail = outcome { true } else { false }
}

/// Something that is always true; `check` answers what is not.
struct Invariant: Sendable {
  var name: String
  var check: @Sendable (Step) -> String?

  static let all: [Invariant] = [
    Invariant(name: "revision +1 per change") { step in
      guard let change = step.change else { return nil }
      let expected = step.before.plan.revision + 1
      return change.plan.revision == expected && (change.created != nil) == (expected == 1)
        ? nil : "\(change.plan.revision), not \(expected)"
    },
    Invariant(name: "seq without a gap") { step in
      guard let change = step.change else { return nil }
      let first = step.before.plan.lastSeq + 1
      let expected = Array(first..<(first + Int64(change.events.count)))
      return change.events.map(\.seq) == expected
        && change.plan.lastSeq == first + Int64(change.events.count) - 1
        ? nil : "\(change.events.map(\.seq)) after \(first - 1)"
    },
    Invariant(name: "every row that changed is in the change, whole") { step in
      let wrong = step.after.rows.filter { row in
        var stored = step.row(row.ordinal, in: step.stored)
        // The answer to a hand-out rides in a later commit.
        stored.handle = row.handle
        stored.handleEpoch = row.handleEpoch
        stored.handleAnswered = row.handleAnswered
        return stored != row
      }
      return wrong.isEmpty && step.stored.plan == step.after.plan ? nil : "\(wrong)"
    },
    Invariant(name: "at most one accepted result per attempt") { step in
      let wrong = step.rows.map(\.after).filter { row in
        let current = row.accepted.count { $0.attempt == row.attempt }
        return current > 1 + 2 * Int(row.question)
          || Set(row.accepted.map(\.token)).count < row.accepted.count
          || row.accepted.contains { $0.attempt > row.attempt || $0.token > row.token }
      }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "what was accepted stays accepted") { step in
      let wrong = step.rows.filter { !$0.after.accepted.starts(with: $0.before.accepted) }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "tokens rise strictly") { step in
      let wrong = step.tally.tokens.filter { !zip($0.value, $0.value.dropFirst()).allSatisfy(<) }
      return wrong.isEmpty && step.rows.allSatisfy { $0.before.token <= $0.after.token }
        ? nil : "\(wrong)"
    },
    Invariant(name: "attempts and deliveries within policy, one at a time") { step in
      let compiled = step.after.compiled
      let wrong = step.rows.filter { before, after in
        after.attempt - after.attemptsBefore
          > compiled.retries[step.after.home(after.ordinal)].maxAttempts
          || after.delivery > compiled.maxDeliveries(step.after.home(after.ordinal))
          || !(0...1).contains(after.attempt - before.attempt)
          || (after.attempt > before.attempt && before.attempt > 0 && !before.tokenClosed)
      }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "no task before its dependencies") { step in
      let asked = step.change?.events.filter { $0.kind == .taskWaitingInput } ?? []
      let wrong = (step.handOuts + asked).filter { event in
        guard let ordinal = step.after.ordinal(of: event) else { return true }
        if step.after.isInstance(ordinal) {
          return step.row(step.after.home(ordinal), in: step.stored).status != .expanded
        }
        return !step.after.compiled.graph.dependencies[ordinal].allSatisfy {
          let status = step.row($0, in: step.stored).status
          let goesOn = step.after.compiled.plan.tasks[$0].onFailure == .continue
          return status == .succeeded || (status == .failed && goesOn)
            || (status == .skipped
              && step.row($0, in: step.stored).error?.code == "CONDITION_FALSE")
        }
      }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "a condition is kept to, and asked for once everything upstream ended well") {
      step in
      let wrong = step.after.rows.filter { row in
        guard step.after.compiled.conditions[row.ordinal] != nil else { return false }
        let verdict = World.verdict(row.ordinal, step.after).outcome
        let isDeclined = row.error?.code == "CONDITION_FALSE"
        let hasRun = row.attempt > 0 || row.itemCount != nil
        return (hasRun && (verdict == .skip || isFailure(verdict)))
          || (isDeclined && verdict != .skip)
          || (isDeclined && row.status != .skipped)
      }
      let early = step.decision.questions.filter { ordinal in
        step.after.status(of: ordinal) != .pending || step.after.unmet[ordinal] != 1
      }
      return wrong.isEmpty && early.isEmpty ? nil : "\(wrong), asked \(early)"
    },
    Invariant(name: "a mapped task keeps to its bound, and ends with its last instance") { step in
      let wrong = step.after.compiled.mapped.filter { task in
        let row = step.row(task, in: step.stored)
        guard let items = step.after.items(of: task), let map = step.after.compiled.maps[task]
        else { return row.status == .expanded || row.status == .succeeded }
        let rows = items.map { step.row($0, in: step.stored) }
        let begun = items.count { ordinal in
          let status = step.after.status(of: ordinal)
          return !status.isFinal && status != .pending
        }
        let isOpen = rows.contains { !$0.status.isFinal }
        let hasFailed = rows.contains { $0.status == .failed }
        let goesOn = step.after.compiled.plan.tasks[task].onFailure == .continue
        switch row.status {
        case .expanded: return !isOpen || begun > Int(map.maxParallel)
        case .succeeded: return isOpen || (hasFailed && !goesOn)
        case .failed: return isOpen || !hasFailed
        case .cancelled: return false
        default: return true
        }
      }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "nothing is handed out after pause or cancel") { step in
      let status = step.stored.plan.status
      let isSent = step.decision.commands.contains {
        switch $0 {
        case .handOut, .beginSubPlan: true
        default: false
        }
      }
      guard isSent || !step.handOuts.isEmpty else { return nil }
      // Hand-outs may use up the budget that pauses the plan with them.
      let pause = step.stored.plan.pause
      let isSpent = status == .paused && pause?.code != .requested && pause?.since == step.now
      return status == .running || isSpent ? nil : "\(status)"
    },
    Invariant(name: "every hand-out is recorded, then sent, and nothing else is") { step in
      let sent = step.decision.commands.compactMap { command -> Int? in
        switch command {
        case .handOut(let ordinal), .beginSubPlan(let ordinal): ordinal
        default: nil
        }
      }
      let recorded = step.handOuts.compactMap { step.after.ordinal(of: $0) }
      let isReady = sent.allSatisfy {
        let row = step.row($0, in: step.stored)
        return row.status == .dispatched || row.status == .delegated
      }
      return sent == recorded && isReady ? nil : "sent \(sent), recorded \(recorded)"
    },
    Invariant(name: "sub-plans keep to the bound, and are told what their plan is told") { step in
      let ids = step.stored.tasks.filter { $0.status == .delegated }.map(\.handle)
      let isBound = ids.count <= Int(step.after.compiled.maxParallel)
      guard step.after.subPlanCount == ids.count, isBound, Set(ids).count == ids.count else {
        return "\(ids), counted \(step.after.subPlanCount)"
      }
      guard step.before.plan.status != step.stored.plan.status else { return nil }
      let told = Set(step.decision.orders.map { "\($0.planID)" })
      let missing = step.before.tasks.filter { row in
        let after = step.row(row.ordinal, in: step.stored).status
        return row.status == .delegated && (after == .delegated || after == .cancelled)
          && !told.contains(row.handle)
      }
      return missing.isEmpty ? nil : "\(missing.map(\.ordinal)) are not told"
    },
    Invariant(name: "pool counts equal the rows out") { step in
      let out = step.after.rows.filter(\.status.isOut)
      let all = out + step.others
      let names = Set(all.map(\.instance) + step.pool.instances.map(\.name))
      let wrong = names.filter { name in
        step.pool.load(of: name) != all.count { $0.instance == name }
      }
      return wrong.isEmpty && step.pool.inFlight == all.count && step.after.outCount == out.count
        ? nil : "\(wrong), \(step.pool.inFlight) for \(all.count)"
    },
    Invariant(name: "limits hold for what is handed out") { step in
      guard !step.handOuts.isEmpty else { return nil }
      let all = step.after.rows.filter(\.status.isOut) + step.others
      let isFull = step.handOuts.contains { event in
        let instance = step.pool.instances.first { $0.name == event.instance }
        let limit = step.pool.limits.perAdapter[event.adapter] ?? .max
        return step.pool.load(of: event.instance) > instance?.maxConcurrency ?? 0
          || all.count { $0.adapter == event.adapter } > limit || instance?.isDraining == true
      }
      return isFull || all.count > step.pool.limits.inFlight
        || step.after.outCount > step.after.compiled.maxParallel
        ? "\(all.count) out" : nil
    },
    Invariant(name: "no more attempts than the budget's, and none once its tokens are used") {
      step in
      guard let budget = step.after.creation.plan.budget,
        step.stored.plan.attempts > step.before.plan.attempts
      else { return nil }
      let plan = step.stored.plan
      return plan.attempts <= budget.tasks ?? .max && plan.usage.tokens < budget.tokens ?? .max
        ? nil : "\(plan.attempts) attempts, \(plan.usage.tokens) tokens of \(budget)"
    },
    Invariant(name: "attempts are counted once, at their first hand-out") { step in
      let sum = step.rows.reduce(Int64(0)) { sum, row in
        let isOwn = step.after.compiled.plan.tasks[step.after.home(row.after.ordinal)]
          .isOwn
        return sum + (isOwn ? 0 : Int64(row.after.attempt))
      }
      return step.stored.plan.attempts == sum ? nil : "\(step.stored.plan.attempts), not \(sum)"
    },
    Invariant(name: "a plan says why it is paused, and only then") { step in
      let plan = step.stored.plan
      return (plan.status == .paused) == (plan.pause != nil) ? nil : "\(plan)"
    },
    Invariant(name: "what is not handed out in its turn has a reason") { step in
      guard case .schedule(most: .max) = step.event, step.stored.plan.status == .running else {
        return nil
      }
      let wrong = step.after.rows.indices.filter {
        step.after.wait(of: $0, step.pool, now: step.now) == .handOut(.turn)
      }
      return wrong.isEmpty ? nil : "\(wrong)"
    },
    Invariant(name: "terminal is final") { step in
      let isRetried = step.change?.events.contains { $0.kind == .planRetried } ?? false
      let wrong = step.rows.filter {
        let isDone = isRetried ? step.after.endedWell($0.after.ordinal) : true
        return $0.before.status.isFinal && isDone && $0.before != $0.after
      }
      let was = step.before.plan
      let isSame =
        !was.status.isFinal || was.status == step.stored.plan.status
        || (isRetried && was.status == .failed)
      let isUpdated = step.change?.events.contains { $0.kind == .planUpdated } ?? false
      let isOver = was.finishedAt != nil && !isRetried && !isUpdated
      return wrong.isEmpty && isSame && (!isOver || step.change == nil)
        ? nil : "\(wrong) \(String(describing: step.change))"
    },
    Invariant(name: "a plan ends once, with its last task") { step in
      let isOver = step.stored.plan.finishedAt != nil
      let isOpen = step.after.rows.contains { !$0.status.isFinal }
      let isTold = step.decision.commands.contains(.ended)
      let ends = step.change?.events.contains { $0.kind.endsPlan } ?? false
      let isSteered =
        switch step.event {
        case .retry, .update, .complete: true
        default: false
        }
      let expected = step.tally.retries + (isOver ? 1 : 0)
      // Who steers a plan that has ended is told that it stays so.
      return step.tally.ends == expected && isTold == (ends || (isSteered && isOver))
        && isOver == (step.stored.plan.revision > 0 && !isOpen)
        ? nil : "ends \(step.tally.ends), open \(isOpen), told \(isTold)"
    },
    Invariant(name: "an output is stored with its success and at no other time") { step in
      // The output of a mapped task is that of its instances.
      let succeeded =
        step.change?.events.filter { event in
          event.kind == .taskSucceeded
            && (event.index != nil
              || step.after.compiled.ordinals[event.taskID].map {
                step.after.compiled.maps[$0] == nil
              } ?? true)
        } ?? []
      return succeeded.count == (step.decision.storesOutput ? 1 : 0) ? nil : "\(succeeded)"
    },
    Invariant(name: "totals are the sums of the rows") { step in
      let rows = step.rows.map(\.after)
      let tokens = rows.reduce(0) { $0 + $1.usage.inputTokens }
      let bytes = rows.reduce(0) { $0 + $1.outputBytes }
      return step.stored.plan.usage.inputTokens == tokens
        && step.stored.plan.outputBytes == bytes
        && rows.allSatisfy { $0.reported.inputTokens <= $0.usage.inputTokens }
        ? nil : "\(tokens) tokens, \(bytes) bytes"
    },
    Invariant(name: "whatever waits has a timer") { step in
      guard !step.after.plan.status.isFinal else { return nil }
      let wrong = step.after.rows.indices.filter { ordinal in
        switch step.after.status(of: ordinal) {
        case .dispatched, .running, .waitingRetry:
          return step.timers[ordinal] != step.after.timerGenerations[ordinal]
        case .ready where step.after.plan.status == .running && !step.after.isOwn(ordinal):
          return step.timers[ordinal] != step.after.timerGenerations[ordinal]
        default: return false
        }
      }
      let hasDeadline = step.after.plan.deadlineAt == nil || step.timers[-1] != nil
      return wrong.isEmpty && hasDeadline ? nil : "\(wrong)"
    },
    Invariant(name: "the store alone is enough") { $0.recoveryDifference() },
  ]
}

extension PlanMachine {
  func isOwn(_ ordinal: Int) -> Bool { compiled.plan.tasks[home(ordinal)].isOwn }
}

extension Step {
  /// Makes a second machine from what is stored and says where it differs.
  func recoveryDifference() -> String? {
    guard stored.plan.revision > 0 else { return nil }
    var second = PlanMachine(stored: stored, compiled: after.compiled)
    // Without places nothing is handed out, so that the two can be compared.
    var empty = AdapterPool(routes: pool.routes, limits: pool.limits)
    var entropy = Entropy(seed: 0)
    let decision = second.apply(.recovered, now: now, entropy: &entropy, pool: &empty)
    if !self.decision.questions.isEmpty {
      return Set(decision.questions).isSuperset(of: self.decision.questions)
        ? nil : "it asks \(decision.questions), not \(self.decision.questions)"
    }
    let verdicts = decision.questions.map { World.verdict($0, second) }
    if !verdicts.isEmpty {
      // Only what has been decided before is asked again, and it comes out the same.
      let again = second.apply(.decided(verdicts), now: now, entropy: &entropy, pool: &empty)
      if again.change != nil { return "it decides \(again)" }
    }
    if decision.change != nil && !self.decision.hasMore { return "it decides \(decision)" }
    guard !self.decision.hasMore else { return nil }
    let first = (0..<after.rows.count).map { after.status(of: $0) }
    let other = (0..<after.rows.count).map { second.status(of: $0) }
    if first != other { return "\(first) is \(other)" }
    let open = after.rows.indices.filter { !after.rows[$0].status.isFinal }
    if open.map({ after.unmet[$0] }) != open.map({ second.unmet[$0] }) {
      return "unmet \(after.unmet) is \(second.unmet)"
    }
    if after.openCount != second.openCount { return "openCount" }
    if after.outCount != second.outCount || empty.inFlight != second.outCount { return "outCount" }
    if after.hasReadyTasks != second.hasReadyTasks { return "hasReadyTasks" }
    if readyTasks(after) != readyTasks(second) {
      return "ready \(readyTasks(after)) is \(readyTasks(second))"
    }
    let waiting = [after, second].map { machine in
      Set(machine.toBegin.filter { machine.status(of: $0) == .ready })
    }
    if !after.plan.status.isFinal, waiting[0] != waiting[1] { return "sub-plans that wait" }
    let resent = decision.commands.compactMap { command -> Int? in
      if case .resume(let ordinal) = command { ordinal } else { nil }
    }
    let out = after.plan.status.isFinal ? [] : after.rows.filter(\.status.isOut).map(\.ordinal)
    if resent != out { return "sends again \(resent), not \(out)" }
    if after.creation != second.creation { return "creation" }
    if !after.plan.status.isFinal,
      after.deadlineDueAt.map({ max($0, now) }) != second.deadlineDueAt
    {
      return "deadline"
    }
    return timerDifference(second)
  }

  var now: Int64 { after.draft.now }

  /// Ready tasks in the order in which they would go. A task may stand twice in its lane, where a
  /// late result took it out of the ready state and its next attempt brought it back.
  private func readyTasks(_ machine: PlanMachine) -> [Int] {
    guard !machine.plan.status.isFinal else { return [] }
    var lanes = machine.ready
    var ordinals: [Int] = []
    lanes.drain(
      isReady: { machine.status(of: $0) == .ready },
      take: { ordinal, _, _ in
        if !ordinals.contains(ordinal) { ordinals.append(ordinal) }
        return true
      })
    return ordinals
  }

  private func timerDifference(_ second: PlanMachine) -> String? {
    guard after.plan.status == .running else { return nil }
    let wrong = after.rows.indices.filter { ordinal in
      switch after.status(of: ordinal) {
      case .ready where after.isOwn(ordinal): false
      case .ready, .dispatched, .running, .waitingRetry:
        max(after.timersDueAt[ordinal], now) != max(second.timersDueAt[ordinal], now)
      default: false
      }
    }
    let first = wrong.map { after.timersDueAt[$0] }
    return wrong.isEmpty ? nil : "due \(first) is \(wrong.map { second.timersDueAt[$0] })"
  }
}
