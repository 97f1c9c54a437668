public import Engine
public import Plan

/// What an operator may set. All times in milliseconds.
public struct OrchestratorOptions: Sendable {
  /// An adapter's session ends this long after its last heartbeat.
  public var leaseMilliseconds: Int64 = 15_000
  /// An instance whose session has ended is listed this long.
  public var lostMilliseconds: Int64 = 600_000
  /// How often everything is looked over for hints that were lost.
  public var sweepMilliseconds: Int64 = 5_000
  /// How long an adapter may hold a poll.
  public var pollWaitMilliseconds: Int64 = 20_000
  /// What a run says of its usage while it goes on is written at most this often.
  public var usageMilliseconds: Int64 = 1_000
  /// First pause before something is sent again; doubled up to `lease` at each failure.
  public var resendMilliseconds: Int64 = 250
  public var defaults = PlanDefaults()
  public var limits = PlanLimits()
  public var routes = AdapterPool.Routes()
  public var places = AdapterPool.Limits()
  /// What the plans of a namespace may use together.
  public var namespaceBudgets: [String: NamespaceBudgets.Limits] = [:]
  /// Events per plan kept for watchers; older ones are read from the store.
  public var watchedEvents = 256
  /// Of every random choice.
  public var seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// Adapters send a heartbeat this often, so that two may be lost.
  public var heartbeatMilliseconds: Int64 { max(leaseMilliseconds / 3, 1) }

  /// The pause before the next try after `failures` in a row.
  func backoffMilliseconds(failures: Int) -> Int64 {
    min(resendMilliseconds << Int64(min(failures, 20)), leaseMilliseconds)
  }
}
