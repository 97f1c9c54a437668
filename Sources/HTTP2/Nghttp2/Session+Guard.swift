internal import CNghttp2

/// What a server looks for in the frames of a client that nghttp2 1.52 does not: floods, and frames
/// on streams that are closed, which it forgets at once.
extension HTTP2Session {
  /// Gives nghttp2 the bytes up to the first frame that breaches a rule. Answers its return code,
  /// and the breach.
  func feedGuarded(_ bytes: UnsafeRawBufferPointer) -> (Int, HTTP2ConnectionError?) {
    var offset = 0
    var fed = 0
    while let frame = scanner.next(bytes, &offset) {
      if dependsOnEarlier(frame) {
        let result = feed(bytes, fed..<max(fed, frame.start))
        guard result >= 0 else { return (result, nil) }
        fed = max(fed, frame.start)
        hasUnreadReset = false
      }
      if let error = objection(to: frame) {
        return (feed(bytes, fed..<max(fed, frame.start)), error)
      }
    }
    let result = feed(bytes, fed..<bytes.count)
    hasUnreadReset = false
    return (result, nil)
  }

  /// Possible return codes: bytes processed; NOMEM, CALLBACK_FAILURE, BAD_CLIENT_MAGIC, FLOODED,
  /// TOO_MANY_CONTINUATIONS.
  func feed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
    let part = UnsafeRawBufferPointer(rebasing: bytes[range]).bindMemory(to: UInt8.self)
    return nghttp2_session_mem_recv(handle, part.baseAddress, part.count)
  }

  /// Whether what is said of a frame follows from others among the same bytes that nghttp2 has not
  /// seen yet.
  @inline(__always)
  private func dependsOnEarlier(_ frame: FrameScanner.Frame) -> Bool {
    switch UInt32(frame.type) {
    case NGHTTP2_HEADERS.rawValue: frame.stream <= newestScannedID
    case NGHTTP2_DATA.rawValue:
      // Of the streams that are new here, the newest is known to be open.
      hasUnreadReset || frame.stream > newestStreamID && frame.stream < newestScannedID
    default: false
    }
  }

  @inline(__always)
  private func objection(to frame: FrameScanner.Frame) -> HTTP2ConnectionError? {
    switch UInt32(frame.type) {
    case NGHTTP2_HEADERS.rawValue:
      if frame.stream > newestScannedID {
        newestScannedID = frame.stream
        return isRefusingStreams ? objection(to: .empty) : nil
      }
      return objection(toLate: frame)
    case NGHTTP2_DATA.rawValue:
      if frame.stream <= newestStreamID, let error = objection(toLate: frame) { return error }
      let isEnd = frame.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
      let isPadded = frame.flags & UInt8(NGHTTP2_FLAG_PADDED.rawValue) != 0
      return isPadded || frame.length == 0 && !isEnd ? objection(to: .empty) : nil
    default:
      return objection(toControl: frame)
    }
  }

  private func objection(
    toControl frame: FrameScanner.Frame
  ) -> HTTP2ConnectionError? {
    switch UInt32(frame.type) {
    case NGHTTP2_PING.rawValue:
      let isAck = frame.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0
      return isAck ? objection(to: .empty) : objection(to: .ping)
    case NGHTTP2_SETTINGS.rawValue: return objection(to: .settings)
    case NGHTTP2_WINDOW_UPDATE.rawValue: return objection(to: .windowUpdate)
    case NGHTTP2_PRIORITY.rawValue:
      // RFC 9113 §6.3, RFC 7540 §5.3.1: nghttp2 ignores them, as priorities are switched off.
      let other = frame.firstWord.map { Int32(truncatingIfNeeded: $0 & 0x7fff_ffff) }
      if frame.stream == 0 || frame.stream == other {
        return HTTP2ConnectionError(
          code: .protocolError, message: "PRIORITY of stream \(frame.stream) on itself")
      }
      return objection(to: .priority)
    case NGHTTP2_PRIORITY_UPDATE.rawValue: return objection(to: .priority)
    case NGHTTP2_RST_STREAM.rawValue:
      hasUnreadReset = true
      return objection(to: .reset)
    default: return objection(to: .empty)
    }
  }

  /// HEADERS or DATA for a stream that has been opened before.
  private func objection(toLate frame: FrameScanner.Frame) -> HTTP2ConnectionError? {
    let id = frame.stream
    guard nghttp2_session_get_stream_user_data(handle, id) == nil, id % 2 == 1 else { return nil }
    // What the client sent before it heard of the reset is ignored (RFC 9113 §5.1, "closed").
    // HEADERS are decompressed all the same.
    if abandonedStreams.contains(id) {
      return frame.type == UInt8(NGHTTP2_HEADERS.rawValue) ? objection(to: .empty) : nil
    }
    if skippedStreams.contains(id) {
      return HTTP2ConnectionError(
        code: .protocolError, message: "stream \(id) after \(newestStreamID)")
    }
    // Newer ones have been refused, or ignored after GOAWAY.
    guard id <= newestStreamID else { return objection(to: .empty) }
    return HTTP2ConnectionError(code: .streamClosed, message: "stream \(id) is closed")
  }

  private func objection(to kind: FloodGuard.Kind) -> HTTP2ConnectionError? {
    allows(kind)
      ? nil : HTTP2ConnectionError(code: .enhanceYourCalm, message: "too many \(kind)")
  }

  /// A frame that costs its stream, which nghttp2 resets. Answers for the callback.
  func receivedInvalidFrame(_ stream: Int32) -> Int32 {
    abandon(stream: stream)
    guard let error = objection(to: .reset) else { return 0 }
    breach = error
    return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
  }

  /// The server has reset a stream whose request has not ended: frames for it may be on their way.
  /// Such a stream counts for the client until it hears of it, so there are never more of them than
  /// concurrent streams.
  func abandon(stream id: Int32) {
    if abandonedStreams.count < Int(configuration.concurrentStreamsMax) {
      abandonedStreams.append(id)
    } else if !abandonedStreams.isEmpty {
      abandonedStreams[nextAbandoned] = id
      nextAbandoned = (nextAbandoned + 1) % abandonedStreams.count
    }
  }
}
