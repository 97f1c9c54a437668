internal import Plan

/// The part of a plan in its namespace's budget.
extension PlanMachine {
  /// Puts what this event has used so far to the namespace's account.
  mutating func account(_ pool: inout AdapterPool) {
    guard !pool.budgets.isEmpty, let account = pool.budgets.accounts[creation.namespace] else {
      return
    }
    let tokens = plan.usage.tokens - draft.accountedTokens
    let tasks = plan.attempts - draft.accountedAttempts
    guard tokens != 0 || tasks != 0 else { return }
    (draft.accountedTokens, draft.accountedAttempts) = (plan.usage.tokens, plan.attempts)
    var spending =
      draft.spending
      ?? NamespaceSpending(
        namespace: creation.namespace, periodStart: account.spending.periodStart, tokens: 0,
        tasks: 0)
    spending.add(tokens: tokens, tasks: tasks)
    draft.spending = spending
    for crossing in pool.budgets.spend(
      creation.namespace, tokens: tokens, tasks: tasks, now: draft.now)
    {
      record(crossing.isHard ? .budgetExhausted : .budgetWarning) { event in
        event.code = crossing.code
        event.message = crossing.message
      }
    }
  }
}
