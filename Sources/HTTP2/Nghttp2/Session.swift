internal import CNghttp2
public import NIOCore

/// One HTTP/2 connection as a machine without I/O (RFC 9113), over nghttp2: bytes go in, events and
/// bytes to send come out. One type serves both roles.
///
///     received bytes --> receive() --> [HTTP2Event] --> submit, write, end, reset, giveBack
///                                                              |
///     transport      <-- bytesToSend()  <----------------------+
///
/// The C callbacks only append to the list of events; no code of the session's user runs inside the
/// library. Owns the `nghttp2_session`; the library's pointers to this object and to the streams
/// are unretained, and this object outlives the handle, which it frees in `deinit`. Confined to the
/// connection's event loop.
public final class HTTP2Session {
  public enum Role: Sendable {
    case client
    case server
  }

  public let role: Role
  public let configuration: HTTP2SessionConfiguration

  private var handle: OpaquePointer?
  private(set) var openStreams: [HTTP2Stream] = []
  private var closedStreams: [HTTP2Stream] = []
  private var events: [HTTP2Event] = []
  /// The bytes being received, for slicing DATA payloads out of them.
  var input = ByteBuffer()
  /// Whose header block is arriving; a block is contiguous on the wire (RFC 9113 §4.3).
  var headerStream: HTTP2Stream?
  /// Received DATA bytes to give back to the connection's window.
  var connectionBytesReceived = 0
  private var fields: [nghttp2_nv] = []
  /// Streams whose response has ended before their request.
  private var requestsToStop: [HTTP2Stream] = []
  private var failure: HTTP2ConnectionError?
  private static let closedStreamsKeptMax = 128

  /// A session with its SETTINGS queued as the first bytes to send. Throws when memory is
  /// exhausted.
  public init(role: Role, configuration: HTTP2SessionConfiguration = .init())
    throws(HTTP2ConnectionError)
  {
    self.role = role
    self.configuration = configuration
    handle = try SessionLibrary.makeHandle(role, user: Unmanaged.passUnretained(self).toOpaque())
    let code = SessionLibrary.submitSettings(handle, configuration, role: role)
    guard code == 0 else { throw SessionLibrary.error(code) }
  }

  deinit {
    nghttp2_session_del(handle)
  }

  // MARK: Bytes

  /// Takes bytes from the transport; answers what they mean, in order.
  public func receive(_ bytes: ByteBuffer) -> [HTTP2Event] {
    guard failure == nil else { return [] }
    input = bytes
    // Possible return codes: bytes processed; NOMEM, CALLBACK_FAILURE, BAD_CLIENT_MAGIC, FLOODED.
    let result = bytes.withUnsafeReadableBytes {
      nghttp2_session_mem_recv(handle, $0.bindMemory(to: UInt8.self).baseAddress, $0.count)
    }
    input = ByteBuffer()
    if result < 0 {
      fail(SessionLibrary.error(Int32(truncatingIfNeeded: result)))
    } else if connectionBytesReceived > 0 {
      // Possible return codes: 0, NOMEM, INVALID_STATE (automatic updates, which are off).
      nghttp2_session_consume_connection(handle, connectionBytesReceived)
      connectionBytesReceived = 0
    }
    return takeEvents()
  }

  /// Appends bytes for the transport to `buffer` until it holds about `limit`; answers whether
  /// there may be more. Call `takeEvents` afterwards.
  public func bytesToSend(into buffer: inout ByteBuffer, limit: Int) -> Bool {
    while buffer.readableBytes < limit {
      var start: UnsafePointer<UInt8>?
      // Possible return codes: bytes; NOMEM, CALLBACK_FAILURE.
      let count = nghttp2_session_mem_send(handle, &start)
      guard count > 0, let start else {
        if count == 0, stopRequests() { continue }
        if count < 0 { fail(SessionLibrary.error(Int32(truncatingIfNeeded: count))) }
        return false
      }
      buffer.writeBytes(UnsafeRawBufferPointer(start: start, count: count))
    }
    return true
  }

  /// Everything there is to send now.
  public func bytesToSend() -> ByteBuffer {
    var buffer = ByteBuffer()
    _ = bytesToSend(into: &buffer, limit: .max)
    return buffer
  }

  /// What happened since the last `receive`, while sending.
  public func takeEvents() -> [HTTP2Event] {
    guard !events.isEmpty else { return [] }
    var taken: [HTTP2Event] = []
    taken.reserveCapacity(events.count)
    swap(&taken, &events)
    return taken
  }

  /// Whether the session has come to its end: nothing more to read or to write.
  public var isFinished: Bool {
    failure != nil
      || nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
  }

  public var openStreamCount: Int { openStreams.count }

  /// Streams that this side may still open at once, by the peer's SETTINGS_MAX_CONCURRENT_STREAMS.
  public var peerConcurrentStreamsMax: UInt32 {
    nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
  }

  /// The streams that are open now. A copy: safe to reset streams while going through it.
  public var streams: [HTTP2Stream] { openStreams }

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

  // MARK: Connection

  /// Announces a shutdown without refusing anything yet (server): GOAWAY with the highest id.
  public func submitShutdownNotice() {
    // Possible return codes: 0; NOMEM, INVALID_STATE (client).
    nghttp2_submit_shutdown_notice(handle)
  }

  /// Refuses new streams from now on; open ones go on.
  public func submitGoAway(_ code: HTTP2ErrorCode = .noError) {
    let last = nghttp2_session_get_last_proc_stream_id(handle)
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT.
    nghttp2_submit_goaway(
      handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, nil, 0)
  }

  /// Ends the connection: GOAWAY, then `isFinished`.
  public func terminate(_ code: HTTP2ErrorCode) {
    // Possible return codes: 0; NOMEM.
    nghttp2_session_terminate_session(handle, code.rawValue)
  }

  /// Sends a PING with this payload; the answer is `pingAcknowledged`.
  public func ping(_ payload: UInt64) {
    withUnsafeBytes(of: payload.bigEndian) { bytes in
      // Possible return codes: 0; NOMEM.
      _ = nghttp2_submit_ping(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.bindMemory(to: UInt8.self).baseAddress)
    }
  }

  /// The transport is gone: the stream is closed for its user. nghttp2 keeps its state, which
  /// nothing asks for any more.
  func abandon(_ stream: HTTP2Stream) {
    stream.isClosed = true
    stream.sendState = .ended
  }

  // MARK: For the callbacks

  func append(_ event: HTTP2Event) {
    events.append(event)
  }

  /// Marks the DATA event just appended as the stream's last, so that a message and its end arrive
  /// together; otherwise appends an event of its own.
  func appendEnd(of stream: HTTP2Stream) {
    if case .data(let last, let bytes, _)? = events.last, last === stream {
      events[events.count - 1] = .data(stream, bytes, endStream: true)
    } else {
      events.append(.endStream(stream))
    }
  }

  func makeStream() -> HTTP2Stream {
    if var stream = closedStreams.popLast(), isKnownUniquelyReferenced(&stream) {
      stream.reset()
      return stream
    }
    return HTTP2Stream()
  }

  func track(_ stream: HTTP2Stream) {
    stream.slot = openStreams.count
    openStreams.append(stream)
  }

  /// The stream is gone for nghttp2, which forgets its pointer to it.
  func close(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    stream.isClosed = true
    stream.sendState = .ended
    let last = openStreams.removeLast()
    if last !== stream {
      openStreams[stream.slot] = last
      last.slot = stream.slot
    }
    // The context may be set only when an event already in the list is handled.
    if stream.context != nil || !events.isEmpty { events.append(.closed(stream, code)) }
    if closedStreams.count < Self.closedStreamsKeptMax { closedStreams.append(stream) }
  }

  /// A response that ends before its request did tells the peer to stop sending, by
  /// RST_STREAM(NO_ERROR) after the response's last frame (RFC 9113 §8.1). nghttp2 drops what is
  /// queued for a stream once its reset is submitted, so that waits until everything has left.
  func stopRequest(_ stream: HTTP2Stream) {
    guard role == .server, !stream.isRemoteEnded else { return }
    requestsToStop.append(stream)
  }

  private func stopRequests() -> Bool {
    guard !requestsToStop.isEmpty else { return false }
    for stream in requestsToStop where !stream.isClosed && !stream.isRemoteEnded {
      // Possible return codes: 0; NOMEM, INVALID_ARGUMENT.
      nghttp2_submit_rst_stream(
        handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.id, HTTP2ErrorCode.noError.rawValue)
    }
    requestsToStop.removeAll(keepingCapacity: true)
    return true
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

  // MARK: Helpers

  private func resume(_ stream: HTTP2Stream) {
    guard stream.isDeferred else { return }
    stream.isDeferred = false
    // Possible return codes: 0; INVALID_ARGUMENT (no such stream, or nothing deferred), NOMEM.
    nghttp2_session_resume_data(handle, stream.id)
  }

  private func fail(_ error: HTTP2ConnectionError) {
    guard failure == nil else { return }
    failure = error
    nghttp2_session_terminate_session(handle, error.code.rawValue)
    events.append(.failed(error))
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
