public import GRPC

/// How an adapter presents itself and where it connects.
public struct AdapterConfiguration: Sendable {
  /// How results reach the orchestrator.
  public enum ResultMode: String, Sendable, CaseIterable {
    /// The adapter calls ReportTaskResult until it is acknowledged.
    case callback
    /// The orchestrator calls GetTaskResult.
    case poll
  }

  /// What becomes of the runs that are under way when the adapter is stopped.
  public enum Shutdown: Sendable, Hashable {
    /// They are given back at once and ended.
    case handBack
    /// They have that long; what is left is given back.
    case finish(Duration)
  }

  /// Name that routes and tasks use.
  public var adapter: String
  /// The same after a restart.
  public var instance: String
  /// Where the orchestrator is: "host:port", "unix:PATH", or "https://host:port" with TLS.
  public var orchestrator: String
  /// Where to listen; port 0 lets the system choose.
  public var listen: String
  /// Where the orchestrator reaches this adapter, if that is not where it listens; "host:port",
  /// whether or not with TLS.
  public var advertise: String?
  /// With a certificate the adapter serves with TLS.
  public var tls = TLSFiles()
  /// Serve, and call the orchestrator, without TLS where other machines can reach it.
  public var insecure = false
  /// File with the token to show to the orchestrator, or the token itself; nil: none is asked for.
  public var tokenFile: String?
  public var token: String?
  /// PINGs to an orchestrator that is silent during a call.
  public var keepalive = Keepalive(time: .seconds(30), timeout: .seconds(10))
  public var concurrencyMax: Int
  public var results: ResultMode
  /// Folder that keeps results and tombstones across restarts; nil: in memory alone.
  public var dataFolder: String?
  public var shutdown = Shutdown.finish(.seconds(30))
  /// How long ended runs are remembered.
  public var tombstones = Duration.seconds(3_600)
  /// How long a call to the orchestrator may take.
  public var callTimeout = Duration.seconds(10)
  /// Delays between tries double from the first to the last.
  public var backoffFirst = Duration.milliseconds(100)
  public var backoffLast = Duration.seconds(2)
  /// Progress is gathered and sent this often at most.
  public var progressInterval = Duration.milliseconds(100)
  /// What a refused hand-out is told to wait while all places are taken.
  public var busyRetryAfter = Duration.seconds(1)
  /// A run that has not ended this long after it was told to is complained of.
  public var cancelPatience = Duration.seconds(15)

  public init(
    adapter: String, instance: String, orchestrator: String, listen: String = "127.0.0.1:0",
    concurrencyMax: Int = 4, results: ResultMode = .callback, dataFolder: String? = nil
  ) {
    self.adapter = adapter
    self.instance = instance
    self.orchestrator = orchestrator
    self.listen = listen
    self.concurrencyMax = concurrencyMax
    self.results = results
    self.dataFolder = dataFolder
  }
}
