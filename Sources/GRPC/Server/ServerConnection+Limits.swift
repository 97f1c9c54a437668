internal import HTTP2
internal import NIOCore

/// What a connection's limits need to remember of it.
struct ConnectionSupervision {
  let limits: ConnectionLimits
  let onLimit: (@Sendable (ConnectionLimitEvent) -> Void)?
  var timers: ConnectionTimers
  var stalls = StallWatch()
  /// The client's preface and SETTINGS have arrived.
  var isEstablished = false
  var requestsAtTick = 0

  init(_ configuration: ServerConfiguration) {
    limits = configuration.connections
    onLimit = configuration.onConnectionLimit
    timers = ConnectionTimers(limits, acceptedAt: .now(), jitter: .random(in: -1...1))
  }
}

/// Keeps the times of `ConnectionLimits`; `ConnectionTicks` calls `tick`.
extension ServerConnection {
  /// What a PING that asks for a sign of life carries ("keepaliv").
  private static let keepalivePing: UInt64 = 0x6b65_6570_616c_6976

  func tick(now: NIODeadline) {
    guard let connection else { return }
    let session = connection.session
    let seen = ConnectionTimers.Snapshot(
      isEstablished: supervision.isEstablished,
      receivingHeaders: session.streamReceivingHeaders,
      openStreams: session.openStreamCount, requests: session.requestCount,
      receives: session.receiveCount, isWritable: connection.isWritable)
    perform(supervision.timers.tick(seen, now: now), connection)
    if seen.openStreams == 0, seen.requests == supervision.requestsAtTick { releaseSpareMemory() }
    supervision.requestsAtTick = seen.requests
    if seen.openStreams > 0 || !supervision.stalls.isEmpty { endStalledCalls(session, now) }
  }

  func receivePing(on connection: HTTP2Connection) {
    let session = connection.session
    let action = supervision.timers.ping(
      openStreams: session.openStreamCount,
      responses: session.dataFramesSent &+ session.requestCount, now: .now())
    perform(action, connection)
  }

  func failed(_ error: HTTP2ConnectionError) {
    tell(.protocolError, error.message)
  }

  private func perform(_ action: ConnectionTimers.Action, _ connection: HTTP2Connection) {
    switch action {
    case .none: break
    case .ping:
      connection.session.ping(Self.keepalivePing)
      connection.setNeedsFlush()
    case .drain(let limit):
      tell(limit, "the connection takes no more calls")
      drain()
    case .abandonCalls:
      abandonCalls(
        RPCError(
          code: .unavailable, reason: "CONNECTION_TOO_OLD",
          message: "the connection has reached its age; make the call again"))
    case .terminate(let limit):
      tell(limit, "the client was told and the connection closed")
      connection.terminate(
        .enhanceYourCalm,
        debugData: limit == .tooManyPings ? "too_many_pings" : "headers_timeout")
    case .abort(let limit):
      if let limit { tell(limit, "the connection was closed") }
      connection.abort()
    }
  }

  private func tell(_ limit: ConnectionLimitEvent.Limit, _ message: String) {
    supervision.onLimit?(ConnectionLimitEvent(limit: limit, peer: peer, message: message))
  }

  private func endStalledCalls(_ session: HTTP2Session, _ now: NIODeadline) {
    var next = StallWatch()
    for stream in session.streams {
      let waiting = waiting(stream, session)
      let bytes = waiting == .body ? stream.receivedBytes : stream.sentBytes
      let stalled = supervision.stalls.look(
        at: stream.id, waiting: waiting, bytes: bytes, into: &next, now: now)
      switch waiting {
      case .body?:
        if let most = supervision.limits.bodyTimeout, stalled >= TimeAmount(most) {
          requestStalled(stream)
        }
      case .write?:
        if let most = supervision.limits.writeTimeout, stalled >= TimeAmount(most) {
          session.reset(stream, .enhanceYourCalm)
          connection?.setNeedsFlush()
        }
      case nil: break
      }
    }
    supervision.stalls = next
  }

  /// Whose turn it is on a stream, if it is the client's.
  private func waiting(_ stream: HTTP2Stream, _ session: HTTP2Session) -> StallWatch.Waiting? {
    if stream.unsentBytes > 0 { return .write }
    guard !stream.isRemoteEnded, call(of: stream)?.isInsideRequest ?? true,
      session.isWindowOpen(stream)
    else { return nil }
    return .body
  }

  private func requestStalled(_ stream: HTTP2Stream) {
    guard let call = call(of: stream) else {
      connection?.session.reset(stream, .enhanceYourCalm)
      connection?.setNeedsFlush()
      return
    }
    call.abandon(
      RPCError(
        code: .deadlineExceeded, reason: "REQUEST_STALLED",
        message: "the rest of the request did not arrive in time"))
  }
}
