internal import Plan

/// What may change while a plan runs, and its deadline.
extension PlanMachine {
  /// UpdatePlan. A failed plan may be changed too, so that it can be retried.
  mutating func update(_ update: PlanUpdate) {
    guard plan.revision > 0 else { return }
    if let expected = update.expectedRevision, expected != plan.revision {
      return refuse(.revisionMismatch)
    }
    guard !plan.status.isFinal || plan.status == .failed else { return refuse(.planEnded) }
    let labels = update.labels(from: creation.plan.labels)
    guard labels.count <= max(PlanLimits().maxLabels, creation.plan.labels.count) else {
      return refuse(.tooManyLabels)
    }
    var changes: [String] = []
    guard changeDeadline(update, &changes) else { return refuse(.deadlinePassed) }
    amend(update, &changes)
    if !changes.isEmpty { record(.planUpdated) { $0.message = changes.joined(separator: "; ") } }
    if plan.finishedAt != nil { draft.commands.append(.ended) }
  }

  /// False where the new deadline lies in the past.
  private mutating func changeDeadline(_ update: PlanUpdate, _ changes: inout [String]) -> Bool {
    let time: Int64?
    switch update.deadline {
    case .keep: return true
    case .remove: time = nil
    case .set(let deadline): time = deadline.time(from: draft.now)
    }
    guard time ?? .max > draft.now else { return false }
    guard time != plan.deadlineAt else { return true }
    plan.deadlineAt = time
    changes.append(
      time.map { "deadline in \(DurationText.text($0 - draft.now))" } ?? "no deadline any more")
    if !plan.status.isFinal { armDeadline() }
    return true
  }

  private mutating func amend(_ update: PlanUpdate, _ changes: inout [String]) {
    let plan = creation.plan
    let amendment = PlanAmendment(
      priority: update.priority ?? plan.priority, labels: update.labels(from: plan.labels),
      budget: update.budget.applied(to: plan.budget))
    if amendment.priority != plan.priority {
      changes.append("priority \(amendment.priority), was \(plan.priority)")
    }
    if amendment.labels != plan.labels { changes.append("labels") }
    if amendment.budget != plan.budget { changes.append("budget") }
    let current = PlanAmendment(
      priority: plan.priority, labels: plan.labels, budget: plan.budget)
    guard amendment != current else { return }
    creation.plan.amend(amendment)
    draft.amendment = amendment
    forgetWarnings()
  }

  /// Arms the deadline: what is left of it, neither negative nor longer than it was at the submission
  /// (S10). One that was changed since is a moment of the clock alone.
  mutating func armDeadline() {
    let given = creation.plan.deadline?.time(from: plan.createdAt)
    deadlineDueAt = plan.deadlineAt.map { time in
      let longest = time == given ? max(time - plan.createdAt, 0) : .max
      return draft.now + min(max(time - draft.now, 0), longest)
    }
    if let deadlineDueAt { draft.commands.append(.armDeadline(dueAt: deadlineDueAt)) }
  }

  /// Fences what is open, as a cancel does; the plan is FAILED.
  mutating func deadlinePassed() {
    guard let due = deadlineDueAt, draft.now >= due else { return }
    fence(
      .failed,
      TaskError(
        .timeout, code: "PLAN_DEADLINE",
        message: "the plan did not end by its deadline; what was open is cancelled"))
  }
}
