internal import HTTP2
internal import Messages
internal import NIOCore
internal import Tracing

/// Carries out what `ServerCallMachine` decides for one stream.
///
/// `@unchecked Sendable`: everything mutable is used on the connection's event loop only; methods
/// that may be called elsewhere go there first.
final class ServerCall: @unchecked Sendable {
  let context: ServerContext
  let stream: HTTP2Stream
  let connection: ServerConnection
  let entry: MethodTable.Entry
  var machine: ServerCallMachine
  /// Where a handler that reads a stream of requests finds them; nil for the others.
  private(set) var inbox: RequestInbox?
  private var deframer: MessageDeframer
  private var request: ByteBuffer?
  /// Whether the response's headers name gzip.
  private var sendsGzip = false
  /// What this call has taken of the server's budget for unfinished requests.
  private var heldBytes = 0
  private var task: Task<Void, Never>?
  /// A handler that waits for the client to read.
  private var waitingWriter: Waiter<Void>?

  /// Unsent bytes from which a writer is made to wait. Each stream whose reader stops costs as much.
  private static let unsentBytesHigh = 8_192

  init(
    _ entry: MethodTable.Entry, context: ServerContext, stream: HTTP2Stream,
    connection: ServerConnection
  ) {
    self.entry = entry
    self.context = context
    self.stream = stream
    self.connection = connection
    let streamsRequests = entry.handler.streamsRequests
    machine = ServerCallMachine(streamsRequests: streamsRequests)
    deframer = MessageDeframer(
      messageBytesMax: entry.requestBytesMax, encoding: context.encodings.request)
    if streamsRequests {
      inbox = RequestInbox(
        messageBytesMax: entry.requestBytesMax, encoding: context.encodings.request,
        creditBytesMin: connection.creditBytesMin)
    }
  }

  // MARK: From the connection, on the event loop

  /// Starts the handler of a method that takes a stream of requests.
  func begin() {
    connection.enqueue(self)
  }

  func receive(_ bytes: ByteBuffer, isEnd: Bool) {
    guard machine.state != .ended else { return }
    if let inbox { return receive(bytes, isEnd: isEnd, into: inbox) }
    // Whatever is not a complete message yet is part of one within the limit, and a second message
    // ends the call: the bytes are as good as read.
    connection.giveBack(stream, byteCount: bytes.readableBytes)
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
    if isEnd { return receiveEnd() }
    detach()
    hold(deframer.bufferedBytes + (request?.readableBytes ?? 0))
  }

  /// Counts what is kept of the request until its rest has come; over the budget of the server, the
  /// call ends.
  func hold(_ byteCount: Int) {
    guard byteCount != heldBytes, machine.state != .ended else { return }
    let budget = connection.receiveBudget
    if byteCount > heldBytes, !budget.take(byteCount - heldBytes) {
      return perform(machine.receive(.badRequest), with: budget.refusal)
    }
    if byteCount < heldBytes { budget.giveBack(heldBytes - byteCount) }
    heldBytes = byteCount
  }

  func receiveEnd() {
    guard machine.state != .ended else { return }
    if let inbox { return receiveEnd(into: inbox) }
    hold(0)
    do {
      try deframer.finish()
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

  func abandon(_ status: RPCError) {
    perform(machine.receive(.abandon), with: status)
  }

  func closed() {
    guard machine.state != .ended else { return }
    perform(machine.receive(.closed), with: nil)
    releaseHeldBytes()
    connection.interceptors.end(context, status: Self.closedByClient)
  }

  // MARK: From the handler

  /// Decodes the request, which is here once; nil: it is none, and the call has been refused.
  func decodeRequest<Request: Message>() -> Request? {
    let bytes = request ?? ByteBuffer()
    request = nil
    do throws(MessageDecodingError) {
      return try Request(decoding: bytes)
    } catch {
      perform(machine.receive(.finish), with: RPCError(undecodable: error))
      return nil
    }
  }

  /// Remembers the task in which the handler waits.
  func suspended(in task: Task<Void, Never>) {
    if machine.state != .ended { self.task = task }
  }

  /// What is to be current for the handler, if anything is.
  var serviceContext: ServiceContext? {
    connection.interceptors.isEmpty ? nil : context.serviceContext
  }

  /// Runs the handler with what it hands down to the calls it makes.
  @inline(__always)
  func inScope<Result>(_ body: () async throws -> Result) async throws -> Result {
    guard let serviceContext else { return try await body() }
    return try await ServiceContext.$current.withValue(serviceContext) { try await body() }
  }

  /// The next call of the same method whose handler is to run in that turn.
  func next(in turn: HandlerTurn) -> ServerCall? {
    connection.nextCall(in: turn, of: entry)
  }

  /// The handler is done.
  func succeeded() {
    if isOnLoop { finish(nil) } else { onLoop { $0.finish(nil) } }
  }

  /// The handler is done with its only response.
  func succeeded(with response: some Message) {
    guard isOnLoop else { return onLoop { $0.succeeded(with: response) } }
    _ = send(response, compressed: nil)
    finish(nil)
  }

  /// The handler has thrown the call's status.
  func failed(_ error: any Error) {
    if isOnLoop { finish(error) } else { onLoop { $0.finish(error) } }
  }

  /// - Parameter compressed: nil: as the call does by itself.
  func write(_ response: some Message, compressed: Bool?) async throws {
    let isOnLoop = isOnLoop
    if isOnLoop {
      guard send(response, compressed: compressed) else { throw Self.ended }
      guard stream.unsentBytes >= Self.unsentBytesHigh else { return }
    }
    let writer = Waiter<Void>()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        writer.begin(continuation)
        if isOnLoop { wait(writer) } else { onLoop { $0.write(response, compressed, writer) } }
      }
    } onCancel: {
      onLoop { $0.cancel(writer) }
    }
  }

  private func write(_ response: some Message, _ compressed: Bool?, _ writer: Waiter<Void>) {
    guard !writer.isCancelled else { return }
    guard send(response, compressed: compressed) else {
      return writer.resume(with: .failure(Self.ended))
    }
    guard stream.unsentBytes >= Self.unsentBytesHigh else {
      return writer.resume(with: .success(()))
    }
    wait(writer)
  }

  /// Sends the initial metadata, if it has not been sent.
  func sendHeadersNow() {
    guard isOnLoop else { return onLoop { $0.sendHeadersNow() } }
    if machine.state != .ended { _ = flushHeaders() }
  }

  private static let closedByClient = RPCError(
    code: .cancelled, message: "the client has ended the call")
  static let ended = RPCError(code: .cancelled, message: "the call has ended")

  /// A handler may have left the loop, by a task of its own for example.
  var isOnLoop: Bool { connection.eventLoop.inEventLoop }

  func onLoop(_ body: @escaping @Sendable (ServerCall) -> Void) {
    connection.eventLoop.execute { body(self) }
  }

  // MARK: Back-pressure

  private func wait(_ writer: Waiter<Void>) {
    guard machine.state != .ended else { return writer.resume(with: .failure(Self.ended)) }
    guard waitingWriter == nil else {
      let error = RPCError(code: .internalError, message: "two writes at a time on one call")
      return writer.resume(with: .failure(error))
    }
    waitingWriter = writer
    connection.notifyWhenDrained(stream)
  }

  func drained() {
    releaseWriter(with: .success(()))
  }

  private func releaseWriter(with result: Result<Void, any Error>) {
    let writer = waitingWriter
    waitingWriter = nil
    writer?.resume(with: result)
  }

  /// The task that writes was cancelled; the call goes on.
  private func cancel(_ writer: Waiter<Void>) {
    if waitingWriter === writer { waitingWriter = nil }
    writer.cancel()
  }

  // MARK: Actions

  private func send(_ response: some Message, compressed: Bool?) -> Bool {
    switch machine.receive(.send) {
    case .sendMessage(let withHeaders):
      let encoding = encoding(compressed)
      if withHeaders, !sendHeaders(encoding) { return false }
      return connection.send(response, sendsGzip ? encoding : .identity, on: stream)
    default:
      return false
    }
  }

  /// How a message is to be sent; `compressed` nil: as the call does by itself.
  private func encoding(_ compressed: Bool?) -> MessageEncoding {
    guard context.encodings.acceptsGzip else { return .identity }
    return compressed ?? context.compressesResponses ? .gzip : .identity
  }

  /// The headers name gzip if the first message or, without a word about it, others will need it.
  ///
  /// False: the handler's metadata cannot be sent, and the call has been ended for it.
  private func sendHeaders(_ first: MessageEncoding) -> Bool {
    sendsGzip = first == .gzip || encoding(nil) == .gzip
    do throws(RPCError) {
      try connection.sendHeaders(
        context.initialMetadata, sendsGzip ? .gzip : .identity, on: stream)
      return true
    } catch {
      // Headers are still due, so the status goes out as trailers only.
      _ = machine.receive(.finish)
      end(trailersOnly: true, status: error)
      task?.cancel()
      return false
    }
  }

  private func finish(_ error: (any Error)?) {
    guard machine.state != .ended else { return }
    var status: RPCError?
    if let error { status = connection.status(of: error, method: entry.handler.descriptor) }
    if status == nil, machine.state == .running, !flushHeaders() { return }
    perform(machine.receive(.finish), with: status)
    // Tasks that the handler has left behind.
    inbox?.fail(Self.ended)
    if waitingWriter != nil { releaseWriter(with: .failure(Self.ended)) }
  }

  /// A stream without responses still begins with headers.
  private func flushHeaders() -> Bool {
    guard case .sendHeaders = machine.receive(.sendHeaders) else { return false }
    return sendHeaders(.identity)
  }

  func perform(_ action: ServerCallMachine.Action, with status: RPCError?) {
    switch action {
    case .none: break
    case .startHandler: connection.enqueue(self)
    case .sendHeaders, .sendMessage, .keepRequests, .endRequests:
      assertionFailure("\(action) is performed by the one who asked for it")
    case .sendStatus(let trailersOnly, let cancelHandler):
      end(trailersOnly: trailersOnly, status: status)
      if cancelHandler { self.cancelHandler(status) }
    case .refuseCardinality(let received):
      let status = RPCError(
        code: .unimplemented,
        message: "the method takes one request; \(received == 0 ? "none" : "more") arrived")
      end(trailersOnly: true, status: status)
    case .cancelHandler:
      cancelHandler(nil)
    }
  }

  private func releaseHeldBytes() {
    guard heldBytes > 0 else { return }
    connection.receiveBudget.giveBack(heldBytes)
    heldBytes = 0
  }

  private func end(trailersOnly: Bool, status: RPCError?) {
    releaseHeldBytes()
    connection.end(
      stream, status: status, metadata: context.trailingMetadata, trailersOnly: trailersOnly)
    connection.interceptors.end(context, status: status)
  }

  private func cancelHandler(_ status: RPCError?) {
    task?.cancel()
    inbox?.fail(status ?? Self.ended)
    releaseWriter(with: .failure(Self.ended))
  }

  /// A request that waits for its end or its rest must not keep a whole read buffer alive.
  private func detach() {
    deframer.detach()
    if let request { self.request = ByteBuffer(bytes: request.readableBytesView) }
  }
}
