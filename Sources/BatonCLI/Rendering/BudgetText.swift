internal import Messages

/// What was used of a plan's budget.
enum BudgetText {
  /// `1500 of 2000 tokens (warned at 1600), 3 of 10 tasks`; empty where there is no budget.
  static func line(_ state: BatonV1.PlanState) -> String {
    guard let budget = state.budget else { return "" }
    let tokens = (state.usage?.inputTokens ?? 0) + (state.usage?.outputTokens ?? 0)
    return [
      part(tokens, budget.tokens, budget.softTokens, "tokens"),
      part(state.attempts, budget.tasks, budget.softTasks, "tasks"),
    ].compactMap { $0 }.joined(separator: ", ")
  }

  private static func part(_ used: Int64, _ hard: Int64, _ soft: Int64, _ what: String) -> String? {
    guard hard > 0 || soft > 0 else { return nil }
    let limit = hard > 0 ? " of \(hard)" : ""
    return "\(used)\(limit) \(what)" + (soft > 0 ? " (warning at \(soft))" : "")
  }
}
