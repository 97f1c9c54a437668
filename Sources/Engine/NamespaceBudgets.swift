public import Plan

/// What the plans of namespaces may use together, and what they have used.
///
/// Part of the pool, since it too decides what may be handed out. Empty where no namespace has a
/// budget, and then it costs nothing.
public struct NamespaceBudgets: Sendable {
  /// What a namespace may use in each period.
  public struct Limits: Sendable, Equatable {
    public var budget: Budget
    /// Periods of this length follow each other from 1970-01-01 00:00 UTC on; nil: one for ever.
    public var periodMilliseconds: Int64?

    public init(_ budget: Budget, periodMilliseconds: Int64? = nil) {
      self.budget = budget
      self.periodMilliseconds = periodMilliseconds
    }

    /// When the period began that holds `now`.
    public func periodStart(at now: Int64) -> Int64 {
      periodMilliseconds.map { now - now % $0 } ?? 0
    }
  }

  /// A namespace's budget and what is used of it.
  public struct Account: Sendable, Equatable {
    public let limits: Limits
    public internal(set) var spending: NamespaceSpending
    /// Since when it may hand out; earlier waits do not count.
    var openedAt: Int64

    /// When the period ends; nil: never.
    public var periodEnd: Int64? {
      limits.periodMilliseconds.map { spending.periodStart + $0 }
    }

    var isExhausted: Bool {
      spending.tokens >= limits.budget.tokens ?? .max
        || spending.tasks >= limits.budget.tasks ?? .max
    }

    /// Why nothing of the namespace is handed out; nil: it may be.
    public var exhaustion: String? {
      if let limit = limits.budget.tokens, spending.tokens >= limit {
        return sentence(spending.tokens, limit, "tokens")
      }
      if let limit = limits.budget.tasks, spending.tasks >= limit {
        return sentence(spending.tasks, limit, "tasks")
      }
      return nil
    }

    func sentence(_ used: Int64, _ limit: Int64, _ what: String) -> String {
      let period = limits.periodMilliseconds.map { " in \(DurationText.text($0))" } ?? ""
      return
        "\(used) \(what) of the \(limit)\(period) of namespace \"\(spending.namespace)\" are used"
    }
  }

  /// A limit that was reached.
  struct Crossing {
    var isHard: Bool
    var code: String
    var message: String
  }

  public private(set) var accounts: [String: Account] = [:]
  private var reopened: Set<String> = []

  public init() {}

  /// Accounts with nothing used of them.
  public init(_ limits: [String: Limits], now: Int64) {
    for (namespace, limit) in limits {
      let spending = NamespaceSpending(
        namespace: namespace, periodStart: limit.periodStart(at: now), tokens: 0, tasks: 0)
      // Whoever was held back before a restart is given its time anew.
      accounts[namespace] = Account(limits: limit, spending: spending, openedAt: now)
    }
  }

  public var isEmpty: Bool { accounts.isEmpty }

  /// Takes what is stored of the account's period.
  public mutating func restore(_ spending: NamespaceSpending, now: Int64) {
    set(spending, now)
  }

  /// Begins the periods that have come.
  public mutating func beginPeriods(now: Int64) {
    for (namespace, account) in accounts {
      guard let end = account.periodEnd, now >= end else { continue }
      set(
        NamespaceSpending(
          namespace: namespace, periodStart: account.limits.periodStart(at: now), tokens: 0,
          tasks: 0),
        now)
    }
  }

  private mutating func set(_ spending: NamespaceSpending, _ now: Int64) {
    let namespace = spending.namespace
    guard var account = accounts[namespace] else { return }
    let wasExhausted = account.isExhausted
    account.spending = spending
    if wasExhausted && !account.isExhausted {
      account.openedAt = now
      reopened.insert(namespace)
    }
    accounts[namespace] = account
  }

  /// Whether plans that were held back may go on.
  public var hasReopened: Bool { !reopened.isEmpty }

  /// The namespaces that may hand out again since the last call.
  public mutating func takeReopened() -> Set<String> {
    defer { reopened = [] }
    return reopened
  }

  func isExhausted(_ namespace: String) -> Bool {
    !accounts.isEmpty && accounts[namespace]?.isExhausted == true
  }

  /// Why nothing of the namespace is handed out; nil: it may be.
  public func exhaustion(of namespace: String) -> String? {
    accounts.isEmpty ? nil : accounts[namespace]?.exhaustion
  }

  func tasksLeft(_ namespace: String) -> Int64 {
    guard !accounts.isEmpty, let account = accounts[namespace],
      let limit = account.limits.budget.tasks
    else { return .max }
    return max(0, limit - account.spending.tasks)
  }

  /// From when a wait for a hand-out counts; nil: from its own beginning. Later than `now` while the
  /// namespace is held.
  func waitsCountFrom(_ namespace: String, now: Int64) -> Int64? {
    guard !accounts.isEmpty, let account = accounts[namespace] else { return nil }
    return account.isExhausted ? now : account.openedAt
  }

  /// Adds what was used. Answers the limits that were reached by it.
  mutating func spend(
    _ namespace: String, tokens: Int64, tasks: Int64, now: Int64
  ) -> [Crossing] {
    guard let account = accounts[namespace] else { return [] }
    let (before, budget) = (account.spending, account.limits.budget)
    var after = before
    after.add(tokens: tokens, tasks: tasks)
    set(after, now)
    var crossings: [Crossing] = []
    func look(_ used: Int64, _ was: Int64, _ soft: Int64?, _ hard: Int64?, _ what: String) {
      for (limit, isHard) in [(soft, false), (hard, true)] {
        guard let limit, was < limit, used >= limit else { continue }
        crossings.append(
          Crossing(
            isHard: isHard, code: "NAMESPACE_\(what.uppercased())",
            message: account.sentence(used, limit, what)))
      }
    }
    look(after.tokens, before.tokens, budget.softTokens, budget.tokens, "tokens")
    look(after.tasks, before.tasks, budget.softTasks, budget.tasks, "tasks")
    return crossings
  }
}
