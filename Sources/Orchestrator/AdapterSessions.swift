internal import Plan

/// One registered instance, or one that is expected to register.
struct AdapterSession {
  enum Health {
    /// Known from stored hand-outs only; waited for since a restart.
    case expected
    case alive
    /// It gets no new work.
    case draining
    case lost
  }

  var sessionID: String
  var registration: Registration
  var health: Health
  var registeredAt: Int64
  var lastHeartbeatAt: Int64
  var lastError = ""
  /// Calls in a row that did not reach it.
  var failures = 0

  /// It can be called.
  var isAlive: Bool { health == .alive || health == .draining }
}

/// Who is registered, by instance. Plain bookkeeping; what follows is the shard's.
struct AdapterSessions {
  private(set) var all: [String: AdapterSession] = [:]

  subscript(_ instance: String) -> AdapterSession? {
    get { all[instance] }
    set { all[instance] = newValue }
  }

  /// The live session with this id.
  func find(_ sessionID: String) -> AdapterSession? {
    all.values.first { $0.sessionID == sessionID && $0.isAlive }
  }

  /// Counts a call that did not reach the instance; answers how many there were before in a row.
  mutating func failed(_ instance: String) -> Int {
    defer { all[instance]?.failures += 1 }
    return all[instance]?.failures ?? 0
  }

  mutating func answered(_ instance: String) { all[instance]?.failures = 0 }
}
