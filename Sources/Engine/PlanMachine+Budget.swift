internal import Plan

/// What a plan's runs have used, and what its budget lets them.
extension PlanMachine {
  /// Usage that a run reports while it goes on.
  mutating func used(_ lease: TaskLease, _ usage: Usage) {
    guard isCurrent(lease) else { return }
    let ordinal = lease.ordinal
    let earlier = rows[ordinal].reported
    let reported = earlier.raised(to: usage)
    guard reported != earlier else { return }
    rows[ordinal].usage.replace(earlier, by: reported)
    plan.usage.replace(earlier, by: reported)
    rows[ordinal].reported = reported
    touch(ordinal)
  }

  /// Usage that comes with a result: of the whole attempt, so that it takes the place of what was
  /// reported. A result that says nothing of it leaves that.
  mutating func settleUsage(_ ordinal: Int, _ usage: Usage) {
    let reported = rows[ordinal].reported
    if reported.isEmpty {
      rows[ordinal].usage.add(usage)
      plan.usage.add(usage)
      return
    }
    rows[ordinal].reported = Usage()
    guard !usage.isEmpty else { return }
    rows[ordinal].usage.replace(reported, by: usage)
    plan.usage.replace(reported, by: usage)
  }

  // MARK: Limits

  /// Attempts that may be handed out now; a plan that pauses with the warning goes up to that first.
  var attemptAllowance: Int64 {
    guard let budget = creation.plan.budget else { return .max }
    var limit = budget.tasks ?? .max
    if budget.pausesAtSoft, !plan.budgetWarnings.contains(.tasks) {
      limit = min(limit, budget.softTasks ?? .max)
    }
    return max(0, limit - plan.attempts)
  }

  /// What of the budget is used up, as a sentence; nil: nothing.
  ///
  /// All attempts of a budget may be out and more may never be wanted: that it is used up is found
  /// when the next one is.
  public var exhaustion: String? {
    guard let budget = creation.plan.budget else { return nil }
    if let limit = budget.tokens, plan.usage.tokens >= limit {
      return Self.sentence(plan.usage.tokens, of: limit, "tokens")
    }
    let isOver = plan.pause?.code == .budgetExhausted || plan.status.isFinal
    if let limit = budget.tasks, plan.attempts >= limit, isOver {
      return Self.sentence(plan.attempts, of: limit, "tasks")
    }
    return nil
  }

  /// After whatever may have used tokens.
  mutating func checkTokens() {
    guard let budget = creation.plan.budget, !plan.status.isFinal else { return }
    let used = plan.usage.tokens
    if let limit = budget.tokens, used >= limit, openCount > 0 {
      exhaust("TOKENS", Self.sentence(used, of: limit, "tokens"))
      plan.budgetWarnings.insert(.tokens)
    } else if let limit = budget.softTokens, used >= limit {
      warn(.tokens, "TOKENS", Self.sentence(used, of: limit, "tokens"))
    }
  }

  /// After hand-outs. `isDenied`: a task could not be handed out for want of budget.
  mutating func checkAttempts(isDenied: Bool) {
    guard let budget = creation.plan.budget else { return }
    if let limit = budget.tasks, isDenied, plan.attempts >= limit {
      exhaust("TASKS", Self.sentence(plan.attempts, of: limit, "tasks"))
      plan.budgetWarnings.insert(.tasks)
    } else if let limit = budget.softTasks, plan.attempts >= limit {
      warn(.tasks, "TASKS", Self.sentence(plan.attempts, of: limit, "tasks"))
    }
  }

  /// A limit that was moved above what is used is warned of again.
  mutating func forgetWarnings() {
    let budget = creation.plan.budget
    if plan.usage.tokens < budget?.softTokens ?? .max { plan.budgetWarnings.remove(.tokens) }
    if plan.attempts < budget?.softTasks ?? .max { plan.budgetWarnings.remove(.tasks) }
  }

  private static func sentence(_ used: Int64, of limit: Int64, _ what: String) -> String {
    "\(used) \(what) of the budget's \(limit) are used"
  }

  private mutating func warn(_ warning: BudgetWarnings, _ code: String, _ message: String) {
    guard plan.budgetWarnings.insert(warning).inserted else { return }
    record(.budgetWarning) { event in
      event.code = code
      event.message = message
    }
    guard creation.plan.budget?.pausesAtSoft == true, plan.status == .running, openCount > 0 else {
      return
    }
    pause(PlanPause(.budgetWarning, message: message, since: draft.now))
  }

  /// Nothing more is handed out until the budget is raised and the plan resumed; what runs may end.
  private mutating func exhaust(_ code: String, _ message: String) {
    guard plan.pause?.code != .budgetExhausted else { return }
    record(.budgetExhausted) { event in
      event.code = code
      event.message = message
    }
    pause(PlanPause(.budgetExhausted, message: message, since: draft.now))
  }

  /// A plan that is paused already only has another reason.
  mutating func pause(_ pause: PlanPause) {
    plan.pause = pause
    guard plan.status == .running else { return }
    plan.status = .paused
    record(.planPaused) { event in
      event.code = pause.code == .requested ? "" : pause.code.rawValue
      event.message = pause.message
    }
    orderAll(.pause(reason: "the plan around it was paused"))
  }
}
