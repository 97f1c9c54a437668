internal import ArgumentParser

/// The limits of the server's connections as flags.
struct ConnectionFlags: ParsableArguments {
  @Option(help: ServerFlags.help("limits-connections")) var limitsConnections: String?
  @Option(help: ServerFlags.help("limits-calls")) var limitsCalls: String?
  @Option(help: ServerFlags.help("limits-request-bytes")) var limitsRequestBytes: String?
  @Option(help: ServerFlags.help("limits-response-bytes")) var limitsResponseBytes: String?
  @Option(help: ServerFlags.help("http2-concurrent-streams")) var http2ConcurrentStreams: String?
  @Option(help: ServerFlags.help("http2-header-list-bytes")) var http2HeaderListBytes: String?
  @Option(help: ServerFlags.help("http2-headers-timeout")) var http2HeadersTimeout: String?
  @Option(help: ServerFlags.help("http2-body-timeout")) var http2BodyTimeout: String?
  @Option(help: ServerFlags.help("http2-write-timeout")) var http2WriteTimeout: String?
  @Option(help: ServerFlags.help("http2-idle-timeout")) var http2IdleTimeout: String?
  @Option(help: ServerFlags.help("http2-age")) var http2Age: String?
  @Option(help: ServerFlags.help("http2-age-grace")) var http2AgeGrace: String?
  @Option(help: ServerFlags.help("http2-keepalive")) var http2Keepalive: String?
  @Option(help: ServerFlags.help("http2-keepalive-timeout")) var http2KeepaliveTimeout: String?
  @Option(help: ServerFlags.help("http2-ping-interval")) var http2PingInterval: String?
  @Option(help: ServerFlags.help("http2-ping-interval-idle")) var http2PingIntervalIdle: String?
  @Option(help: ServerFlags.help("http2-ping-rate")) var http2PingRate: String?
  @Option(help: ServerFlags.help("http2-settings-rate")) var http2SettingsRate: String?
  @Option(help: ServerFlags.help("http2-priority-rate")) var http2PriorityRate: String?
  @Option(help: ServerFlags.help("http2-window-update-rate")) var http2WindowUpdateRate: String?
  @Option(help: ServerFlags.help("http2-empty-rate")) var http2EmptyRate: String?
  @Option(help: ServerFlags.help("http2-reset-rate")) var http2ResetRate: String?
  @Option(help: ServerFlags.help("adapters-keepalive")) var adaptersKeepalive: String?
  @Option(help: ServerFlags.help("adapters-keepalive-timeout"))
  var adaptersKeepaliveTimeout: String?

  /// All flags by name.
  var values: [(String, String?)] {
    [
      ("limits-connections", limitsConnections), ("limits-calls", limitsCalls),
      ("limits-request-bytes", limitsRequestBytes),
      ("limits-response-bytes", limitsResponseBytes),
      ("http2-concurrent-streams", http2ConcurrentStreams),
      ("http2-header-list-bytes", http2HeaderListBytes),
      ("http2-headers-timeout", http2HeadersTimeout), ("http2-body-timeout", http2BodyTimeout),
      ("http2-write-timeout", http2WriteTimeout), ("http2-idle-timeout", http2IdleTimeout),
      ("http2-age", http2Age), ("http2-age-grace", http2AgeGrace),
      ("http2-keepalive", http2Keepalive), ("http2-keepalive-timeout", http2KeepaliveTimeout),
      ("http2-ping-interval", http2PingInterval),
      ("http2-ping-interval-idle", http2PingIntervalIdle),
      ("http2-ping-rate", http2PingRate), ("http2-settings-rate", http2SettingsRate),
      ("http2-priority-rate", http2PriorityRate),
      ("http2-window-update-rate", http2WindowUpdateRate),
      ("http2-empty-rate", http2EmptyRate), ("http2-reset-rate", http2ResetRate),
      ("adapters-keepalive", adaptersKeepalive),
      ("adapters-keepalive-timeout", adaptersKeepaliveTimeout),
    ]
  }
}
