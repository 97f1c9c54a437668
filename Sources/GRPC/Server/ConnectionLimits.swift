/// What a server allows a connection, beside what `HTTP2SessionConfiguration` says of its streams
/// and frames. Times are kept to a tick: a quarter of the shortest of them, between 10 ms and 1 s.
/// Nil switches a limit off.
public struct ConnectionLimits: Sendable, Hashable {
  /// Connections at a time; a further one is closed as soon as it is accepted.
  public var connectionsMax = 10_000
  /// From the accepted connection to the client's preface and SETTINGS, and from the beginning of a
  /// header block to its end.
  public var headersTimeout: Duration? = .seconds(10)
  /// How long a request may stop inside a message, or before the end that its method waits for.
  /// Between the messages of a stream a client may be silent as long as it likes.
  public var bodyTimeout: Duration? = .seconds(60)
  /// How long a client may leave what is sent to it unread: a response behind a shut window, or a
  /// full socket.
  public var writeTimeout: Duration? = .seconds(60)
  /// How long a connection may be without calls.
  public var idleTimeout: Duration? = .seconds(30 * 60)
  /// Age, give or take a tenth, from which a connection takes no more calls (GOAWAY).
  public var ageMax: Duration?
  /// How long the open calls of a connection past its age may go on.
  public var ageGrace: Duration = .seconds(5 * 60)
  /// Silence of a client after which it is sent a PING.
  public var keepaliveTime: Duration? = .seconds(5 * 60)
  /// How long the answer to that PING may take.
  public var keepaliveTimeout: Duration = .seconds(20)
  /// Least time between a client's PING frames; the third that comes earlier ends the connection
  /// with "too_many_pings" (gRPC proposal A8). Those that follow a response are not counted.
  public var pingIntervalMin: Duration? = .seconds(10)
  /// The same while the client has no call open.
  public var pingIntervalMinWithoutCalls: Duration? = .seconds(5 * 60)

  public init() {}
}

/// A connection that was refused or ended because of a limit.
public struct ConnectionLimitEvent: Sendable, Hashable {
  public enum Limit: String, Sendable, CaseIterable {
    case tooManyConnections, headersTimeout, writeTimeout, idleTimeout, age, keepaliveTimeout
    case tooManyPings
    /// The client broke a rule of HTTP/2 or exceeded `HTTP2FloodLimits`.
    case protocolError
  }

  public let limit: Limit
  /// Address of the client.
  public let peer: String
  /// A sentence for people.
  public let message: String
}
