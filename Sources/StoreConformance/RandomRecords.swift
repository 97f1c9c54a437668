public import Plan

// Records with every field set at random.

extension RandomSource {
  public mutating func planID(unixMilliseconds: Int64? = nil) -> PlanID {
    let time = unixMilliseconds ?? 1_790_000_000_000 + Int64.random(in: 0..<1_000, using: &self)
    return PlanID(unixMilliseconds: time, randomness: (next(), next()))
  }

  mutating func digest() -> Digest { Digest(bytes(count: 32)) ?? digest() }

  public mutating func creation(taskCount: Int, requestKey: String? = nil) -> PlanCreation {
    PlanCreation(
      namespace: "default", requestKey: requestKey, requestDigest: digest(),
      plan: plan(taskCount: taskCount), defaults: defaults(), parent: oneIn(2) ? nil : parent())
  }

  private mutating func parent() -> ParentTask {
    // Few plans, so that some have several sub-plans.
    let plan = PlanID(high: 0x7000, low: UInt64(int32() & 3))
    return ParentTask(
      key: IdempotencyKey(planID: plan, taskID: nonEmptyText(), index: int32()), attempt: int32())
  }

  mutating func plan(taskCount: Int) -> Plan {
    var plan = Plan()
    plan.name = text()
    plan.owner = text()
    plan.labels = texts()
    plan.metadata = texts()
    plan.inputs = json()
    plan.adapter = oneIn(2) ? nil : nonEmptyText()
    plan.retry = retryOptions()
    plan.timeouts = timeoutOptions()
    plan.priority = int32()
    plan.maxParallel = optionalInt32()
    plan.deadline = optionalDelay().map {
      oneIn(2) ? .after(milliseconds: $0) : .at(milliseconds: integer())
    }
    plan.budget = budget()
    plan.tasks = (0..<taskCount).map { task(ordinal: $0) }
    return plan
  }

  private mutating func task(ordinal: Int) -> PlanTask {
    var task = PlanTask()
    task.id = "task-\(ordinal)"
    task.type = pick(["prompt", "agent", "crew", "graph"])
    task.payload = json()
    task.dependsOn = ordinal > 0 && oneIn(2) ? ["task-\(ordinal - 1)"] : []
    task.adapter = oneIn(2) ? nil : nonEmptyText()
    task.retry = retryOptions()
    task.timeouts = timeoutOptions()
    task.priority = -int32()
    task.onFailure = pick(OnFailure.allCases)
    task.maxDeliveries = optionalInt32()
    task.metadata = texts()
    task.when = oneIn(2) ? nil : nonEmptyText()
    task.outputSchema = oneIn(2) ? nil : Array(#"{"type":"\#(nonEmptyText().utf8.count)"}"#.utf8)
    if oneIn(2) { task.map = MapOptions(over: nonEmptyText(), maxParallel: optionalInt32()) }
    return task
  }

  private mutating func texts() -> [String: String] {
    var texts: [String: String] = [:]
    for _ in 0..<Int.random(in: 0...3, using: &self) { texts[text()] = text() }
    return texts
  }

  private mutating func retryOptions() -> RetryOptions {
    var retry = RetryOptions()
    retry.maxAttempts = optionalInt32()
    retry.initialDelayMilliseconds = optionalDelay()
    retry.multiplier = oneIn(2) ? nil : Double.random(in: 1...10, using: &self)
    retry.maxDelayMilliseconds = optionalDelay()
    retry.jitter = oneIn(2) ? nil : Double.random(in: 0...1, using: &self)
    return retry
  }

  private mutating func timeoutOptions() -> TimeoutOptions {
    var timeouts = TimeoutOptions()
    timeouts.scheduleToStartMilliseconds = optionalDelay()
    timeouts.startToCloseMilliseconds = optionalDelay()
    timeouts.heartbeatMilliseconds = optionalDelay()
    return timeouts
  }

  /// Up to ten years, the longest that is accepted.
  private mutating func optionalDelay() -> Int64? {
    oneIn(3) ? nil : Int64.random(in: 0...315_360_000_000, using: &self)
  }

  private mutating func defaults() -> PlanDefaults {
    var defaults = PlanDefaults()
    defaults.retry.maxAttempts = int32()
    defaults.retry.initialDelayMilliseconds = integer()
    defaults.retry.multiplier = Double.random(in: 1...10, using: &self)
    defaults.retry.maxDelayMilliseconds = integer()
    defaults.retry.jitter = Double.random(in: 0...1, using: &self)
    defaults.timeouts.scheduleToStartMilliseconds = integer()
    defaults.timeouts.startToCloseMilliseconds = integer()
    defaults.timeouts.heartbeatMilliseconds = integer()
    defaults.maxDeliveries = int32()
    defaults.maxParallel = int32()
    return defaults
  }

  /// A row but for `revision` and `lastSeq`, which its change rules.
  mutating func planRow() -> PlanRow {
    var row = PlanRow()
    row.status = pick(PlanStatus.allCases)
    row.createdAt = integer()
    row.startedAt = optionalInteger()
    row.resumedAt = optionalInteger()
    row.finishedAt = optionalInteger()
    row.deadlineAt = optionalInteger()
    row.error = taskError()
    row.usage = usage()
    row.outputBytes = integer()
    row.attempts = integer()
    row.budgetWarnings = BudgetWarnings(rawValue: Int64.random(in: 0...3, using: &self))
    row.pause =
      oneIn(2)
      ? nil : PlanPause(pick(PlanPause.Code.allCases), message: text(), since: integer())
    return row
  }

  mutating func amendment() -> PlanAmendment {
    PlanAmendment(priority: int32(), labels: texts(), budget: budget())
  }

  private mutating func budget() -> Budget? {
    var budget = Budget()
    budget.tokens = optionalInteger()
    budget.softTokens = optionalInteger()
    budget.tasks = optionalInteger()
    budget.softTasks = optionalInteger()
    budget.pausesAtSoft = oneIn(2)
    return budget == Budget() ? nil : budget
  }

  mutating func taskRow(ordinal: Int) -> TaskRow {
    var row = TaskRow(ordinal: ordinal)
    row.status = pick(TaskStatus.allCases)
    row.attempt = int32()
    row.delivery = int32()
    row.token = integer()
    row.tokenClosed = oneIn(2)
    row.hasBegun = oneIn(2)
    row.question = int32()
    row.resumes = oneIn(2)
    row.attemptsBefore = int32()
    row.adapter = text()
    row.instance = text()
    row.handle = text()
    row.handleEpoch = text()
    row.handleAnswered = integer()
    row.startedAt = optionalInteger()
    row.dispatchedAt = optionalInteger()
    row.finishedAt = optionalInteger()
    row.timerDueAt = optionalInteger()
    row.timerDelayMilliseconds = integer()
    row.error = taskError()
    row.usage = usage()
    row.reported = oneIn(2) ? Usage() : usage()
    row.outputBytes = integer()
    row.itemCount = optionalInt32()
    row.firstItem = oneIn(2) ? nil : Int(integer())
    row.accepted = (0..<Int.random(in: 0...3, using: &self)).map { _ in
      AcceptedResult(attempt: int32(), token: integer(), digest: digest())
    }
    return row
  }

  mutating func dialog(ordinal: Int) -> TaskDialog {
    let turns = (0..<Int.random(in: 0...3, using: &self)).map { _ in
      DialogTurn(prompt: json(), value: oneIn(3) ? nil : json())
    }
    return TaskDialog(ordinal: ordinal, turns: turns)
  }

  private mutating func taskError() -> TaskError? {
    oneIn(2)
      ? nil
      : TaskError(
        pick(ErrorClass.allCases), code: text(), message: text(), diagnostics: text(),
        retryAfterMilliseconds: integer())
  }

  private mutating func usage() -> Usage {
    var usage = Usage()
    usage.inputTokens = integer()
    usage.outputTokens = integer()
    usage.calls = integer()
    usage.model = text()
    return usage
  }

  mutating func event(seq: Int64) -> TraceEvent {
    var event = TraceEvent(seq: seq, time: integer(), kind: pick(EventKind.allCases))
    event.taskID = text()
    event.index = optionalInt32()
    event.itemCount = int32()
    event.relatedPlanID = oneIn(2) ? nil : planID()
    event.attempt = int32()
    event.delivery = int32()
    event.adapter = text()
    event.instance = text()
    event.code = text()
    event.message = text()
    event.errorClass = oneIn(2) ? nil : pick(ErrorClass.allCases)
    event.delayMilliseconds = integer()
    return event
  }
}
