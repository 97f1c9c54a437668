internal import NIOCore

/// PINGs that find out whether a silent connection is still alive
/// (github.com/grpc/proposal, A8; github.com/grpc/grpc, doc/keepalive.md).
///
/// Many servers answer more than one PING in five minutes without data with GOAWAY
/// ("too_many_pings"); the channel then doubles `time`.
public struct Keepalive: Sendable, Hashable {
  /// Silence after which a PING is sent.
  public var time: Duration
  /// How long the answer may take before the connection counts as lost.
  public var timeout: Duration
  /// Whether PINGs are sent while there is no call.
  public var withoutCalls: Bool

  public init(time: Duration, timeout: Duration = .seconds(20), withoutCalls: Bool = false) {
    self.time = time
    self.timeout = timeout
    self.withoutCalls = withoutCalls
  }
}

/// When a connection is pinged and given up, as a value: it is told what arrives and what time it
/// is, and says what to do and when to look again.
struct KeepaliveMachine: Equatable {
  enum Action: Equatable {
    /// Nothing to do before that much time has passed.
    case wait(Duration)
    /// Send a PING and look again after that time.
    case ping(Duration)
    /// Nothing has arrived since the PING: the connection is lost.
    case fail
  }

  private let keepalive: Keepalive
  private var lastReceived: NIODeadline
  /// When the PING was sent that nothing has followed yet.
  private var pingedAt: NIODeadline?

  init(_ keepalive: Keepalive, now: NIODeadline) {
    self.keepalive = keepalive
    lastReceived = now
  }

  /// Anything arrived, the answer to a PING included.
  mutating func received(now: NIODeadline) {
    lastReceived = now
    pingedAt = nil
  }

  /// The time asked for has passed.
  mutating func timer(now: NIODeadline, hasCalls: Bool) -> Action {
    if let pingedAt {
      let waited = Duration.nanoseconds((now - pingedAt).nanoseconds)
      return waited >= keepalive.timeout ? .fail : .wait(keepalive.timeout - waited)
    }
    let silence = Duration.nanoseconds((now - lastReceived).nanoseconds)
    guard silence >= keepalive.time else { return .wait(keepalive.time - silence) }
    guard hasCalls || keepalive.withoutCalls else { return .wait(keepalive.time) }
    pingedAt = now
    return .ping(min(keepalive.time, keepalive.timeout))
  }
}
