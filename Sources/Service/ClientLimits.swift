internal import Configuration
internal import GRPC

/// The operator's limits for clients, as the RPC layer takes them.
extension ConnectionLimits {
  init(_ settings: ConnectionSettings) {
    func time(_ milliseconds: Int64) -> Duration? {
      milliseconds > 0 ? .milliseconds(milliseconds) : nil
    }
    self.init()
    connectionsMax = settings.connections
    headersTimeout = time(settings.headersMilliseconds)
    bodyTimeout = time(settings.bodyMilliseconds)
    writeTimeout = time(settings.writeMilliseconds)
    idleTimeout = time(settings.idleMilliseconds)
    ageMax = time(settings.ageMilliseconds)
    ageGrace = .milliseconds(settings.ageGraceMilliseconds)
    keepaliveTime = time(settings.keepaliveMilliseconds)
    keepaliveTimeout = .milliseconds(settings.keepaliveTimeoutMilliseconds)
    pingIntervalMin = time(settings.pingIntervalMilliseconds)
    pingIntervalMinWithoutCalls = time(settings.pingIntervalIdleMilliseconds)
  }
}

extension GRPC.ServerConfiguration {
  mutating func limitFloods(_ settings: FloodSettings) {
    let rates: [(Flood, FloodSettings.Rate)] = [
      (.pings, settings.ping), (.settings, settings.settings), (.priorities, settings.priority),
      (.windowUpdates, settings.windowUpdate), (.emptyFrames, settings.empty),
      (.resets, settings.reset),
    ]
    for (flood, rate) in rates { allow(flood, burst: rate.burst, perSecond: rate.perSecond) }
  }
}
