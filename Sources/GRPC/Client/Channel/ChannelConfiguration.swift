public import HTTP2

/// How a client's channel connects and what it accepts.
public struct ChannelConfiguration: Sendable {
  /// Largest response message in bytes, where the call has no limit of its own.
  public var responseBytesMax: Int
  /// Bytes of a streaming call's requests that are kept until the response begins, so that the call
  /// can be sent again on another connection; a call with more is not.
  public var replayBytesMax: Int
  /// Which of several addresses a call goes to.
  public var loadBalancing: LoadBalancing
  /// Finds the addresses behind names.
  public var resolver: any NameResolver
  /// Shortest time between two lookups of names that are known; they are looked up again when a
  /// connection fails or is lost.
  public var resolutionInterval: Duration
  /// How long one attempt to connect may take, until the server's SETTINGS are there.
  public var connectTimeout: Duration
  public var backoff: Backoff
  /// How calls that may be sent twice (`CallOptions.isIdempotent`) are tried again; nil: not at all.
  public var retry: RetryPolicy?
  /// Time without a call after which connections are closed, until the next call; nil: never.
  public var idleTimeout: Duration?
  /// PINGs on silent connections; nil: none.
  public var keepalive: Keepalive?
  public var http2: HTTP2SessionConfiguration
  /// How the server is checked; nil: cleartext.
  public var tls: ClientTLS?
  /// Work around every call, from the outermost to the innermost.
  public var interceptors: [any ClientInterceptor]
  /// The `user-agent` of the calls.
  public var userAgent: String

  public init(
    responseBytesMax: Int = 4 * 1024 * 1024,
    replayBytesMax: Int = 65_536,
    loadBalancing: LoadBalancing = .pickFirst,
    resolver: any NameResolver = SystemNameResolver(),
    resolutionInterval: Duration = .seconds(30),
    connectTimeout: Duration = .seconds(10),
    backoff: Backoff = Backoff(),
    retry: RetryPolicy? = RetryPolicy(),
    idleTimeout: Duration? = .seconds(1800),
    keepalive: Keepalive? = nil,
    http2: HTTP2SessionConfiguration = HTTP2SessionConfiguration(),
    tls: ClientTLS? = nil,
    interceptors: [any ClientInterceptor] = [],
    userAgent: String = "grpc-swift-baton"
  ) {
    self.responseBytesMax = responseBytesMax
    self.replayBytesMax = replayBytesMax
    self.loadBalancing = loadBalancing
    self.resolver = resolver
    self.resolutionInterval = resolutionInterval
    self.connectTimeout = connectTimeout
    self.backoff = backoff
    self.retry = retry
    self.idleTimeout = idleTimeout
    self.keepalive = keepalive
    self.http2 = http2
    self.tls = tls
    self.interceptors = interceptors
    self.userAgent = userAgent
  }
}
