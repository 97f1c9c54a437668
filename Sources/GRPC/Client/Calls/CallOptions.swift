/// What one call asks for beside its request.
public struct CallOptions: Sendable {
  public var metadata: Metadata
  /// How long the call may take in all; nil: no limit of its own. A call made from a handler ends
  /// no later than the call being handled.
  public var timeout: Duration?
  /// Whether the call waits for a connection instead of failing with UNAVAILABLE when there is
  /// none.
  public var waitForReady: Bool
  /// Whether requests are compressed (gzip). A streaming call may leave single messages as they are:
  /// `RequestWriter.write(_:compressed:)`.
  public var compressesRequests: Bool
  /// Whether the server is told that responses may be compressed (gzip).
  public var acceptsCompressed: Bool
  /// Whether the server may be asked twice: allows retries by the channel's `RetryPolicy`.
  public var isIdempotent: Bool
  /// Largest response message in bytes, decompressed; nil: the channel's default.
  public var responseBytesMax: Int?

  public init(
    metadata: Metadata = Metadata(), timeout: Duration? = nil, waitForReady: Bool = false,
    compressesRequests: Bool = false, acceptsCompressed: Bool = true, isIdempotent: Bool = false,
    responseBytesMax: Int? = nil
  ) {
    self.metadata = metadata
    self.timeout = timeout
    self.waitForReady = waitForReady
    self.compressesRequests = compressesRequests
    self.acceptsCompressed = acceptsCompressed
    self.isIdempotent = isIdempotent
    self.responseBytesMax = responseBytesMax
  }
}
