/// What the connections of a server's clients may do. Times in milliseconds; 0 switches a limit off.
public struct ConnectionSettings: Sendable, Equatable {
  /// Connections at a time.
  public var connections = 10_000
  /// Calls at a time, all connections together.
  public var calls = 10_000
  /// Bytes of requests kept at a time, all connections together: unfinished ones, and large ones
  /// until their calls end.
  public var requestBytes = 268_435_456
  /// Bytes of responses that are not read, all connections together.
  public var responseBytes = 268_435_456
  /// Calls at a time on one connection.
  public var concurrentStreams = 100
  /// Header list of a request, decompressed, counted as RFC 9113 section 6.5.2 does.
  public var headerListBytes = 16_384
  public var headersMilliseconds: Int64 = 10_000
  public var bodyMilliseconds: Int64 = 60_000
  public var writeMilliseconds: Int64 = 60_000
  public var idleMilliseconds: Int64 = 1_800_000
  public var ageMilliseconds: Int64 = 0
  public var ageGraceMilliseconds: Int64 = 300_000
  public var keepaliveMilliseconds: Int64 = 300_000
  public var keepaliveTimeoutMilliseconds: Int64 = 20_000
  public var pingIntervalMilliseconds: Int64 = 10_000
  public var pingIntervalIdleMilliseconds: Int64 = 300_000
  public var floods = FloodSettings()

  public init() {}
}

/// How often a client may send on one connection what costs it nothing; who exceeds one of these is
/// cut off.
public struct FloodSettings: Sendable, Equatable {
  public struct Rate: Sendable, Equatable {
    /// So many at once.
    public var burst: Int
    /// So many a second after that.
    public var perSecond: Int
  }

  public var ping = Rate(burst: 200, perSecond: 20)
  public var settings = Rate(burst: 100, perSecond: 10)
  public var priority = Rate(burst: 500, perSecond: 50)
  public var windowUpdate = Rate(burst: 2_000, perSecond: 200)
  public var empty = Rate(burst: 500, perSecond: 50)
  public var reset = Rate(burst: 500, perSecond: 100)

  public init() {}
}

extension ServerSettings {
  static let connections: [Setting] = [
    scalar("limits.connections", "connections at one time") { value, settings, reader in
      reader.integer(value, in: 1...1_000_000).map { settings.clients.connections = Int($0) }
    },
    scalar("limits.calls", "calls at one time, all connections together") {
      value, settings, reader in
      reader.integer(value, in: 1...10_000_000).map { settings.clients.calls = Int($0) }
    },
    scalar("limits.request_bytes", "bytes of requests kept at one time") {
      value, settings, reader in
      reader.integer(value, in: 65_536...1_099_511_627_776).map {
        settings.clients.requestBytes = Int($0)
      }
    },
    scalar("limits.response_bytes", "bytes of responses kept that are not read") {
      value, settings, reader in
      reader.integer(value, in: 65_536...1_099_511_627_776).map {
        settings.clients.responseBytes = Int($0)
      }
    },
    scalar("http2.concurrent_streams", "calls at one time on one connection") {
      value, settings, reader in
      reader.integer(value, in: 1...100_000).map { settings.clients.concurrentStreams = Int($0) }
    },
    scalar("http2.header_list_bytes", "largest header list of a request, decompressed") {
      value, settings, reader in
      reader.integer(value, in: 1_024...1_048_576).map {
        settings.clients.headerListBytes = Int($0)
      }
    },
    time("headers_timeout", "until a client's preface and each request's headers are complete") {
      $0.headersMilliseconds = $1
    },
    time("body_timeout", "how long a request may stop inside a message") {
      $0.bodyMilliseconds = $1
    },
    time("write_timeout", "how long a client may leave a response unread") {
      $0.writeMilliseconds = $1
    },
    time("idle_timeout", "how long a connection may be without calls") {
      $0.idleMilliseconds = $1
    },
    time("age", "when a connection takes no more calls, give or take a tenth") {
      $0.ageMilliseconds = $1
    },
    time("age_grace", "how long its open calls may go on then") { $0.ageGraceMilliseconds = $1 },
    time("keepalive", "silence after which a client is asked for a sign of life") {
      $0.keepaliveMilliseconds = $1
    },
    time("keepalive_timeout", "how long that sign may take") {
      $0.keepaliveTimeoutMilliseconds = $1
    },
    time("ping_interval", "least time between PING frames of a client with calls") {
      $0.pingIntervalMilliseconds = $1
    },
    time("ping_interval_idle", "the same of a client without calls") {
      $0.pingIntervalIdleMilliseconds = $1
    },
    rate("ping", "PING frames of a client", \.ping),
    rate("settings", "SETTINGS frames of a client", \.settings),
    rate("priority", "PRIORITY frames of a client", \.priority),
    rate("window_update", "WINDOW_UPDATE frames of a client", \.windowUpdate),
    rate("empty", "frames of a client that carry nothing", \.empty),
    rate("reset", "calls that a client resets", \.reset),
  ]

  private static func rate(
    _ name: String, _ what: String,
    _ path: any WritableKeyPath<FloodSettings, FloodSettings.Rate> & Sendable
  ) -> Setting {
    structured("http2.\(name)_rate", "most \(what), {burst: N, per_second: N}") {
      value, settings, reader in
      let rate = reader.rate(value, startingFrom: settings.clients.floods[keyPath: path])
      if let rate { settings.clients.floods[keyPath: path] = rate }
    }
  }

  private static func time(
    _ name: String, _ help: String,
    _ set: @escaping @Sendable (inout ConnectionSettings, Int64) -> Void
  ) -> Setting {
    scalar("http2.\(name)", help) { value, settings, reader in
      reader.duration(value, atLeast: 0).map { set(&settings.clients, $0) }
    }
  }
}
