internal import HTTP2
internal import Messages
internal import NIOCore

/// The calls of one connection to a server.
///
/// `@unchecked Sendable`: used on the connection's event loop only.
final class ServerConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
  let eventLoop: any EventLoop
  private let methods: MethodTable
  private(set) var info: ConnectionInfo
  let interceptors: [any ServerInterceptor]
  private let onUnexpectedError: (@Sendable (MethodDescriptor, any Error) -> Void)?
  let budgets: ServerBudgets
  /// What a reader may have read before its window is given back: half the window, where nghttp2
  /// would send WINDOW_UPDATE at the earliest.
  let creditBytesMin: Int
  private let onClose: @Sendable (ServerConnection) -> Void
  private(set) var connection: HTTP2Connection?
  private var deadlines: DeadlineTimer
  var supervision: ConnectionSupervision
  /// Where `ConnectionTicks` keeps it.
  var tickSlot = 0
  let handlers: HandlerQueue
  private var isEndingIdleStreams = false

  /// What a PING that measures the way to the client carries ("shutdown").
  private static let shutdownPing: UInt64 = 0x7368_7574_646f_776e

  init(
    eventLoop: any EventLoop, executor: LoopTaskExecutor, methods: MethodTable,
    configuration: ServerConfiguration, budgets: ServerBudgets, peer: String,
    onClose: @escaping @Sendable (ServerConnection) -> Void
  ) {
    self.eventLoop = eventLoop
    handlers = HandlerQueue(executor)
    self.methods = methods
    self.budgets = budgets
    interceptors = configuration.interceptors
    onUnexpectedError = configuration.onUnexpectedError
    info = ConnectionInfo(
      peer: peer, compressesResponses: configuration.compressesResponses)
    creditBytesMin = Int(configuration.http2.streamWindowBytes / 2)
    self.onClose = onClose
    deadlines = DeadlineTimer(eventLoop)
    supervision = ConnectionSupervision(configuration)
  }

  var peer: String { info.peer }

  /// Who the client is, once TLS knows; before any call.
  var peerCertificate: PeerCertificate? {
    get { info.peerCertificate }
    set {
      info = ConnectionInfo(
        peer: info.peer, peerCertificate: newValue,
        compressesResponses: info.compressesResponses)
    }
  }

  func attach(_ connection: HTTP2Connection) {
    self.connection = connection
  }

  // MARK: Events

  func handle(_ event: consuming HTTP2Event, on connection: HTTP2Connection) {
    switch consume event {
    case .headers(let stream, let headers, let endStream):
      receive(headers, on: stream, isEnd: endStream)
    case .data(let stream, let bytes, let endStream):
      if let call = call(of: stream) {
        call.receive(bytes, isEnd: endStream)
      } else {
        connection.session.giveBack(stream, byteCount: bytes.readableBytes)
      }
    case .endStream(let stream):
      call(of: stream)?.receiveEnd()
    case .drained(let stream):
      call(of: stream)?.drained()
    case .closed(let stream, _):
      let call = call(of: stream)
      stream.context = nil
      call?.closed()
    case .pingAcknowledged(Self.shutdownPing):
      // Requests sent before the client saw the notice have arrived by now.
      connection.session.submitGoAway()
      connection.setNeedsFlush()
    case .settings: supervision.isEstablished = true
    case .ping: receivePing(on: connection)
    case .failed(let error): failed(error)
    case .pingAcknowledged, .goAway: break
    }
  }

  func eventsHandled(on connection: HTTP2Connection) {
    handlers.start()
  }

  func connectionClosed(_ connection: HTTP2Connection) {
    deadlines.stop()
    self.connection = nil
    handlers.close()
    onClose(self)
  }

  /// The context of a server's stream is its call, set here and nowhere else.
  func call(of stream: HTTP2Stream) -> ServerCall? {
    stream.context.map { unsafeDowncast($0, to: ServerCall.self) }
  }

  private func receive(_ headers: HeaderBlock, on stream: HTTP2Stream, isEnd: Bool) {
    if let call = call(of: stream) {
      // Trailers of a request have no meaning in gRPC; their END_STREAM has.
      if isEnd { call.receiveEnd() }
      return
    }
    guard let connection else { return }
    do throws(RequestHead.Refusal) {
      let head = try RequestHead(
        headers, methods, receivedTime: connection.session.receivedTime)
      begin(makeCall(head, headers, stream), on: stream, isEnd: isEnd)
    } catch {
      switch error {
      case .httpStatus(let status):
        var response = HeaderBlock()
        response.append(":status", "\(status)")
        connection.session.submitResponse(stream, response, endStream: true)
      case .status(let status):
        end(stream, status: status, metadata: Metadata(), trailersOnly: true)
      }
    }
  }

  private func begin(_ call: ServerCall, on stream: HTTP2Stream, isEnd: Bool) {
    if let (refusal, passed) = interceptors.start(call.context) {
      let status = end(
        stream, status: refusal, metadata: call.context.trailingMetadata, trailersOnly: true)
      return passed.end(call.context, status: status)
    }
    stream.context = call
    if let deadline = call.head.deadline { watch(deadline) }
    if call.inbox != nil {
      if isEndingIdleStreams, call.endsAtShutdown { return call.abandon(.shuttingDown) }
      call.begin()
    }
    if isEnd { call.receiveEnd() }
  }

  private func makeCall(
    _ head: consuming RequestHead, _ headers: consuming HeaderBlock, _ stream: HTTP2Stream
  ) -> ServerCall {
    guard let call = handlers.takeSpare() else {
      return ServerCall(head, headers, stream: stream, connection: self)
    }
    call.prepare(head, headers, stream: stream)
    return call
  }

  /// A connection without calls keeps no memory for them.
  func releaseSpareMemory() {
    handlers.releaseSpare()
    connection?.session.releaseSpareMemory()
  }

  // MARK: Deadlines

  private func watch(_ deadline: Deadline) {
    guard deadlines.isLater(than: deadline.time) else { return }
    // The timer is stopped when the connection closes.
    deadlines.watch(deadline.time) { self.expire(now: $0) }
  }

  /// Ends the calls whose time has passed; answers when the next one is due.
  private func expire(now: NIODeadline) -> NIODeadline? {
    var next: NIODeadline?
    for stream in connection?.session.streams ?? [] {
      guard let call = call(of: stream), let deadline = call.head.deadline?.time else {
        continue
      }
      if deadline <= now {
        call.deadlinePassed()
      } else {
        next = min(next ?? deadline, deadline)
      }
    }
    return next
  }

  // MARK: For the calls

  func giveBack(_ stream: HTTP2Stream, byteCount: Int) {
    connection?.session.giveBack(stream, byteCount: byteCount)
  }

  func setNeedsFlush() {
    connection?.setNeedsFlush()
  }

  /// Drops what waits to be sent on a stream; one of which a part has left already is reset.
  func dropUnsent(_ stream: HTTP2Stream) {
    guard let connection, !stream.isClosed else { return }
    if stream.sentBytes == 0 {
      connection.session.dropUnsent(stream)
    } else {
      connection.session.reset(stream, .enhanceYourCalm)
    }
    connection.setNeedsFlush()
  }

  func notifyWhenDrained(_ stream: HTTP2Stream) {
    connection?.session.notifyWhenDrained(stream)
  }

  func sendHeaders(
    _ metadata: Metadata, _ encoding: MessageEncoding, on stream: HTTP2Stream
  ) throws(RPCError) {
    guard let connection else { return }
    if metadata.isEmpty {
      let headers =
        encoding == .gzip ? ResponseHeaders.gzipHeaders : ResponseHeaders.headers
      connection.session.submitResponse(stream, headers)
    } else {
      var headers = ResponseHeaders.initial()
      if encoding == .gzip { headers.append("grpc-encoding", "gzip") }
      try metadata.append(to: &headers)
      connection.session.submitResponse(stream, headers)
    }
    connection.setNeedsFlush()
  }

  func send(
    _ message: some Message, _ encoding: MessageEncoding, on stream: HTTP2Stream
  ) -> Bool {
    guard let connection else { return false }
    let sent =
      encoding == .gzip
      ? connection.session.writeCompressed(message, on: stream)
      : connection.session.writeMessage(message, on: stream)
    connection.setNeedsFlush()
    return sent
  }

  /// What has become of an answer.
  enum AnswerOutcome {
    case sent
    case clientGone
    /// There was no room to keep it for the client, and the call has been ended for that.
    case ended
  }

  /// Answers a call with one message and OK, all at once.
  func answer(
    _ stream: HTTP2Stream, with message: some Message, of call: ServerCall
  ) -> AnswerOutcome {
    stream.context = nil
    guard let connection, !stream.isClosed else { return .clientGone }
    let session = connection.session
    session.submitResponse(stream, ResponseHeaders.headers)
    let isWritten = session.writeMessage(message, on: stream)
    if stream.unsentBytes >= ServerCall.unsentBytesHigh {
      guard call.keepsUnread(stream) else { return .ended }
      call.watchUnread(stream)
    }
    session.end(stream, trailers: ResponseHeaders.okTrailers)
    connection.setNeedsFlush()
    return isWritten ? .sent : .clientGone
  }

  /// Ends a call's stream with its status (nil: OK). Answers the status that the client gets: it is
  /// another one where the call's metadata cannot be sent, or the client has gone.
  @discardableResult
  func end(
    _ stream: HTTP2Stream, status: RPCError?, metadata: Metadata, trailersOnly: Bool
  ) -> RPCError? {
    stream.context = nil
    guard let connection, !stream.isClosed else { return ServerCall.closedByClient }
    defer { connection.setNeedsFlush() }
    if status == nil, metadata.isEmpty, !trailersOnly {
      connection.session.end(stream, trailers: ResponseHeaders.okTrailers)
      return nil
    }
    let trailers = ResponseTrailers(status, metadata)
    if trailersOnly {
      connection.session.submitResponse(stream, trailers.only, endStream: true)
    } else {
      connection.session.end(stream, trailers: trailers.fields)
    }
    return trailers.status
  }

  private static let cancelled = RPCError(
    code: .cancelled, reason: "CANCELLED", message: "the call was cancelled")
  private static let unexpected = RPCError(
    code: .unknown, reason: "UNEXPECTED_FAILURE", message: "the method failed unexpectedly")

  /// The status for whatever a handler threw.
  func status(of error: any Error, method: MethodDescriptor) -> RPCError {
    switch error {
    case let error as RPCError: return error
    case is CancellationError:
      return Self.cancelled
    default:
      onUnexpectedError?(method, error)
      return Self.unexpected
    }
  }

  // MARK: Shutdown

  /// Lets open calls finish and takes no new ones: a notice first, then, when the client has it,
  /// the final GOAWAY (RFC 9113 §6.8). The session is finished with its last stream.
  func drain() {
    guard let connection else { return }
    supervision.timers.drainingStarted(now: .now())
    connection.session.submitShutdownNotice()
    connection.session.ping(Self.shutdownPing)
    connection.setNeedsFlush()
  }

  /// Ends the calls whose clients could keep them open for ever without asking anything.
  func endIdleStreams() {
    isEndingIdleStreams = true
    guard let connection else { return }
    for stream in connection.session.streams {
      guard let call = call(of: stream), call.endsAtShutdown else { continue }
      call.abandon(.shuttingDown)
    }
  }

  /// Ends every open call with that status and closes.
  func abandonCalls(_ status: RPCError) {
    guard let connection else { return }
    for stream in connection.session.streams { call(of: stream)?.abandon(status) }
    connection.session.submitGoAway()
    connection.close()
  }
}
