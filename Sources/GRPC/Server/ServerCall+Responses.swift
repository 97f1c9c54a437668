internal import HTTP2
internal import Messages
internal import NIOCore
internal import Tracing

/// The responding side of a call.
extension ServerCall {
  // MARK: From the handler

  /// Decodes the request, which is here once; nil: it is none, and the call has been refused.
  func decodeRequest<Request: Message>() -> Request? {
    guard let bytes = request.take(), canDecode(Request.self, bytes) else { return nil }
    do throws(MessageDecodingError) {
      let request = try Request(decoding: bytes)
      isHandlingLarge = heldBytes > 0
      return request
    } catch {
      perform(machine.receive(.finish), with: RPCError(undecodable: error))
      return nil
    }
  }

  /// The handler has begun, and waits in that task.
  func suspended(in task: Task<Void, Never>) {
    // The call may have ended before there was a task to be cancelled.
    if machine.state == .ended { task.cancel() } else { self.task = task }
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

  /// The handler is done.
  func succeeded() {
    if isOnLoop { returned(nil) } else { onLoop { $0.returned(nil) } }
  }

  /// The handler is done with its only response.
  func succeeded(with response: some Message) {
    guard isOnLoop else { return onLoop { $0.succeeded(with: response) } }
    if isHandlingLarge { handledLarge() }
    if isPlain { return answer(with: response) }
    // Without its message the call has not succeeded: its stream is gone.
    finish(send(response, compressed: nil) ? nil : Self.ended)
  }

  /// Whether nothing about the response can be out of the ordinary.
  private var isPlain: Bool {
    machine.state == .running && inbox == nil && !isAnythingChosen
      && !(head.encodings.acceptsGzip && info.compressesResponses)
  }

  /// Sends headers, message and status at once.
  private func answer(with response: some Message) {
    _ = machine.receive(.send)
    let outcome = stream.map { connection.answer($0, with: response, of: self) } ?? .clientGone
    guard outcome != .ended else { return }
    _ = machine.receive(.finish)
    let isSent = outcome == .sent
    connection.interceptors.end(context, status: isSent ? nil : Self.closedByClient)
  }

  /// The handler has thrown the call's status.
  func failed(_ error: any Error) {
    if isOnLoop { returned(error) } else { onLoop { $0.returned(error) } }
  }

  private func returned(_ error: (any Error)?) {
    if isHandlingLarge { handledLarge() }
    finish(error)
  }

  /// - Parameter compressed: nil: as the call does by itself.
  func write(_ response: some Message, compressed: Bool?) async throws {
    let isOnLoop = isOnLoop
    if isOnLoop {
      guard send(response, compressed: compressed) else { throw Self.ended }
      guard unsentBytes >= Self.unsentBytesHigh else { return }
    }
    let writer = Waiter<Void>()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if isOnLoop {
          if writer.begin(continuation) { wait(writer) }
        } else {
          onLoop { if writer.begin(continuation) { $0.write(response, compressed, writer) } }
        }
      }
    } onCancel: {
      onLoop { $0.cancel(writer) }
    }
  }

  private var unsentBytes: Int { stream?.unsentBytes ?? 0 }

  private func write(_ response: some Message, _ compressed: Bool?, _ writer: Waiter<Void>) {
    guard send(response, compressed: compressed) else {
      return writer.resume(with: .failure(Self.ended))
    }
    guard unsentBytes >= Self.unsentBytesHigh else {
      return writer.resume(with: .success(()))
    }
    wait(writer)
  }

  /// Sends the initial metadata, if it has not been sent.
  func sendHeadersNow() {
    guard isOnLoop else { return onLoop { $0.sendHeadersNow() } }
    if machine.state != .ended { _ = flushHeaders() }
  }

  // MARK: Back-pressure

  private func wait(_ writer: Waiter<Void>) {
    guard machine.state != .ended else { return writer.resume(with: .failure(Self.ended)) }
    guard waitingWriter == nil else {
      let error = RPCError(
        code: .internalError, reason: "CONCURRENT_WRITES",
        message: "two writes at a time on one call")
      return writer.resume(with: .failure(error))
    }
    waitingWriter = writer
    if let stream { connection.notifyWhenDrained(stream) }
  }

  func drained() {
    releaseUnread()
    releaseWriter(with: .success(()))
  }

  func releaseWriter(with result: Result<Void, any Error>) {
    let writer = waitingWriter
    waitingWriter = nil
    writer?.resume(with: result)
  }

  /// The task that writes was cancelled; the call goes on.
  private func cancel(_ writer: Waiter<Void>) {
    if waitingWriter === writer { waitingWriter = nil }
    writer.cancel()
  }

  // MARK: Sending

  private func send(_ response: some Message, compressed: Bool?) -> Bool {
    switch machine.receive(.send) {
    case .sendMessage(let withHeaders):
      guard let stream else { return false }
      let encoding = encoding(compressed)
      if withHeaders, !sendHeaders(encoding) { return false }
      guard connection.send(response, sendsGzip ? encoding : .identity, on: stream) else {
        return false
      }
      return stream.unsentBytes < Self.unsentBytesHigh || keepsUnread(stream)
    default:
      return false
    }
  }

  /// How a message is to be sent; `compressed` nil: as the call does by itself.
  private func encoding(_ compressed: Bool?) -> MessageEncoding {
    guard head.encodings.acceptsGzip else { return .identity }
    return compressed ?? context.compressesResponses ? .gzip : .identity
  }

  /// The headers name gzip if the first message or, without a word about it, others will need it.
  ///
  /// False: the handler's metadata cannot be sent, and the call has been ended for it.
  private func sendHeaders(_ first: MessageEncoding) -> Bool {
    guard let stream else { return false }
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

  /// A stream without responses still begins with headers.
  func flushHeaders() -> Bool {
    guard case .sendHeaders = machine.receive(.sendHeaders) else { return false }
    return sendHeaders(.identity)
  }
}
