internal import HTTP2
internal import Messages
internal import NIOCore

/// Carries out what `ClientCallMachine` decides for one call. What becomes of the messages is up to
/// the subclass.
///
/// `@unchecked Sendable`: everything mutable is used on the channel's event loop only.
class ClientCall: @unchecked Sendable {
  let method: MethodDescriptor
  let options: CallOptions
  let deadline: Deadline?
  private let lifetime: ChannelLifetime
  /// The requests of a call that takes many; nil for calls with one.
  private let outbox: RequestOutbox?
  private var interception: Interception?
  private var machine: ClientCallMachine
  private(set) var stream: HTTP2Stream?
  private(set) var connection: HTTP2Connection?
  /// Where the channel keeps the call while it is open; nil otherwise.
  var slot: Int?

  /// Whether the channel has been told of the failure that the call ends with.
  private var isFailureCounted = false

  private static let refusalsMax = 1
  /// For calls that wait for a connection: a server that restarts may refuse more than once.
  private static let patientRefusalsMax = 10

  init(
    _ method: MethodDescriptor, _ options: CallOptions, _ lifetime: ChannelLifetime,
    outbox: RequestOutbox? = nil
  ) {
    self.outbox = outbox
    self.method = method
    self.lifetime = lifetime
    machine = ClientCallMachine(
      refusalsMax: options.waitForReady ? Self.patientRefusalsMax : Self.refusalsMax,
      policy: options.isIdempotent ? lifetime.core.configuration.retry : nil)
    let own = options.timeout.map { Deadline(after: $0) }
    let inherited = CallScope.deadline
    let deadline = own.map { own in inherited.map { min(own, $0) } ?? own } ?? inherited
    self.deadline = deadline
    var options = options
    if !lifetime.core.configuration.interceptors.isEmpty {
      let call = OutgoingCall(method, options.metadata, deadline, lifetime.core)
      let interception = Interception(call, lifetime.core.configuration.interceptors)
      options.metadata = interception.call.metadata
      self.interception = interception
    }
    self.options = options
  }

  /// Why an interceptor does not let the call start.
  var refusal: RPCError? { interception?.refusal }
  private var channel: ChannelCore { lifetime.core }
  var isEnded: Bool { machine.state == .ended }
  var eventLoop: any EventLoop { channel.eventLoop }

  // MARK: For subclasses

  /// Writes the only request with its prefix; again if the call is started over.
  func writeRequest(to session: HTTP2Session, _ stream: HTTP2Stream) {}
  func began(_ metadata: Metadata, _ encoding: MessageEncoding) {}
  /// Response bytes; their window is given back by whoever reads them.
  func received(_ bytes: ByteBuffer) {}
  /// The call's outcome, once it is over with that error (nil: OK); asked once.
  func outcome(_ error: RPCError?) -> RPCError? { error }
  /// Called once, last.
  func ended(_ error: RPCError?, trailers: Metadata) {}

  // MARK: On the event loop

  /// Opens the stream.
  func send(on connection: HTTP2Connection) {
    guard !isEnded else { return }
    var headers = channel.requestHeaders(method)
    if let deadline {
      let remaining = deadline.remaining
      guard remaining > .zero else { return abandon(.deadlinePassed) }
      headers.append(
        "grpc-timeout", TimeoutHeader.format(nanoseconds: remaining.nanoseconds))
    }
    if options.acceptsCompressed {
      headers.append("grpc-accept-encoding", MessageEncoding.accepted)
    }
    if options.compressesRequests { headers.append("grpc-encoding", "gzip") }
    if machine.attemptsMade > 0 {
      headers.append("grpc-previous-rpc-attempts", "\(machine.attemptsMade)")
    }
    do throws(RPCError) {
      try options.metadata.append(to: &headers)
    } catch {
      return abandon(error)
    }
    let (stream, outcome) = connection.session.submitRequest(
      headers, endStream: false, context: self)
    guard case .ok = outcome else {
      stream.context = nil
      if outcome == .streamError(.refusedStream) {
        channel.usedUp(connection)
        return channel.restart(self)
      }
      return abandon(
        RPCError(code: .unavailable, message: "the connection takes no more calls"))
    }
    self.stream = stream
    self.connection = connection
    if let outbox {
      sendRequests(outbox)
    } else {
      writeRequest(to: connection.session, stream)
      connection.session.end(stream)
    }
    connection.setNeedsFlush()
  }

  /// Something was added to the outbox. From any thread.
  func requestsArePending() {
    eventLoop.execute { [self] in
      if let outbox { sendRequests(outbox) }
    }
  }

  /// Gives the stream what was written, unless it still has enough to send.
  private func sendRequests(_ outbox: RequestOutbox) {
    guard let stream, let connection, !stream.isClosed else { return }
    guard stream.unsentBytes < RequestQueue.unsentBytesHigh else {
      return connection.session.notifyWhenDrained(stream)
    }
    let portion = outbox.take { connection.session.write(stream, $0) }
    if !outbox.isReplayable { perform(machine.receive(.committed)) }
    if portion.isLast { connection.session.end(stream) }
    connection.setNeedsFlush()
  }

  func handle(_ event: HTTP2Event) {
    switch event {
    case .headers(_, let headers, let endStream):
      perform(machine.receive(.headers(headers, endStream: endStream)))
    case .data(_, let bytes, let endStream):
      if case .read = performed(machine.receive(.data)) { received(bytes) }
      if endStream { perform(machine.receive(.endStream)) }
    case .endStream:
      perform(machine.receive(.endStream))
    case .closed(let stream, let code):
      perform(machine.receive(.closed(code, requestSent: stream.isRequestSent)))
    case .drained:
      if let outbox { sendRequests(outbox) }
    case .settings, .ping, .pingAcknowledged, .goAway, .failed:
      break
    }
  }

  /// The connection is gone.
  func connectionLost(_ reason: String) {
    let isSent = stream?.isRequestSent ?? false
    perform(machine.receive(.connectionLost(reason: reason, requestSent: isSent)))
  }

  /// Ends the call on this side; its stream, if any, is reset (CANCEL).
  func abandon(_ error: RPCError) {
    var error = error
    error.neverSent = !(stream?.isRequestSent ?? false)
    perform(machine.receive(.abandon(error)))
  }

  func giveBack(_ byteCount: Int) {
    guard let stream, let connection else { return }
    connection.session.giveBack(stream, byteCount: byteCount)
    connection.setNeedsFlush()
  }

  private func perform(_ action: ClientCallMachine.Action) {
    _ = performed(action)
  }

  private func performed(_ action: ClientCallMachine.Action) -> ClientCallMachine.Action {
    switch action {
    case .none, .read: break
    case .begin(let metadata, let encoding):
      outbox?.commit()
      began(metadata, encoding)
    case .retry:
      leaveStream(reset: false)
      outbox?.startOver()
      channel.restart(self)
    case .retryLater(let delay, let error, let reset):
      leaveStream(reset: reset)
      retry(after: delay, else: error)
    case .end(let error, let trailers, let reset):
      leaveStream(reset: reset)
      let error = outcome(error)
      if options.isIdempotent, !isFailureCounted { channel.attemptEnded(error) }
      channel.finished(self)
      outbox?.end(error)
      interception?.ended(error)
      ended(error, trailers: trailers)
    }
    return action
  }

  private func leaveStream(reset: Bool) {
    if let stream, let connection {
      stream.context = nil
      // Whoever has the status sends no more of the request.
      if reset || !stream.isClosed && !(stream.isRemoteEnded && stream.isLocalEnded) {
        connection.session.reset(stream, .cancel)
        connection.setNeedsFlush()
      }
    }
    stream = nil
    connection = nil
  }

  private func retry(after delay: RetryDelay, else error: RPCError) {
    guard channel.attemptFailed(error), let policy = channel.configuration.retry else {
      isFailureCounted = true
      return perform(machine.receive(.abandon(error)))
    }
    outbox?.startOver()
    let time = TimeAmount(policy.time(of: delay, random: .random(in: -1...1)))
    _ = eventLoop.assumeIsolated().scheduleTask(in: time) { [self] in
      if !isEnded { channel.restart(self) }
    }
  }
}

/// Cancels a call made without a task.
public struct CallHandle: Sendable {
  let call: ClientCall

  /// Ends the call with CANCELLED, if it has not ended. From any thread.
  public func cancel() {
    call.eventLoop.execute { call.abandon(.cancelledByCaller) }
  }
}

extension RPCError {
  static let cancelledByCaller = RPCError(code: .cancelled, message: "the call was cancelled")
}
