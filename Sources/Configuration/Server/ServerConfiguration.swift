public import Plan

/// What the operator of a server decides. `baton serve --help` lists it all.
public struct ServerConfiguration: Sendable, Equatable {
  /// Where gRPC is served: `host:port` or `unix:PATH`; port 0 lets the system choose.
  public var listen = "127.0.0.1:7420"
  /// Where health is served over HTTP: `host:port`.
  public var http = "127.0.0.1:7421"
  /// Serve, and call adapters, without TLS where other machines can reach it.
  public var insecure = false
  public var tls = TLSSettings()
  /// File with the tokens that callers must show one of, one a line; nil: none is asked for.
  public var tokensFile: String?
  public var store = StoreLocation.sqlite(path: "./baton.db")
  public var queue = QueueLocation.memory
  /// Adapters in order of preference, by task type; `default` is for types without a route.
  public var routes = ["default": ["crewai", "langchain"]]
  /// Whether clients may ask what is served, by gRPC server reflection.
  public var reflection = true

  /// Tasks that may be with adapters at one time, over all plans.
  public var inFlight = 1_000
  /// Tasks of one plan that may be with adapters at one time.
  public var perPlan: Int32 = 100
  /// Tasks that may be with one adapter at one time, by its name.
  public var perAdapter: [String: Int] = [:]
  /// Tasks that one plan may have, and dependencies of them all.
  public var tasksMax = 20_000
  public var dependenciesMax = 200_000
  /// Hand-outs of one attempt before its task fails as POISONED.
  public var maxDeliveries: Int32 = 10

  /// What the plans of a namespace may use together.
  public var namespaceBudgets: [String: NamespaceBudget] = [:]

  /// A session ends this long after its last heartbeat.
  public var leaseMilliseconds: Int64 = 15_000
  /// How often everything is looked over for hints that were lost.
  public var sweepMilliseconds: Int64 = 5_000
  /// How long an adapter may hold one poll for a result.
  public var pollMilliseconds: Int64 = 20_000

  /// For plans and tasks that say nothing themselves.
  public var retry = RetryPolicy()
  public var timeouts = Timeouts()

  /// What clients may do with their connections.
  public var clients = ConnectionSettings()
  /// Silence of an adapter during a call after which it is sent a PING; 0: never.
  public var adapterKeepaliveMilliseconds: Int64 = 30_000
  /// How long its answer may take before the connection counts as lost.
  public var adapterKeepaliveTimeoutMilliseconds: Int64 = 10_000

  /// How long a shutdown may take.
  public var graceMilliseconds: Int64 = 30_000
  public var inFlightAtShutdown = InFlightAtShutdown.continue

  public var logFormat = LogFormat.json
  public var logLevel = LogLevel.info

  /// What `baton dev` starts beside the server; `baton serve` leaves it alone.
  public var processes: [DevelopmentProcess] = []

  public init() {}
}

/// Paths of PEM files with certificates, authorities and a key.
public struct TLSSettings: Sendable, Equatable {
  /// The server's own, followed by the intermediate ones; it is shown to adapters that ask, too.
  public var certificate: String?
  /// The certificate's, unencrypted.
  public var key: String?
  /// Authorities that may have signed clients' certificates; with it, clients must present one.
  public var clientCA: String?
  /// Whether a client must present a certificate where there is a `clientCA`.
  public var requiresClientCertificate = true
  /// Authorities that may have signed adapters' certificates; nil: the system's.
  public var ca: String?
  /// The name that adapters' certificates must have; nil: the host of the adapter's address.
  public var adapterName: String?
  /// How often the files are looked at for a change.
  public var reloadMilliseconds: Int64 = 10_000

  public init() {}
}

/// What the plans of a namespace may use together.
public struct NamespaceBudget: Sendable, Equatable {
  public var budget = Budget()
  /// Periods of this length, each with a budget of its own; nil: one for ever.
  public var periodMilliseconds: Int64?

  public init() {}
}

/// Where plans are kept.
public enum StoreLocation: Sendable, Equatable, CustomStringConvertible {
  /// Gone when the server ends.
  case memory
  case sqlite(path: String)

  /// `sqlite` or `memory`, as the READY line and GetServerInfo have it.
  public var kind: String {
    switch self {
    case .memory: "memory"
    case .sqlite: "sqlite"
    }
  }

  public var description: String {
    switch self {
    case .memory: "memory"
    case .sqlite(let path): "sqlite:\(path)"
    }
  }
}

/// What carries hints from the one who decides to the one who hands out.
public enum QueueLocation: String, Sendable, CaseIterable {
  case memory
}

/// What becomes of tasks that are with adapters when the server ends.
public enum InFlightAtShutdown: String, Sendable, CaseIterable {
  /// They run on; their results are taken when the server is back.
  case `continue`
  /// They are ended there and handed out again when the server is back.
  case cancel
}

public enum LogFormat: String, Sendable, CaseIterable {
  /// One JSON object a line.
  case json
  /// For people.
  case text
}

/// From the most talkative to the most silent.
public enum LogLevel: String, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
}

/// A process that `baton dev` starts and ends.
public struct DevelopmentProcess: Sendable, Equatable {
  /// Stands before each of its lines.
  public var name: String
  /// The program, then its arguments.
  public var command: [String]

  public init(name: String, command: [String]) {
    self.name = name
    self.command = command
  }
}
