internal import Engine
internal import Plan
internal import Store

/// Budgets of namespaces.
extension Shard {
  /// Begins the accounts; `recover` fills in what is stored.
  func openAccounts() {
    guard !options.namespaceBudgets.isEmpty else { return }
    pool.budgets = NamespaceBudgets(options.namespaceBudgets, now: now)
    awaitPeriods()
  }

  /// Begins the next period of each account when it comes.
  private func awaitPeriods() {
    guard let end = pool.budgets.accounts.values.compactMap(\.periodEnd).min() else { return }
    arm(at: end) { shard in
      shard.pool.budgets.beginPeriods(now: shard.now)
      shard.awaitPeriods()
    }
  }

  /// Sets the accounts to what is stored and what is about to be; false where the store does not
  /// answer now.
  func restoreAccounts(_ pending: [PlanChange] = []) -> Bool {
    do throws(StoreError) {
      for (namespace, account) in pool.budgets.accounts {
        let start = account.spending.periodStart
        var spending =
          try store.spending(namespace: namespace, periodStart: start)
          ?? NamespaceSpending(namespace: namespace, periodStart: start, tokens: 0, tasks: 0)
        for case let more? in pending.map(\.spending)
        where more.namespace == namespace && more.periodStart == start {
          spending.add(tokens: more.tokens, tasks: more.tasks)
        }
        pool.budgets.restore(spending, now: now)
      }
      return true
    } catch {
      report(error, "what namespaces have used cannot be read")
      return false
    }
  }

  /// Plans of namespaces that are not held any more look for places again.
  func wakeReopened() {
    let namespaces = pool.budgets.takeReopened()
    for id in plans.keys.sorted() {
      guard let entry = plans[id], namespaces.contains(entry.machine.creation.namespace) else {
        continue
      }
      apply(.schedule(most: 0), to: entry)
    }
  }

  /// A limit of a namespace is told in the log, too: it concerns more than one plan.
  func tellCrossings(_ change: PlanChange) {
    for event in change.events where event.code.hasPrefix("NAMESPACE_") {
      let isHard = event.kind == .budgetExhausted
      onProblem(
        OrchestratorProblem(
          code: isHard ? "NAMESPACE_BUDGET_EXHAUSTED" : "NAMESPACE_BUDGET_WARNING",
          message: event.message
            + (isHard ? "; its plans wait for the next period or a higher budget" : ""),
          planID: change.planID))
    }
  }
}
