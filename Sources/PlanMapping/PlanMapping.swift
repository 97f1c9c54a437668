public import Messages
public import Plan

// Between the plan as it travels and the plan as it is modelled. Numbers of 0 and empty texts mean
// "left out" on the wire (proto/baton/v1/plan.proto).

extension Plan {
  /// Throws what has no place in the model, such as an enum value of a later version.
  public init(_ message: BatonV1.Plan) throws(PlanProblems) {
    self.init()
    var problems: [PlanProblem] = []
    name = message.name
    owner = message.owner
    labels = message.labels
    metadata = message.metadata
    if !message.inputsJson.isEmpty { inputs = message.inputsJson }
    adapter = message.adapter.nonEmpty
    retry = RetryOptions(message.retry)
    timeouts = TimeoutOptions(message.timeouts)
    priority = message.priority
    maxParallel = message.maxParallel.nonZero
    switch message.deadline {
    case .deadlineAfterMs(let milliseconds)?: deadline = .after(milliseconds: milliseconds)
    case .deadlineAtMs(let milliseconds)?: deadline = .at(milliseconds: milliseconds)
    case nil: break
    }
    budget = message.budget.flatMap { Budget($0) }
    tasks = message.tasks.enumerated().map { index, task in
      PlanTask(task, at: "tasks[\(index)]", &problems)
    }
    guard problems.isEmpty else { throw PlanProblems(problems) }
  }
}

extension PlanTask {
  init(_ message: BatonV1.Task, at path: String, _ problems: inout [PlanProblem]) {
    self.init()
    id = message.id
    type = message.type
    if !message.payloadJson.isEmpty { payload = message.payloadJson }
    dependsOn = message.dependsOn
    adapter = message.adapter.nonEmpty
    retry = RetryOptions(message.retry)
    timeouts = TimeoutOptions(message.timeouts)
    priority = message.priority
    maxDeliveries = message.maxDeliveries.nonZero
    metadata = message.metadata
    when = message.when.nonEmpty
    map = message.map.map {
      MapOptions(over: $0.over, maxParallel: $0.maxParallel.nonZero)
    }
    if !message.outputSchemaJson.isEmpty {
      outputSchema = OutputSchema.compact(message.outputSchemaJson)
    }
    switch message.onFailure {
    case .unspecified, .fail: onFailure = .fail
    case .continue: onFailure = .continue
    case .unrecognized(let number):
      problems.append(
        PlanProblem(
          "\(path).on_failure", .badField, "\(number) is not known to this version of the server"))
    }
  }
}

extension RetryOptions {
  init(_ message: BatonV1.RetryPolicy?) {
    self.init()
    guard let message else { return }
    maxAttempts = message.maxAttempts.nonZero
    if case .initialDelayMs(let delay)? = message.initialDelay { initialDelayMilliseconds = delay }
    multiplier = message.multiplier == 0 ? nil : message.multiplier
    maxDelayMilliseconds = message.maxDelayMs.nonZero
    if case .jitter(let value)? = message.jitterValue { jitter = value }
  }

  var message: BatonV1.RetryPolicy? {
    guard self != RetryOptions() else { return nil }
    var message = BatonV1.RetryPolicy()
    message.maxAttempts = maxAttempts ?? 0
    message.initialDelay = initialDelayMilliseconds.map { .initialDelayMs($0) }
    message.multiplier = multiplier ?? 0
    message.maxDelayMs = maxDelayMilliseconds ?? 0
    message.jitterValue = jitter.map { .jitter($0) }
    return message
  }
}

extension Budget {
  /// Nil where it sets no limit.
  init?(_ message: BatonV1.Budget) {
    self.init()
    tokens = message.tokens.nonZero
    softTokens = message.softTokens.nonZero
    tasks = message.tasks.nonZero
    softTasks = message.softTasks.nonZero
    pausesAtSoft = message.pauseAtSoft
    if self == Budget() { return nil }
  }
}

extension BatonV1.Budget {
  public init(_ budget: Budget) {
    self.init()
    tokens = budget.tokens ?? 0
    softTokens = budget.softTokens ?? 0
    tasks = budget.tasks ?? 0
    softTasks = budget.softTasks ?? 0
    pauseAtSoft = budget.pausesAtSoft
  }
}

extension BudgetUpdate {
  init(_ message: BatonV1.BudgetUpdate) {
    self.init()
    if case .tokens(let limit)? = message.tokensValue { tokens = limit }
    if case .softTokens(let limit)? = message.softTokensValue { softTokens = limit }
    if case .tasks(let limit)? = message.tasksValue { tasks = limit }
    if case .softTasks(let limit)? = message.softTasksValue { softTasks = limit }
    if case .pauseAtSoft(let pauses)? = message.pauseAtSoftValue { pausesAtSoft = pauses }
  }
}

extension TimeoutOptions {
  init(_ message: BatonV1.Timeouts?) {
    self.init()
    scheduleToStartMilliseconds = message?.scheduleToStartMs.nonZero
    startToCloseMilliseconds = message?.startToCloseMs.nonZero
    heartbeatMilliseconds = message?.heartbeatMs.nonZero
  }

  var message: BatonV1.Timeouts? {
    guard self != TimeoutOptions() else { return nil }
    var message = BatonV1.Timeouts()
    message.scheduleToStartMs = scheduleToStartMilliseconds ?? 0
    message.startToCloseMs = startToCloseMilliseconds ?? 0
    message.heartbeatMs = heartbeatMilliseconds ?? 0
    return message
  }
}

extension BatonV1.Plan {
  public init(_ plan: Plan) {
    self.init()
    name = plan.name
    owner = plan.owner
    labels = plan.labels
    metadata = plan.metadata
    inputsJson = plan.inputs
    adapter = plan.adapter ?? ""
    retry = plan.retry.message
    timeouts = plan.timeouts.message
    priority = plan.priority
    maxParallel = plan.maxParallel ?? 0
    switch plan.deadline {
    case .after(let milliseconds)?: deadline = .deadlineAfterMs(milliseconds)
    case .at(let milliseconds)?: deadline = .deadlineAtMs(milliseconds)
    case nil: break
    }
    budget = plan.budget.map { BatonV1.Budget($0) }
    tasks = plan.tasks.map { BatonV1.Task($0) }
  }
}

extension BatonV1.Task {
  init(_ task: PlanTask) {
    self.init()
    id = task.id
    type = task.type
    payloadJson = task.payload
    dependsOn = task.dependsOn
    adapter = task.adapter ?? ""
    retry = task.retry.message
    timeouts = task.timeouts.message
    priority = task.priority
    onFailure = task.onFailure == .continue ? .continue : .fail
    maxDeliveries = task.maxDeliveries ?? 0
    metadata = task.metadata
    when = task.when ?? ""
    map = task.map.map { BatonV1.MapOptions(over: $0.over, maxParallel: $0.maxParallel ?? 0) }
    outputSchemaJson = task.outputSchema ?? []
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}

extension BinaryInteger {
  fileprivate var nonZero: Self? { self == 0 ? nil : self }
}
