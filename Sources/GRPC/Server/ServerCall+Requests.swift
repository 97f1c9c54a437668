internal import Messages
internal import NIOCore

/// The reading side of a call whose method takes a stream of requests.
extension ServerCall {
  // MARK: From the connection, on the event loop

  func receive(_ bytes: ByteBuffer, isEnd: Bool, into inbox: RequestInbox) {
    guard case .keepRequests = machine.receive(.requestBytes) else { return }
    inbox.append(bytes)
    if isEnd { return receiveEnd(into: inbox) }
    serveReader(of: inbox)
  }

  func receiveEnd(into inbox: RequestInbox) {
    guard case .endRequests = machine.receive(.requestEnd) else { return }
    inbox.end()
    serveReader(of: inbox)
  }

  private func serveReader(of inbox: RequestInbox) {
    if inbox.isAwaited {
      switch next(in: inbox) {
      case .message(let message): inbox.resume(returning: message)
      case .end: inbox.resume(returning: nil)
      case .incomplete: break
      }
    }
    giveBack(inbox.takeCredit())
    inbox.detach()
    hold(inbox.heldBytes)
  }

  /// What cannot be read as messages ends the call, and with it whoever waits.
  private func next(in inbox: RequestInbox) -> RequestInbox.Next {
    do {
      let next = try inbox.next()
      if head.encodings.request == .gzip, case .message = next {
        context.isRequestCompressed = inbox.isLastCompressed
      }
      return next
    } catch {
      perform(machine.receive(.badRequest), with: error.status)
      return .incomplete
    }
  }

  // MARK: From the handler

  /// What has arrived; `incomplete` also for a reader that is not on the event loop.
  func takeRequest() throws -> RequestInbox.Next {
    guard isOnLoop, let inbox else { return .incomplete }
    if let failure = inbox.failure { throw failure }
    let next = next(in: inbox)
    hold(inbox.heldBytes)
    if let failure = inbox.failure { throw failure }
    let credit = inbox.takeCredit()
    if credit > 0 {
      giveBack(credit)
      connection.setNeedsFlush()
    }
    return next
  }

  /// The next message, which may have to arrive first; nil after the last.
  func awaitRequest(isolation: isolated (any Actor)?) async throws -> ByteBuffer? {
    let reader = RequestInbox.Reader()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        if isOnLoop { wait(reader, continuation) } else { onLoop { $0.wait(reader, continuation) } }
      }
    } onCancel: {
      onLoop { $0.inbox?.cancel(reader) }
    }
  }

  private func wait(
    _ reader: RequestInbox.Reader, _ continuation: CheckedContinuation<ByteBuffer?, any Error>
  ) {
    guard reader.begin(continuation) else { return }
    guard let inbox else { return reader.resume(with: .failure(Self.ended)) }
    if let failure = inbox.failure { return reader.resume(with: .failure(failure)) }
    guard !inbox.isAwaited else {
      let error = RPCError(
        code: .internalError, reason: "CONCURRENT_READS",
        message: "two readers of one request stream")
      return reader.resume(with: .failure(error))
    }
    inbox.wait(reader)
    serveReader(of: inbox)
    connection.setNeedsFlush()
  }

  /// Decodes a request, or ends the call.
  func decodeStreamed<Request: Message>(_ bytes: ByteBuffer) throws -> Request {
    do {
      return try Request(decoding: bytes)
    } catch {
      let status = RPCError(undecodable: error)
      let refuse = { @Sendable (call: ServerCall) in
        call.perform(call.machine.receive(.badRequest), with: status)
      }
      if isOnLoop { refuse(self) } else { onLoop(refuse) }
      throw status
    }
  }
}

extension RPCError {
  /// The status of a call whose request is no such message.
  init(undecodable error: MessageDecodingError) {
    self.init(
      code: .invalidArgument, reason: error.code.rawValue, message: error.message,
      metadata: ["field": error.place])
  }
}
