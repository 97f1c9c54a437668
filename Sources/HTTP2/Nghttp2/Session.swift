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

  private var memory: SessionMemory?
  /// Nil while the session is dormant.
  private(set) var handle: OpaquePointer?
  var dormant: DormantSession?
  /// What a dormant session had still to send when it woke up.
  var farewell: [UInt8] = []
  /// Every stream that nghttp2 knows, kept alive here.
  private(set) var openStreams: [HTTP2Stream] = []
  /// Objects to use again; one that somebody still holds is let go of instead.
  private var closedStreams: [HTTP2Stream] = []
  private var events: [HTTP2Event] = []
  /// DATA that was received and has no event yet: its end may follow.
  private var pendingData: PendingData?
  /// The bytes being received, for slicing DATA payloads out of them.
  private var input = ByteBuffer()
  /// Whose header block is arriving; a block is contiguous on the wire (RFC 9113 §4.3). The list of
  /// open streams keeps it alive; a reference of its own would be counted for every field.
  var headerStream: Unmanaged<HTTP2Stream>?
  /// Where its fields go: `HTTP2Stream.incoming`.
  var headerStorage: Unmanaged<HeaderStorage>?
  /// Received DATA bytes to give back to the connection's window.
  var connectionBytesReceived = 0
  /// Memory for handing header fields over.
  var fields: [nghttp2_nv] = []
  /// Streams whose response has ended before their request.
  private var requestsToStop: [HTTP2Stream] = []
  private var failure: HTTP2ConnectionError?
  /// A limit that the peer has exceeded, found in a callback.
  var breach: HTTP2ConnectionError?
  private var floods: FloodGuard
  private let clock: @Sendable () -> NIODeadline
  /// The clock's answer, asked once for the bytes being received.
  private var receivedAt: NIODeadline?

  /// When the bytes were received that came last.
  public var receivedTime: NIODeadline {
    let time = receivedAt ?? clock()
    receivedAt = time
    return time
  }

  /// The highest stream that the peer has opened.
  private(set) var newestStreamID: Int32 = 0
  /// Identifiers that were passed over last, and can never be opened.
  private(set) var skippedStreams: Range<Int32> = 0..<0
  var scanner: FrameScanner
  /// The highest stream among the HEADERS that were scanned; nghttp2 may have to read them yet.
  var newestScannedID: Int32 = 0
  /// Whether an RST_STREAM was scanned that nghttp2 has to read yet.
  var hasUnreadReset = false
  /// Streams reset by this side before the peer had ended them; the newest, in a ring.
  var abandonedStreams: [Int32] = []
  var nextAbandoned = 0
  /// Whether the final GOAWAY has been submitted: requests that come still are ignored.
  var isRefusingStreams = false
  /// Streams opened by the peer so far.
  public private(set) var requestCount = 0
  /// DATA frames sent so far, but for empty ones.
  public internal(set) var dataFramesSent = 0
  /// Times that bytes have been received.
  public private(set) var receiveCount = 0

  private static let closedStreamsKeptMax = 128

  private struct PendingData {
    let stream: Unmanaged<HTTP2Stream>
    let offset: Int
    let count: Int
  }

  /// A session with its SETTINGS queued as the first bytes to send. Throws when memory is
  /// exhausted.
  public init(
    role: Role, configuration: HTTP2SessionConfiguration = .init(),
    clock: @escaping @Sendable () -> NIODeadline = { .now() }
  ) throws(HTTP2ConnectionError) {
    self.role = role
    self.configuration = configuration
    self.clock = clock
    floods = FloodGuard(configuration.floodLimits)
    scanner = FrameScanner(prefaceBytes: Int(NGHTTP2_CLIENT_MAGIC_LEN))
    switch role {
    case .server: dormant = DormantSession(hello: Self.hello(configuration))
    case .client: try makeHandle()
    }
  }

  func makeHandle() throws(HTTP2ConnectionError) {
    let memory = SessionMemory()
    let handle = try SessionLibrary.makeHandle(role, memory)
    self.memory = memory
    self.handle = handle
    nghttp2_session_set_user_data(handle, Unmanaged.passUnretained(self).toOpaque())
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
    receivedAt = nil
    receiveCount &+= 1
    if dormant == nil {
      read(bytes)
    } else if let rest = receiveDormant(bytes), failure == nil {
      read(rest)
    }
    return takeEvents()
  }

  private func read(_ bytes: ByteBuffer) {
    input = bytes
    let (result, objection) = bytes.withUnsafeReadableBytes { bytes in
      role == .server ? feedGuarded(bytes) : (feed(bytes, 0..<bytes.count), nil)
    }
    flushData()
    input = ByteBuffer()
    if result < 0 {
      fail(breach ?? SessionLibrary.error(Int32(truncatingIfNeeded: result)))
    } else if let objection {
      fail(objection)
    } else if connectionBytesReceived > 0 {
      // Possible return codes: 0, NOMEM, INVALID_STATE (automatic updates, which are off).
      nghttp2_session_consume_connection(handle, connectionBytesReceived)
      connectionBytesReceived = 0
    }
  }

  /// Appends bytes for the transport to `buffer` until it holds about `limit`; answers whether
  /// there may be more. Call `takeEvents` afterwards.
  public func bytesToSend(into buffer: inout ByteBuffer, limit: Int) -> Bool {
    if dormant != nil {
      buffer.writeBytes(dormant?.output ?? [])
      dormant?.output = []
      return false
    }
    if !farewell.isEmpty {
      buffer.writeBytes(farewell)
      farewell = []
    }
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

  /// Gives back what is kept for streams to come.
  public func releaseSpareMemory() {
    closedStreams = []
    memory?.releaseSpare()
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
      || dormant == nil
        && nghttp2_session_want_read(handle) == 0 && nghttp2_session_want_write(handle) == 0
  }

  func fail(_ error: HTTP2ConnectionError) {
    guard failure == nil else { return }
    failure = error
    if handle != nil { nghttp2_session_terminate_session(handle, error.code.rawValue) }
    append(.failed(error))
  }

  // MARK: Streams

  public var openStreamCount: Int { openStreams.count }

  /// The stream whose header block has begun and not ended.
  public var streamReceivingHeaders: Int32? {
    headerStream?._withUnsafeGuaranteedRef { $0.id }
  }

  /// Frames that wait to be sent, DATA left out.
  public var queuedFrameCount: Int {
    handle == nil ? 0 : nghttp2_session_get_outbound_queue_size(handle)
  }

  /// Whether the peer could send more DATA on the stream now.
  public func isWindowOpen(_ stream: HTTP2Stream) -> Bool {
    nghttp2_session_get_stream_local_window_size(handle, stream.id) > 0
      && nghttp2_session_get_local_window_size(handle) > 0
  }

  /// The streams that are open now. A copy: safe to reset streams while going through it.
  public var streams: [HTTP2Stream] { openStreams }

  /// The transport is gone: the stream is closed for its user. nghttp2 keeps its state, which
  /// nothing asks for any more.
  func abandon(_ stream: HTTP2Stream) {
    stream.isClosed = true
    stream.sendState = .ended
  }

  func makeStream() -> HTTP2Stream {
    if var stream = closedStreams.popLast(), isKnownUniquelyReferenced(&stream) {
      stream.reset()
      return stream
    }
    return HTTP2Stream()
  }

  func track(_ stream: consuming HTTP2Stream) {
    stream.slot = openStreams.count
    openStreams.append(stream)
  }

  // MARK: For the callbacks

  /// Whether one more frame is within the limits.
  func allows(_ kind: FloodGuard.Kind) -> Bool {
    floods.allows(kind, dataFramesSent: dataFramesSent, now: receivedTime)
  }

  func resetByPeer(_ id: Int32) {
    guard let pointer = nghttp2_session_get_stream_user_data(handle, id) else { return }
    Unmanaged<HTTP2Stream>.fromOpaque(pointer)._withUnsafeGuaranteedRef { $0.isResetByPeer = true }
  }

  /// The peer has opened a stream.
  func opened(_ id: Int32) {
    if id - newestStreamID > 2 { skippedStreams = newestStreamID + 1..<id }
    newestStreamID = id
    requestCount &+= 1
  }

  /// Puts events back that were taken.
  func restore(_ seen: [HTTP2Event]) {
    events = seen + events
  }

  func append(_ event: HTTP2Event) {
    flushData()
    events.append(event)
  }

  /// Keeps a DATA payload, so that a message and its end can come as one event.
  func received(_ bytes: UnsafePointer<UInt8>, _ count: Int, on stream: Unmanaged<HTTP2Stream>) {
    flushData()
    let offset = input.withUnsafeReadableBytes { all in
      all.baseAddress.map { UnsafeRawPointer(bytes) - $0 } ?? -1
    }
    // nghttp2 hands DATA out where it lies in the input; anything else is copied.
    if offset >= 0, offset + count <= input.readableBytes {
      pendingData = PendingData(stream: stream, offset: offset, count: count)
    } else {
      let copy = ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: count))
      events.append(.data(stream.takeUnretainedValue(), copy, endStream: false))
    }
  }

  /// The stream's last DATA frame is complete.
  func receivedEnd(of stream: Unmanaged<HTTP2Stream>) {
    if pendingData?.stream.toOpaque() == stream.toOpaque() {
      flushData(endStream: true)
    } else {
      append(.endStream(stream.takeUnretainedValue()))
    }
  }

  private func flushData(endStream: Bool = false) {
    guard let data = pendingData else { return }
    pendingData = nil
    guard let slice = input.getSlice(at: input.readerIndex + data.offset, length: data.count)
    else { return }
    events.append(.data(data.stream.takeUnretainedValue(), slice, endStream: endStream))
  }

  /// The stream is gone for nghttp2, which forgets its pointer to it.
  func close(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
    flushData()
    stream.isClosed = true
    stream.sendState = .ended
    if headerStream?.toOpaque() == Unmanaged.passUnretained(stream).toOpaque() {
      headerStream = nil
      headerStorage = nil
    }
    var last = openStreams.removeLast()
    if last !== stream {
      last.slot = stream.slot
      swap(&last, &openStreams[stream.slot])
    }
    // The context may be set only when an event already in the list is handled.
    if role == .server, !stream.isRemoteEnded, !stream.isResetByPeer { abandon(stream: stream.id) }
    if stream.context != nil || !events.isEmpty { events.append(.closed(stream, code)) }
    // What was in the list of open streams goes on to this one.
    if closedStreams.count < Self.closedStreamsKeptMax { closedStreams.append(last) }
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
}
