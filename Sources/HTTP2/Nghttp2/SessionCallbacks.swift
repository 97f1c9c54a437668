internal import CNghttp2
internal import NIOCore

// Called by nghttp2 while `HTTP2Session.receive` and `bytesToSend` run. They look up the stream and
// append to the session's list of events; none calls out of this folder.

/// The session behind a callback's user data, which it outlives.
@inline(__always)
private func withSession<Result>(
  _ user: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Result, otherwise: Result
) -> Result {
  guard let user else { return otherwise }
  return Unmanaged<HTTP2Session>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
}

/// The stream of that id, if it is open: the session's list of open streams holds it.
@inline(__always)
private func stream(_ handle: OpaquePointer?, _ id: Int32) -> Unmanaged<HTTP2Stream>? {
  nghttp2_session_get_stream_user_data(handle, id).map { .fromOpaque($0) }
}

private let callbackFailed = Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

/// So many times the limit of a header list may be dropped before the connection ends: a few bytes
/// of HPACK stand for thousands, each of which is looked at.
private let headerListDroppedTimesMax = 7

func onBeginHeaders(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let frame else { return callbackFailed }
  return withSession(
    user,
    { session in
      let id = frame.pointee.hd.stream_id
      if session.role == .server, frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST {
        let stream = session.makeStream()
        stream.id = id
        session.opened(id)
        // The list of open streams holds it.
        let reference = Unmanaged.passUnretained(stream)
        // Possible return codes: 0; INVALID_ARGUMENT (no such stream).
        guard nghttp2_session_set_stream_user_data(handle, id, reference.toOpaque()) == 0 else {
          return callbackFailed
        }
        session.track(stream)
        session.headerStream = reference
      } else {
        session.headerStream = stream(handle, id)
      }
      session.headerStorage = session.headerStream?._withUnsafeGuaranteedRef { stream in
        stream.beginHeaders()
        return Unmanaged.passUnretained(stream.incoming)
      }
      return 0
    }, otherwise: callbackFailed)
}

func onHeader(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ name: UnsafePointer<UInt8>?, _ nameCount: Int,
  _ value: UnsafePointer<UInt8>?, _ valueCount: Int,
  _ flags: UInt8, _ user: UnsafeMutableRawPointer?
) -> Int32 {
  withSession(
    user,
    { session in
      let limit = session.configuration.headerListBytesMax
      let fits = session.headerStorage?._withUnsafeGuaranteedRef {
        $0.append(
          name: UnsafeRawBufferPointer(start: name, count: nameCount),
          value: UnsafeRawBufferPointer(start: value, count: valueCount), listBytesMax: limit)
      }
      guard fits == false,
        let dropped = session.headerStorage?._withUnsafeGuaranteedRef({ $0.droppedBytes }),
        dropped > limit * headerListDroppedTimesMax
      else { return 0 }
      session.breach = HTTP2ConnectionError(
        code: .enhanceYourCalm, message: "a header list of over \(limit + dropped) bytes")
      return callbackFailed
    }, otherwise: callbackFailed)
}

func onFrameReceived(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let frame else { return callbackFailed }
  return withSession(
    user,
    { session in
      let head = frame.pointee.hd
      let isEnd = head.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      switch UInt32(head.type) {
      case NGHTTP2_HEADERS.rawValue:
        guard let stream = session.headerStream?.takeUnretainedValue() else { return 0 }
        session.headerStream = nil
        session.headerStorage = nil
        if isEnd { stream.isRemoteEnded = true }
        session.append(
          .headers(stream, HeaderBlock(storage: stream.incoming), endStream: isEnd))
      case NGHTTP2_DATA.rawValue where isEnd:
        guard let stream = stream(handle, head.stream_id) else { return 0 }
        stream._withUnsafeGuaranteedRef { $0.isRemoteEnded = true }
        session.receivedEnd(of: stream)
      case NGHTTP2_DATA.rawValue:
        break
      default:
        connectionFrameReceived(session, frame)
      }
      return 0
    }, otherwise: callbackFailed)
}

private func connectionFrameReceived(
  _ session: HTTP2Session, _ frame: UnsafePointer<nghttp2_frame>
) {
  let head = frame.pointee.hd
  let isAck = head.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
  switch UInt32(head.type) {
  case NGHTTP2_SETTINGS.rawValue where !isAck:
    session.append(.settings)
  case NGHTTP2_PING.rawValue where !isAck:
    session.append(.ping)
  case NGHTTP2_PING.rawValue:
    let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) {
      $0.loadUnaligned(as: UInt64.self)
    }
    session.append(.pingAcknowledged(UInt64(bigEndian: payload)))
  case NGHTTP2_RST_STREAM.rawValue:
    session.resetByPeer(head.stream_id)
  case NGHTTP2_GOAWAY.rawValue:
    let goAway = frame.pointee.goaway
    session.append(
      .goAway(
        lastStreamID: goAway.last_stream_id, HTTP2ErrorCode(rawValue: goAway.error_code),
        debugData: Array(
          UnsafeBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))))
  default:
    break
  }
}

/// A frame that costs its stream, which nghttp2 resets.
func onInvalidFrame(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: Int32,
  _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let frame else { return callbackFailed }
  return withSession(
    user, { $0.receivedInvalidFrame(frame.pointee.hd.stream_id) }, otherwise: callbackFailed)
}

func onData(
  _ handle: OpaquePointer?, _ flags: UInt8, _ id: Int32, _ bytes: UnsafePointer<UInt8>?,
  _ count: Int, _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let bytes else { return 0 }
  return withSession(
    user,
    { session in
      session.connectionBytesReceived += count
      guard let stream = stream(handle, id) else { return 0 }
      stream._withUnsafeGuaranteedRef { $0.receivedBytes &+= count }
      session.received(bytes, count, on: stream)
      return 0
    }, otherwise: callbackFailed)
}

func onStreamClosed(
  _ handle: OpaquePointer?, _ id: Int32, _ code: UInt32, _ user: UnsafeMutableRawPointer?
) -> Int32 {
  withSession(
    user,
    { session in
      guard let stream = stream(handle, id) else { return 0 }
      session.close(stream.takeUnretainedValue(), HTTP2ErrorCode(rawValue: code))
      return 0
    }, otherwise: callbackFailed)
}

func onFrameSent(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let frame else { return callbackFailed }
  if UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue {
    stream(handle, frame.pointee.hd.stream_id)?._withUnsafeGuaranteedRef {
      $0.isRequestSent = true
    }
  }
  return 0
}

/// Pulls DATA out of a stream's queue (`nghttp2_data_source_read_callback`).
func readData(
  _ handle: OpaquePointer?, _ id: Int32, _ destination: UnsafeMutablePointer<UInt8>?,
  _ limit: Int, _ flags: UnsafeMutablePointer<UInt32>?,
  _ source: UnsafeMutablePointer<nghttp2_data_source>?, _ user: UnsafeMutableRawPointer?
) -> Int {
  guard let destination, let flags, let pointer = source?.pointee.ptr else {
    return Int(callbackFailed)
  }
  return withSession(
    user,
    { session in
      Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef {
        session.pull($0, destination, limit, &flags.pointee)
      }
    }, otherwise: Int(callbackFailed))
}

extension HTTP2Session {
  /// Moves a stream's data to `destination`; answers as nghttp2's callback does.
  fileprivate func pull(
    _ stream: HTTP2Stream, _ destination: UnsafeMutablePointer<UInt8>, _ limit: Int,
    _ flags: inout UInt32
  ) -> Int {
    let count = stream.outgoing.take(limit, into: destination)
    stream.sentBytes &+= count
    if count > 0 { dataFramesSent &+= 1 }
    guard stream.outgoing.isEmpty else { return count }
    if stream.notifiesWhenDrained {
      stream.notifiesWhenDrained = false
      append(.drained(stream))
    }
    switch stream.ending {
    case .none:
      guard count == 0 else { return count }
      stream.isDeferred = true
      return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    case .endStream:
      flags |= NGHTTP2_DATA_FLAG_EOF.rawValue
    case .trailers, .preparedTrailers:
      flags |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
      guard submitTrailers(of: stream) == 0 else {
        return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
      }
    }
    stream.sendState = .ended
    return count
  }
}

extension HTTP2Stream {
  fileprivate func beginHeaders() {
    if isKnownUniquelyReferenced(&incoming), !incoming.isLarge {
      incoming.removeAll()
    } else {
      incoming = HeaderStorage()
    }
  }
}
