/// What one call asks for beside its request.
public struct CallOptions: Sendable {
  public var metadata: Metadata
  /// How long the call may take in all; nil: no limit of its own. A call made from a handler ends
  /// no later than the call being handled.
  public var timeout: Duration?
  /// Whether the call waits for a connection instead of failing with UNAVAILABLE when there is
  /// none.
  public var waitForReady: Bool
  /// Largest response message in bytes; nil: the channel's default.
  public var responseBytesMax: Int?

  public init(
    metadata: Metadata = Metadata(), timeout: Duration? = nil, waitForReady: Bool = false,
    responseBytesMax: Int? = nil
  ) {
    self.metadata = metadata
    self.timeout = timeout
    self.waitForReady = waitForReady
    self.responseBytesMax = responseBytesMax
  }
}
