internal import CNghttp2

extension HTTP2Session {
  // MARK: Streams

  /// Opens a stream (client). Over the peer's limit of concurrent streams the request waits here.
  /// On failure the stream answered is closed.
  public func submitRequest(
    _ headers: HeaderBlock, endStream: Bool, context: AnyObject?
  ) -> (HTTP2Stream, HTTP2Outcome) {
    let stream = makeStream()
    stream.context = context
    stream.sendState = endStream ? .ended : .open
    let user = Unmanaged.passUnretained(stream).toOpaque()
    // Possible return codes: the id; NOMEM, STREAM_ID_NOT_AVAILABLE, INVALID_ARGUMENT, PROTO.
    let id = withFields(of: headers) { fields in
      if endStream {
        return nghttp2_submit_request(handle, nil, fields.baseAddress, fields.count, nil, user)
      }
      var provider = SessionLibrary.dataProvider(stream)
      return nghttp2_submit_request(handle, nil, fields.baseAddress, fields.count, &provider, user)
    }
    guard id > 0 else {
      stream.isClosed = true
      return (stream, SessionLibrary.outcome(id))
    }
    stream.id = id
    track(stream)
    return (stream, .ok)
  }

  /// Sends response headers; with `endStream` they are the whole response.
  @discardableResult
  public func submitResponse(
    _ stream: HTTP2Stream, _ headers: HeaderBlock, endStream: Bool = false
  ) -> HTTP2Outcome {
    withFields(of: headers) { submitResponse(stream, fields: $0, endStream: endStream) }
  }

  /// The same for constant headers, without copying them.
  @discardableResult
  public func submitResponse(
    _ stream: HTTP2Stream, _ headers: PreparedHeaders, endStream: Bool = false
  ) -> HTTP2Outcome {
    submitResponse(stream, fields: UnsafeBufferPointer(headers.fields), endStream: endStream)
  }

  private func submitResponse(
    _ stream: HTTP2Stream, fields: UnsafeBufferPointer<nghttp2_nv>, endStream: Bool
  ) -> HTTP2Outcome {
    guard !stream.isClosed else { return .streamError(.streamClosed) }
    guard case .idle = stream.sendState else { return .streamError(.internalError) }
    stream.sendState = endStream ? .ended : .open
    var code: Int32
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT, DATA_EXIST, PROTO.
    if endStream {
      code = nghttp2_submit_response(handle, stream.id, fields.baseAddress, fields.count, nil)
      if code == 0 { stopRequest(stream) }
    } else {
      var provider = SessionLibrary.dataProvider(stream)
      code = nghttp2_submit_response(
        handle, stream.id, fields.baseAddress, fields.count, &provider)
    }
    return SessionLibrary.outcome(code)
  }

  /// Adds `byteCount` bytes to what the stream sends, for the caller to fill at once, before any
  /// other call on the session. Only while the stream `acceptsData`: otherwise they go nowhere.
  public func reserve(_ stream: HTTP2Stream, byteCount: Int) -> UnsafeMutableRawBufferPointer {
    resume(stream)
    return stream.outgoing.reserve(byteCount)
  }

  /// Adds bytes to what the stream sends.
  @discardableResult
  public func write(_ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer) -> HTTP2Outcome {
    guard stream.acceptsData else { return .streamError(.streamClosed) }
    reserve(stream, byteCount: bytes.count).copyMemory(from: bytes)
    return .ok
  }

  /// Drops what is queued on a stream whose DATA has not begun to leave; it may be ended then.
  public func dropUnsent(_ stream: HTTP2Stream) {
    guard stream.sentBytes == 0 else { return }
    stream.outgoing.removeAll()
  }

  /// Ends this side of the stream after what is queued.
  @discardableResult
  public func end(_ stream: HTTP2Stream) -> HTTP2Outcome {
    end(stream, with: .endStream)
  }

  /// Ends this side of the stream with trailers after what is queued.
  @discardableResult
  public func end(_ stream: HTTP2Stream, trailers: HeaderBlock) -> HTTP2Outcome {
    end(stream, with: .trailers(trailers))
  }

  /// The same for constant trailers, without copying them.
  @discardableResult
  public func end(_ stream: HTTP2Stream, trailers: PreparedHeaders) -> HTTP2Outcome {
    end(stream, with: .preparedTrailers(trailers))
  }

  private func end(_ stream: HTTP2Stream, with ending: HTTP2Stream.Ending) -> HTTP2Outcome {
    guard !stream.isClosed else { return .streamError(.streamClosed) }
    guard case .open = stream.sendState, case .none = stream.ending else {
      return .streamError(.internalError)
    }
    stream.ending = ending
    resume(stream)
    return .ok
  }

  /// Ends the stream at once in both directions; what is queued for it is dropped.
  @discardableResult
  public func reset(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) -> HTTP2Outcome {
    guard !stream.isClosed else { return .streamError(.streamClosed) }
    stream.sendState = .ended
    stream.outgoing.removeAll()
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT.
    return SessionLibrary.outcome(
      nghttp2_submit_rst_stream(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, code.rawValue))
  }

  /// Gives back window for received DATA that the application has read.
  public func giveBack(_ stream: HTTP2Stream, byteCount: Int) {
    guard !stream.isClosed, !stream.isRemoteEnded, byteCount > 0 else { return }
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT, INVALID_STATE. Out of memory shows at the
    // next call that sends.
    nghttp2_session_consume_stream(handle, stream.id, byteCount)
  }

  /// Asks for one `drained` event when everything queued on the stream has been handed out.
  public func notifyWhenDrained(_ stream: HTTP2Stream) {
    stream.notifiesWhenDrained = true
  }

  private func resume(_ stream: HTTP2Stream) {
    guard stream.isDeferred else { return }
    stream.isDeferred = false
    // Possible return codes: 0; INVALID_ARGUMENT (no such stream, or nothing deferred), NOMEM.
    nghttp2_session_resume_data(handle, stream.id)
  }

  /// Submits the trailers a stream ends with, from inside its data source.
  func submitTrailers(of stream: HTTP2Stream) -> Int32 {
    let code: Int32
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT.
    switch stream.ending {
    case .preparedTrailers(let headers):
      code = nghttp2_submit_trailer(
        handle, stream.id, headers.fields.baseAddress, headers.fields.count)
    case .trailers(let headers):
      code = withFields(of: headers) {
        nghttp2_submit_trailer(handle, stream.id, $0.baseAddress, $0.count)
      }
    case .none, .endStream:
      return 0
    }
    if code == 0 { stopRequest(stream) }
    return code
  }

  // MARK: Connection

  /// Streams that this side may open at once, by the peer's SETTINGS_MAX_CONCURRENT_STREAMS.
  public var peerConcurrentStreamsMax: UInt32 {
    nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
  }

  /// Announces a shutdown without refusing anything yet (server): GOAWAY with the highest id.
  public func submitShutdownNotice() {
    wake()
    // Possible return codes: 0; NOMEM, INVALID_STATE (client).
    nghttp2_submit_shutdown_notice(handle)
  }

  /// Refuses new streams from now on; open ones go on.
  public func submitGoAway(_ code: HTTP2ErrorCode = .noError, debugData: StaticString = "") {
    wake()
    isRefusingStreams = true
    let last = nghttp2_session_get_last_proc_stream_id(handle)
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT. It copies the debug data.
    nghttp2_submit_goaway(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue,
      debugData.utf8Start, debugData.utf8CodeUnitCount)
  }

  /// Ends the connection: GOAWAY, then `isFinished`. One with debug data goes before.
  public func terminate(_ code: HTTP2ErrorCode, debugData: StaticString = "") {
    wake()
    if debugData.utf8CodeUnitCount > 0 { submitGoAway(code, debugData: debugData) }
    // Possible return codes: 0; NOMEM.
    nghttp2_session_terminate_session(handle, code.rawValue)
  }

  /// Sends a PING with this payload; the answer is `pingAcknowledged`.
  public func ping(_ payload: UInt64) {
    guard dormant == nil else {
      dormant?.ping(payload)
      return
    }
    withUnsafeBytes(of: payload.bigEndian) { bytes in
      // Possible return codes: 0; NOMEM.
      _ = nghttp2_submit_ping(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.bindMemory(to: UInt8.self).baseAddress)
    }
  }

  /// The fields as nghttp2 wants them; it copies names and values before returning.
  private func withFields<Result>(
    of headers: HeaderBlock, _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
  ) -> Result {
    fields.removeAll(keepingCapacity: true)
    headers.forEach { name, value in
      fields.append(
        nghttp2_nv(name: name, value: value, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
    }
    return fields.withUnsafeBufferPointer(body)
  }
}
