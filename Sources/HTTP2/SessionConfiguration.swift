/// What a session allows its peer and announces in SETTINGS.
public struct HTTP2SessionConfiguration: Sendable, Hashable {
  /// Streams the peer may have open at a time (SETTINGS_MAX_CONCURRENT_STREAMS).
  public var concurrentStreamsMax: UInt32
  /// Bytes a stream may receive before they are given back (SETTINGS_INITIAL_WINDOW_SIZE).
  public var streamWindowBytes: UInt32
  /// The same for the connection as a whole. It is given back on arrival, so one stream whose
  /// reader stops holds up no other; what a connection can cost is bounded by its streams' windows.
  public var connectionWindowBytes: UInt32
  /// Size of a received header list as RFC 9113 §6.5.2 counts it, after decompression; fields beyond
  /// it are dropped and the block is marked truncated. A list of eight times as much ends the
  /// connection.
  public var headerListBytesMax: Int
  /// How often a client may send what costs it nothing (server).
  public var floodLimits: HTTP2FloodLimits

  public init(
    concurrentStreamsMax: UInt32 = 100,
    streamWindowBytes: UInt32 = 65_535,
    connectionWindowBytes: UInt32 = 1_048_576,
    headerListBytesMax: Int = 16_384,
    floodLimits: HTTP2FloodLimits = HTTP2FloodLimits()
  ) {
    self.concurrentStreamsMax = concurrentStreamsMax
    self.streamWindowBytes = streamWindowBytes
    self.connectionWindowBytes = connectionWindowBytes
    self.headerListBytesMax = headerListBytesMax
    self.floodLimits = floodLimits
  }
}
