internal import HTTP2
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import Synchronization

/// Carries out what `ServerCallMachine` decides for one stream. One object is all that a call takes,
/// and it is used for one call after the other (`prepare`), while nobody else holds it.
///
/// `@unchecked Sendable`: everything mutable is used on the connection's event loop only, but for
/// `choices`; methods that may be called elsewhere go there first. `head` and
/// `headers` are not written while a handler may read them.
final class ServerCall: @unchecked Sendable {
  private(set) var head: RequestHead
  /// Nil when the call is over and may be used for another.
  private(set) var headers: HeaderBlock?
  /// Nil when the call is over and may be used for another.
  private(set) var stream: HTTP2Stream?
  let connection: ServerConnection
  let info: ConnectionInfo
  var machine: ServerCallMachine
  /// Where a handler that reads a stream of requests finds them; nil for the others.
  private(set) var inbox: RequestInbox?
  /// Of a request that comes in more than one piece, or compressed.
  private var deframer: MessageDeframer?
  var request: ByteBuffer?
  /// Whether the response's headers name gzip.
  var sendsGzip = false
  /// What this call has taken of the server's budgets.
  var heldBytes = 0
  var unreadBytes = 0
  /// Whether the handler has a large request.
  var isHandlingLarge = false
  var task: Task<Void, Never>?
  /// A handler that waits for the client to read.
  var waitingWriter: Waiter<Void>?
  /// Read and written with `info.lock` held.
  private nonisolated(unsafe) var choices = CallChoices()
  /// Whether anything was chosen. Most calls do without, and without the lock.
  private let hasChoices = Atomic(false)

  init(
    _ head: RequestHead, _ headers: HeaderBlock, stream: HTTP2Stream,
    connection: ServerConnection
  ) {
    self.head = head
    self.headers = headers
    self.stream = stream
    self.connection = connection
    info = connection.info
    machine = ServerCallMachine()
    if head.entry.handler.streamsRequests { openInbox() }
  }

  private func openInbox() {
    machine = ServerCallMachine(streamsRequests: true)
    inbox = RequestInbox(
      messageBytesMax: head.entry.requestBytesMax, encoding: head.encodings.request,
      creditBytesMin: connection.creditBytesMin)
  }

  /// Forgets a call of one request that is over and that nobody else holds.
  func clear() {
    stream = nil
    headers = nil
    request = nil
    deframer = nil
    sendsGzip = false
    task = nil
    if hasChoices.load(ordering: .relaxed) {
      choices = CallChoices()
      hasChoices.store(false, ordering: .relaxed)
    }
  }

  /// Begins another call with a cleared object.
  func prepare(
    _ head: consuming RequestHead, _ headers: consuming HeaderBlock, stream: HTTP2Stream
  ) {
    self.head = head
    self.headers = headers
    self.stream = stream
    machine = ServerCallMachine()
    if self.head.entry.handler.streamsRequests { openInbox() }
  }

  /// For interceptors and handlers.
  var context: ServerContext { ServerContext(call: self) }

  /// What was chosen; nil while nothing was.
  func choice<Value>(_ read: (borrowing CallChoices) -> Value) -> Value? {
    guard hasChoices.load(ordering: .acquiring) else { return nil }
    return info.lock.withLock { read(choices) }
  }

  var isAnythingChosen: Bool { hasChoices.load(ordering: .relaxed) }

  func choose(_ write: (inout CallChoices) -> Void) {
    info.lock.withLock { write(&choices) }
    hasChoices.store(true, ordering: .releasing)
  }

  // MARK: From the connection, on the event loop

  /// Starts the handler of a method that takes a stream of requests.
  func begin() {
    connection.handlers.enqueue(self)
  }

  func receive(_ bytes: ByteBuffer, isEnd: Bool) {
    guard machine.state != .ended else { return giveBack(bytes.readableBytes) }
    if let inbox { return receive(bytes, isEnd: isEnd, into: inbox) }
    if isEnd, deframer == nil, machine.state == .awaitingMessage,
      let message = MessageDeframer.onlyMessage(in: bytes, bytesMax: head.entry.requestBytesMax)
    {
      request = message
      perform(machine.receive(.message), with: nil)
      return perform(machine.receive(.requestEnd), with: nil)
    }
    receivePiece(bytes, isEnd: isEnd)
  }

  private func receivePiece(_ bytes: ByteBuffer, isEnd: Bool) {
    // Whatever is not a complete message yet is part of one within the limit, and a second message
    // ends the call: the bytes are as good as read.
    giveBack(bytes.readableBytes)
    var deframer =
      deframer
      ?? MessageDeframer(
        messageBytesMax: head.entry.requestBytesMax, encoding: head.encodings.request)
    deframer.append(bytes)
    do {
      while let message = try deframer.next() {
        request = message
        if deframer.isLastCompressed { context.isRequestCompressed = true }
        perform(machine.receive(.message), with: nil)
      }
    } catch {
      perform(machine.receive(.badRequest), with: error.status)
    }
    if !isEnd { deframer.detach() }
    self.deframer = deframer
    if isEnd { return receiveEnd() }
    // What waits for its end or its rest must not keep a whole read buffer alive.
    if let request { self.request = ByteBuffer(bytes: request.readableBytesView) }
    hold(deframer.bufferedBytes + (request?.readableBytes ?? 0))
  }

  func giveBack(_ byteCount: Int) {
    if let stream { connection.giveBack(stream, byteCount: byteCount) }
  }

  func receiveEnd() {
    guard machine.state != .ended else { return }
    if let inbox { return receiveEnd(into: inbox) }
    let byteCount = request?.readableBytes ?? 0
    hold(byteCount > Self.smallRequestBytesMax ? byteCount : 0)
    do {
      try deframer?.finish()
      perform(machine.receive(.requestEnd), with: nil)
    } catch {
      perform(machine.receive(.badRequest), with: error.status)
    }
  }

  /// Whether the request stops where it may not: inside a message, or before the end that the method
  /// waits for.
  var isInsideRequest: Bool { inbox?.isInsideMessage ?? (machine.state != .ended) }

  func deadlinePassed() {
    perform(machine.receive(.deadline), with: .deadlinePassed)
  }

  var endsAtShutdown: Bool { head.entry.handler.endsAtShutdown }

  func abandon(_ status: RPCError) {
    perform(machine.receive(.abandon), with: status)
  }

  func closed() {
    releaseUnread()
    guard machine.state != .ended else { return }
    perform(machine.receive(.closed), with: nil)
    if !isHandlingLarge { releaseRequest() }
    connection.interceptors.end(context, status: Self.closedByClient)
  }

  static let closedByClient = RPCError(
    code: .cancelled, reason: "CANCELLED", message: "the client has ended the call")
  static let ended = RPCError(
    code: .cancelled, reason: "CALL_ENDED", message: "the call has ended")

  /// A handler may have left the loop, by a task of its own for example.
  var isOnLoop: Bool { connection.eventLoop.inEventLoop }

  func onLoop(_ body: @escaping @Sendable (ServerCall) -> Void) {
    connection.eventLoop.execute { body(self) }
  }

  // MARK: Actions

  func finish(_ error: (any Error)?) {
    guard machine.state != .ended else { return }
    var status: RPCError?
    if let error { status = connection.status(of: error, method: head.entry.handler.descriptor) }
    if status == nil, machine.state == .running, !flushHeaders() { return }
    perform(machine.receive(.finish), with: status)
    // Tasks that the handler has left behind.
    inbox?.fail(Self.ended)
    if waitingWriter != nil { releaseWriter(with: .failure(Self.ended)) }
  }

  func perform(_ action: ServerCallMachine.Action, with status: RPCError?) {
    switch action {
    case .none: break
    case .startHandler: connection.handlers.enqueue(self)
    case .sendHeaders, .sendMessage, .keepRequests, .endRequests:
      assertionFailure("\(action) is performed by the one who asked for it")
    case .sendStatus(let trailersOnly, let cancelHandler):
      end(trailersOnly: trailersOnly, status: status)
      if cancelHandler { self.cancelHandler(status) }
    case .refuseCardinality(let received):
      let status = RPCError(
        code: .unimplemented, reason: "NOT_ONE_REQUEST",
        message: "the method takes one request; \(received == 0 ? "none" : "more") arrived")
      end(trailersOnly: true, status: status)
    case .cancelHandler:
      cancelHandler(nil)
    }
  }

  func end(trailersOnly: Bool, status: RPCError?) {
    if !isHandlingLarge { releaseRequest() }
    var status = status
    if let stream {
      status = connection.end(
        stream, status: status, metadata: context.trailingMetadata, trailersOnly: trailersOnly)
      watchUnread(stream)
    }
    connection.interceptors.end(context, status: status)
  }

  private func cancelHandler(_ status: RPCError?) {
    task?.cancel()
    inbox?.fail(status ?? Self.ended)
    releaseWriter(with: .failure(Self.ended))
  }
}
