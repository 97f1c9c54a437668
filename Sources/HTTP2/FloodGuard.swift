internal import NIOCore

/// How often a client may send what costs the server work and the client nothing. nghttp2 1.52 has
/// limits of its own for outstanding acknowledgements, CONTINUATION frames of one block and entries
/// of SETTINGS; the rest is here. Who exceeds one is sent GOAWAY(ENHANCE_YOUR_CALM).
///
/// DATA frames that the server sends earn tokens for PING and WINDOW_UPDATE: a client that reads a
/// fast stream sends many of both, to measure the way and to open its window.
public struct HTTP2FloodLimits: Sendable, Hashable {
  /// PING frames that are no acknowledgement.
  public var ping = HTTP2Rate(burst: 200, perSecond: 20)
  /// SETTINGS frames.
  public var settings = HTTP2Rate(burst: 100, perSecond: 10)
  /// PRIORITY and PRIORITY_UPDATE frames, which have no effect here.
  public var priority = HTTP2Rate(burst: 500, perSecond: 50)
  /// WINDOW_UPDATE frames.
  public var windowUpdate = HTTP2Rate(burst: 2_000, perSecond: 200)
  /// Frames that carry nothing: DATA without payload, padded DATA, CONTINUATION, HEADERS for
  /// streams that have been open before, acknowledgements of PING, frames of unknown types.
  public var empty = HTTP2Rate(burst: 500, perSecond: 50)
  /// Streams reset by the client, or by the server for what the client sent ("rapid reset",
  /// CVE-2023-44487 and CVE-2025-8671). DATA frames sent earn these too: a client may well cancel
  /// calls among others that it lets end.
  public var reset = HTTP2Rate(burst: 500, perSecond: 100)

  public init() {}
}

/// Counts the frames of one connection against `HTTP2FloodLimits`: events in, a verdict out.
struct FloodGuard {
  enum Kind: Int, CaseIterable {
    case ping, settings, priority, windowUpdate, empty, reset
  }

  let limits: HTTP2FloodLimits
  private var ping = TokenBucket()
  private var settings = TokenBucket()
  private var priority = TokenBucket()
  private var windowUpdate = TokenBucket()
  private var empty = TokenBucket()
  private var reset = TokenBucket()
  /// DATA frames sent when tokens were last earned.
  private var dataFramesSeen = 0

  /// A window update for stream and connection each, and as much for smaller frames at the reader.
  private static let tokensPerDataFrame = 4

  init(_ limits: HTTP2FloodLimits) {
    self.limits = limits
  }

  /// Whether one more is within the limit. `dataFramesSent` is the connection's count so far.
  mutating func allows(_ kind: Kind, dataFramesSent: Int, now: NIODeadline) -> Bool {
    if dataFramesSent != dataFramesSeen {
      earn(dataFramesSent &- dataFramesSeen)
      dataFramesSeen = dataFramesSent
    }
    return switch kind {
    case .ping: ping.take(limits.ping, now: now)
    case .settings: settings.take(limits.settings, now: now)
    case .priority: priority.take(limits.priority, now: now)
    case .windowUpdate: windowUpdate.take(limits.windowUpdate, now: now)
    case .empty: empty.take(limits.empty, now: now)
    case .reset: reset.take(limits.reset, now: now)
    }
  }

  private mutating func earn(_ dataFrames: Int) {
    ping.give(dataFrames, limits.ping)
    windowUpdate.give(dataFrames * Self.tokensPerDataFrame, limits.windowUpdate)
    reset.give(dataFrames, limits.reset)
  }
}

extension FloodGuard.Kind: CustomStringConvertible {
  var description: String {
    switch self {
    case .ping: "PING frames"
    case .settings: "SETTINGS frames"
    case .priority: "PRIORITY frames"
    case .windowUpdate: "WINDOW_UPDATE frames"
    case .empty: "empty frames"
    case .reset: "reset streams"
    }
  }
}
