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
private func stream(_ handle: OpaquePointer?, _ id: Int32) -> HTTP2Stream? {
  guard let user = nghttp2_session_get_stream_user_data(handle, id) else { return nil }
  return Unmanaged<HTTP2Stream>.fromOpaque(user).takeUnretainedValue()
}

private let callbackFailed = Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)

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
        let pointer = Unmanaged.passUnretained(stream).toOpaque()
        // Possible return codes: 0; INVALID_ARGUMENT (no such stream).
        guard nghttp2_session_set_stream_user_data(handle, id, pointer) == 0 else {
          return callbackFailed
        }
        session.track(stream)
        session.headerStream = stream
      } else {
        session.headerStream = stream(handle, id)
      }
      session.headerStream?.beginHeaders()
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
      guard let stream = session.headerStream else { return 0 }
      stream.received(
        name: UnsafeRawBufferPointer(start: name, count: nameCount),
        value: UnsafeRawBufferPointer(start: value, count: valueCount),
        limit: session.configuration.headerListBytesMax)
      return 0
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
        guard let stream = session.headerStream else { return 0 }
        session.headerStream = nil
        if isEnd { stream.isRemoteEnded = true }
        session.append(
          .headers(stream, HeaderBlock(storage: stream.incoming), endStream: isEnd))
      case NGHTTP2_DATA.rawValue where isEnd:
        guard let stream = stream(handle, head.stream_id) else { return 0 }
        stream.isRemoteEnded = true
        session.appendEnd(of: stream)
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
  case NGHTTP2_PING.rawValue where isAck:
    let payload = withUnsafeBytes(of: frame.pointee.ping.opaque_data) {
      $0.loadUnaligned(as: UInt64.self)
    }
    session.append(.pingAcknowledged(UInt64(bigEndian: payload)))
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
      session.append(.data(stream, session.slice(bytes, count), endStream: false))
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
      session.close(stream, HTTP2ErrorCode(rawValue: code))
      return 0
    }, otherwise: callbackFailed)
}

func onFrameSent(
  _ handle: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?,
  _ user: UnsafeMutableRawPointer?
) -> Int32 {
  guard let frame else { return callbackFailed }
  if UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue {
    stream(handle, frame.pointee.hd.stream_id)?.isRequestSent = true
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
  let stream = Unmanaged<HTTP2Stream>.fromOpaque(pointer).takeUnretainedValue()
  return withSession(
    user,
    { session in
      let count = stream.outgoing.take(limit, into: destination)
      guard stream.outgoing.isEmpty else { return count }
      if stream.notifiesWhenDrained {
        stream.notifiesWhenDrained = false
        session.append(.drained(stream))
      }
      switch stream.ending {
      case .none:
        guard count == 0 else { return count }
        stream.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
      case .endStream:
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
      case .trailers, .preparedTrailers:
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        guard session.submitTrailers(of: stream) == 0 else {
          return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
      }
      stream.sendState = .ended
      return count
    }, otherwise: Int(callbackFailed))
}

extension HTTP2Session {
  /// The received bytes at that address: a slice of the input where they lie in it, which nghttp2
  /// does for every DATA payload.
  fileprivate func slice(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> ByteBuffer {
    let offset = input.withUnsafeReadableBytes { all in
      all.baseAddress.map { UnsafeRawPointer(bytes) - $0 } ?? -1
    }
    if offset >= 0, let slice = input.getSlice(at: input.readerIndex + offset, length: count) {
      return slice
    }
    return ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: count))
  }
}

extension HTTP2Stream {
  fileprivate func beginHeaders() {
    if isKnownUniquelyReferenced(&incoming) {
      incoming.removeAll()
    } else {
      incoming = HeaderStorage()
    }
  }

  fileprivate func received(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, limit: Int
  ) {
    // 32: RFC 9113 §6.5.2.
    guard incoming.listBytes + name.count + value.count + 32 <= limit else {
      incoming.isTruncated = true
      return
    }
    incoming.append(name: name, value: value)
  }
}
