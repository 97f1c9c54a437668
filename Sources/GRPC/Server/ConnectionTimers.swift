internal import NIOCore

/// The times of one connection, as a value: what is seen of the connection goes in with every tick,
/// what to do comes out. It reads no clock, and a call costs it nothing.
struct ConnectionTimers {
  /// What a tick sees.
  struct Snapshot {
    /// The client's preface and SETTINGS have arrived.
    var isEstablished: Bool
    /// The stream whose header block has begun and not ended, and which of the blocks it is.
    var receivingHeaders: Int32?
    var openStreams: Int
    /// Requests so far.
    var requests: Int
    /// Times that bytes have been received so far.
    var receives: Int
    var isWritable: Bool
  }

  enum Action: Equatable {
    case none
    /// Ask the client for a sign of life.
    case ping
    /// Take no more calls; the connection closes with the last of them.
    case drain(ConnectionLimitEvent.Limit)
    /// The time for open calls is over.
    case abandonCalls
    /// Tell the client, and close.
    case terminate(ConnectionLimitEvent.Limit)
    /// Nobody listens: close.
    case abort(ConnectionLimitEvent.Limit?)
  }

  private let limits: ConnectionLimits
  private let acceptedAt: NIODeadline
  private let drainsAt: NIODeadline?
  private var headers: (stream: Int32, since: NIODeadline)?
  private var unwritableSince: NIODeadline?
  private var idleSince: NIODeadline
  private var requests = 0
  private var receives = 0
  private var heardAt: NIODeadline
  private var pingedAt: NIODeadline?
  private var drainingSince: NIODeadline?
  private var hasAbandonedCalls = false
  private var hasEnded = false
  private var strikes = PingStrikes()

  /// - Parameter jitter: from -1 to 1, drawn by the caller for each connection, so that those
  ///   opened together do not end together.
  init(_ limits: ConnectionLimits, acceptedAt: NIODeadline, jitter: Double) {
    self.limits = limits
    self.acceptedAt = acceptedAt
    idleSince = acceptedAt
    heardAt = acceptedAt
    drainsAt = limits.ageMax.map { acceptedAt + TimeAmount($0 * (1 + jitter / 10)) }
  }

  /// The server drains the connection for a reason of its own.
  mutating func drainingStarted(now: NIODeadline) {
    drainingSince = drainingSince ?? now
  }

  mutating func tick(_ seen: Snapshot, now: NIODeadline) -> Action {
    guard !hasEnded else { return .none }
    note(seen, now: now)
    let action = action(seen, now)
    switch action {
    case .terminate, .abort: hasEnded = true
    case .none, .ping, .drain, .abandonCalls: break
    }
    return action
  }

  private mutating func action(_ seen: Snapshot, _ now: NIODeadline) -> Action {
    if limits.headersTimeout.isOver(since: headersSince(seen), now) {
      return .terminate(.headersTimeout)
    }
    if limits.writeTimeout.isOver(since: unwritableSince, now) { return .abort(.writeTimeout) }
    if let pingedAt {
      if now - pingedAt >= TimeAmount(limits.keepaliveTimeout) { return .abort(.keepaliveTimeout) }
    } else if limits.keepaliveTime.isOver(since: heardAt, now) {
      pingedAt = now
      return .ping
    }
    return ending(seen, now)
  }

  private mutating func note(_ seen: Snapshot, now: NIODeadline) {
    if let stream = seen.receivingHeaders {
      if headers?.stream != stream { headers = (stream, now) }
    } else {
      headers = nil
    }
    unwritableSince = seen.isWritable ? nil : unwritableSince ?? now
    if seen.openStreams > 0 || seen.requests != requests { idleSince = now }
    requests = seen.requests
    if seen.receives != receives {
      heardAt = now
      pingedAt = nil
    }
    receives = seen.receives
  }

  private func headersSince(_ seen: Snapshot) -> NIODeadline? {
    seen.isEstablished ? headers?.since : acceptedAt
  }

  private mutating func ending(_ seen: Snapshot, _ now: NIODeadline) -> Action {
    if let drainingSince {
      // A client that does not close although it has no calls left is not waited for.
      let isLeft = now - max(idleSince, drainingSince) >= TimeAmount(limits.keepaliveTimeout)
      if seen.openStreams == 0, isLeft { return .abort(nil) }
      if drainsAt.map({ $0 <= now }) ?? false, !hasAbandonedCalls,
        now - drainingSince >= TimeAmount(limits.ageGrace)
      {
        hasAbandonedCalls = true
        return .abandonCalls
      }
      return .none
    }
    if let drainsAt, drainsAt <= now {
      drainingSince = now
      return .drain(.age)
    }
    if limits.idleTimeout.isOver(since: idleSince, now) {
      drainingSince = now
      return .drain(.idleTimeout)
    }
    return .none
  }

  /// A PING of the client. `responses` counts what it has been sent so far.
  mutating func ping(openStreams: Int, responses: Int, now: NIODeadline) -> Action {
    let interval =
      openStreams > 0 ? limits.pingIntervalMin : limits.pingIntervalMinWithoutCalls
    guard let interval else { return .none }
    let isTooMany = strikes.ping(
      responses: responses, intervalMin: TimeAmount(interval), now: now)
    guard isTooMany, !hasEnded else { return .none }
    hasEnded = true
    return .terminate(.tooManyPings)
  }
}

/// PING frames that came too early, counted as gRPC proposal A8 has it: two are forgiven, and a
/// response wipes the slate.
struct PingStrikes {
  private var strikes = 0
  private var last: NIODeadline?
  private var responses = 0

  private static let strikesMax = 2

  /// Whether this one is too many.
  mutating func ping(responses: Int, intervalMin: TimeAmount, now: NIODeadline) -> Bool {
    defer {
      last = now
      self.responses = responses
    }
    guard let last, responses == self.responses else {
      strikes = 0
      return false
    }
    guard now - last < intervalMin else { return false }
    strikes += 1
    return strikes > Self.strikesMax
  }
}

extension Duration? {
  /// Whether the time is over for something that goes on since then.
  fileprivate func isOver(since start: NIODeadline?, _ now: NIODeadline) -> Bool {
    guard let self, let start else { return false }
    return now - start >= TimeAmount(self)
  }
}
