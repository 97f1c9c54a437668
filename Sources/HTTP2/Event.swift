public import NIOCore

/// What a session found in the bytes it was given, in order. The session acts on nothing by itself
/// except what the protocol leaves no choice about (acknowledging SETTINGS and PING, refusing
/// malformed frames).
public enum HTTP2Event {
  /// A complete header block: a request, a response, an interim response or trailers.
  case headers(HTTP2Stream, HeaderBlock, endStream: Bool)
  /// Payload of a DATA frame. Its window is given back by `HTTP2Session.giveBack`, not before.
  case data(HTTP2Stream, ByteBuffer, endStream: Bool)
  /// The peer ended its side with an empty DATA frame.
  case endStream(HTTP2Stream)
  /// What was queued for sending has left; sent once after `HTTP2Session.notifyWhenDrained`.
  case drained(HTTP2Stream)
  /// The stream is gone: both sides ended (`noError`) or it was reset by either. The last event of
  /// a stream; left out where nobody holds on to the stream (its `context` is nil).
  case closed(HTTP2Stream, HTTP2ErrorCode)
  /// The peer's SETTINGS arrived.
  case settings
  /// The peer's PING arrived; its acknowledgement is queued.
  case ping
  /// The peer answered `HTTP2Session.ping` with this payload.
  case pingAcknowledged(UInt64)
  /// The peer accepts no new streams; those above `lastStreamID` were not and will not be
  /// processed.
  case goAway(lastStreamID: Int32, HTTP2ErrorCode, debugData: [UInt8])
  /// The connection cannot go on.
  case failed(HTTP2ConnectionError)
}

/// One request and its response on a connection. Confined to the connection's event loop.
public final class HTTP2Stream {
  /// RFC 9113 §5.1.1; 0 for a request that could not be submitted.
  public internal(set) var id: Int32 = 0
  /// Whatever the user of the session keeps for the stream; must be nil when it is done with it.
  public var context: AnyObject?
  /// Whether the peer has ended its side.
  public internal(set) var isRemoteEnded = false
  /// Whether this side has ended: everything has been handed out, its end included.
  public var isLocalEnded: Bool {
    if case .ended = sendState { true } else { false }
  }
  /// Whether the stream is gone; everything submitted to it is answered with a stream error.
  public internal(set) var isClosed = false
  /// Whether the request's HEADERS went into the bytes to send (client only). If not, the peer
  /// cannot have seen the request.
  public internal(set) var isRequestSent = false

  /// DATA bytes received, read or not.
  public internal(set) var receivedBytes = 0
  /// DATA bytes handed to the transport.
  public internal(set) var sentBytes = 0

  /// What ends the stream's outgoing data.
  enum Ending {
    case none
    case endStream
    case trailers(HeaderBlock)
    case preparedTrailers(PreparedHeaders)
  }

  /// Where the outgoing side stands.
  enum SendState {
    /// Nothing submitted yet.
    case idle
    /// Headers submitted, DATA is pulled as it comes.
    case open
    /// Nothing more may be submitted.
    case ended
  }

  var sendState = SendState.idle
  var ending = Ending.none
  var outgoing = ByteQueue()
  /// The data source answered "nothing now" and must be resumed (NGHTTP2_ERR_DEFERRED).
  var isDeferred = false
  var notifiesWhenDrained = false
  var isResetByPeer = false
  /// Index in the session's list of open streams.
  var slot = 0
  var incoming = HeaderStorage()

  init() {}

  /// Bytes accepted by `write` that have not been handed to the transport yet.
  public var unsentBytes: Int { outgoing.count }

  /// Whether data may be queued: headers are submitted, no end is, and the stream is open.
  public var acceptsData: Bool {
    guard !isClosed, case .open = sendState, case .none = ending else { return false }
    return true
  }

  /// Makes a closed stream object ready for another stream.
  func reset() {
    id = 0
    context = nil
    isRemoteEnded = false
    isClosed = false
    isRequestSent = false
    receivedBytes = 0
    sentBytes = 0
    sendState = .idle
    ending = .none
    outgoing.removeAll()
    isDeferred = false
    notifiesWhenDrained = false
    isResetByPeer = false
    slot = 0
  }
}
