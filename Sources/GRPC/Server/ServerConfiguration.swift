public import HTTP2
public import NIOCore

/// How a server treats its connections.
public struct ServerConfiguration: Sendable {
  /// Where connections live; nil: the process's shared group.
  public var eventLoopGroup: (any EventLoopGroup)?
  /// Largest request message in bytes, where the method has no limit of its own.
  public var requestBytesMax: Int
  /// Limits of single methods.
  public var requestBytesMaxByMethod: [MethodDescriptor: Int]
  /// Bytes of requests kept at a time, all connections together: what has arrived of unfinished ones,
  /// and of those over 64 KiB what they take, decoded, until their calls end. A request that would go
  /// beyond is refused with RESOURCE_EXHAUSTED and RetryInfo.
  public var requestBytesTotalMax = 256 * 1024 * 1024
  /// Bytes of responses that their clients have not read, all connections together; each response
  /// counts from 8 KiB. One that would go beyond is refused with RESOURCE_EXHAUSTED and RetryInfo.
  public var responseBytesTotalMax = 256 * 1024 * 1024
  /// Whether responses are compressed with gzip for clients that accept it; a handler may choose
  /// otherwise (`ServerContext.compressesResponses`).
  public var compressesResponses: Bool
  public var http2: HTTP2SessionConfiguration
  public var connections: ConnectionLimits
  /// Connections waiting to be accepted (listen(2)).
  public var backlog: Int32
  /// Certificates; nil: cleartext.
  public var tls: ServerTLS?
  /// Told of every connection that was refused or ended because of a limit, on its event loop.
  public var onConnectionLimit: (@Sendable (ConnectionLimitEvent) -> Void)?
  /// Asked about every call of a method that is served, in their order.
  public var interceptors: [any ServerInterceptor]
  /// Told what a handler threw that is no `RPCError`; the caller sees UNKNOWN only.
  public var onUnexpectedError: (@Sendable (MethodDescriptor, any Error) -> Void)?

  public init(
    eventLoopGroup: (any EventLoopGroup)? = nil,
    requestBytesMax: Int = 4 * 1024 * 1024,
    requestBytesMaxByMethod: [MethodDescriptor: Int] = [:],
    compressesResponses: Bool = false,
    http2: HTTP2SessionConfiguration = HTTP2SessionConfiguration(),
    connections: ConnectionLimits = ConnectionLimits(),
    backlog: Int32 = 1024,
    tls: ServerTLS? = nil,
    interceptors: [any ServerInterceptor] = [],
    onUnexpectedError: (@Sendable (MethodDescriptor, any Error) -> Void)? = nil
  ) {
    self.eventLoopGroup = eventLoopGroup
    self.requestBytesMax = requestBytesMax
    self.requestBytesMaxByMethod = requestBytesMaxByMethod
    self.compressesResponses = compressesResponses
    self.http2 = http2
    self.connections = connections
    self.backlog = backlog
    self.tls = tls
    self.interceptors = interceptors
    self.onUnexpectedError = onUnexpectedError
  }
}

/// What costs a client nothing, and may not come too often; see `HTTP2FloodLimits`.
public enum Flood: Sendable, CaseIterable {
  case pings
  case settings
  case priorities
  case windowUpdates
  case emptyFrames
  case resets
}

extension ServerConfiguration {
  /// Calls at a time on one connection (SETTINGS_MAX_CONCURRENT_STREAMS).
  public var concurrentStreamsMax: Int {
    get { Int(http2.concurrentStreamsMax) }
    set { http2.concurrentStreamsMax = UInt32(clamping: newValue) }
  }

  /// Bytes of a request's header list after decompression, counted as RFC 9113 §6.5.2 does.
  public var headerListBytesMax: Int {
    get { http2.headerListBytesMax }
    set { http2.headerListBytesMax = newValue }
  }

  /// Allows `burst` of them at once, and `perSecond` a second after that, on one connection.
  public mutating func allow(_ flood: Flood, burst: Int, perSecond: Int) {
    let limit: WritableKeyPath<HTTP2FloodLimits, HTTP2Rate> =
      switch flood {
      case .pings: \.ping
      case .settings: \.settings
      case .priorities: \.priority
      case .windowUpdates: \.windowUpdate
      case .emptyFrames: \.empty
      case .resets: \.reset
      }
    http2.floodLimits[keyPath: limit] = HTTP2Rate(burst: burst, perSecond: perSecond)
  }
}
