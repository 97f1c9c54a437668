internal import HTTP2

/// One call on a client, from the request to the status, as a value: events in, actions out.
///
///     awaitingHeaders --headers--> receiving --trailers--> ended
///       ^  |  |                       |
///       +--+  +-- trailers only, -----+-- reset, deadline, cancel --> ended
///     refused
///
/// A request that never left, and one that the server has not looked at, is sent again by itself
/// (github.com/grpc/proposal, A6 "Transparent Retries"). One that has left may have been acted on
/// although its connection was lost at once: without a retry policy it is not sent again.
struct ClientCallMachine: Equatable {
  enum State: Equatable {
    /// Can transition to `receiving`, `ended`.
    case awaitingHeaders
    /// The response has begun. Can transition to `ended`.
    case receiving
    case ended
  }

  enum Event {
    case headers(HeaderBlock, endStream: Bool)
    case data
    /// The peer ended its side without trailers.
    case endStream
    /// The stream was reset; `requestSent`: its headers have left.
    case closed(HTTP2ErrorCode, requestSent: Bool)
    /// The connection is gone.
    case connectionLost(reason: String, requestSent: Bool)
    /// Part of the request is no longer here to be sent again.
    case committed
    /// The call is given up on this side: deadline, cancellation, a response that cannot be read.
    case abandon(RPCError)
  }

  enum Action: Equatable {
    case none
    /// Hand the initial metadata over.
    case begin(Metadata, MessageEncoding)
    /// Cut the bytes into messages.
    case read
    /// Start over on whatever connection the channel has.
    case retry
    /// Start over after that time, if the channel has not seen too many failures; else the call is
    /// over with this error. `reset` the stream if it is still open.
    case retryLater(RetryDelay, else: RPCError, reset: Bool)
    /// The call is over; `reset` the stream if it is still open.
    case end(RPCError?, trailers: Metadata, reset: Bool)
  }

  private(set) var state = State.awaitingHeaders
  /// How often the server may still say that it has not looked at the request.
  private var refusalsLeft: Int
  /// How often connections may still fail before the request has left.
  private var lossesLeft: Int
  private let policy: RetryPolicy?
  /// Whether all of the request is still here to be sent again.
  private var isReplayable = true
  /// Attempts that the server has answered or may have seen.
  private(set) var attemptsMade = 0
  /// Delays since the server last said when to come back.
  private var delaysInARow = 0

  /// - Parameters:
  ///   - refusalsMax: how often a request that the server has not looked at may be sent again.
  ///   - lossesMax: how often one that has not left may. A6 sets no bound here; this one ends calls
  ///     on servers that take connections and no requests.
  ///   - policy: for requests that it has looked at; nil: they are not sent again.
  init(refusalsMax: Int, lossesMax: Int = 10, policy: RetryPolicy? = nil) {
    refusalsLeft = refusalsMax
    lossesLeft = lossesMax
    self.policy = policy
  }

  mutating func receive(_ event: Event) -> Action {
    guard state != .ended else { return .none }
    switch event {
    case .headers(let headers, let endStream):
      return receive(headers, endStream: endStream)
    case .data:
      guard state == .receiving else {
        return end(Self.malformed("data before the response's headers"), reset: true)
      }
      return .read
    case .endStream:
      return end(Self.malformed("the response ended without a status"), reset: false)
    case .closed(let code, let requestSent):
      if !requestSent, let retry = retry(\.lossesLeft) { return retry }
      if requestSent, code == .refusedStream, let retry = retry(\.refusalsLeft) { return retry }
      return fail(Self.status(of: code, requestSent: requestSent), reset: false)
    case .connectionLost(let reason, let requestSent):
      if !requestSent, let retry = retry(\.lossesLeft) { return retry }
      return fail(
        RPCError(
          code: .unavailable, message: "the connection was lost", neverSent: !requestSent,
          cause: reason), reset: false)
    case .committed:
      isReplayable = false
      return .none
    case .abandon(let error):
      return end(error, reset: true)
    }
  }

  private mutating func retry(_ left: WritableKeyPath<Self, Int>) -> Action? {
    guard state == .awaitingHeaders, isReplayable, self[keyPath: left] > 0 else { return nil }
    self[keyPath: left] -= 1
    return .retry
  }

  private mutating func receive(_ headers: HeaderBlock, endStream: Bool) -> Action {
    if state == .receiving || endStream { return receiveLast(headers, endStream: endStream) }
    let head = ResponseHead(headers)
    // RFC 9110 §15.2: interim responses may come before the final one.
    if head.isInterim { return .none }
    if let error = head.refusal {
      return fail(error, reset: true, pushback: head.pushback)
    }
    state = .receiving
    return .begin(Metadata(headers), head.encoding ?? .identity)
  }

  private mutating func receiveLast(_ headers: HeaderBlock, endStream: Bool) -> Action {
    guard endStream else {
      return end(Self.malformed("headers in the middle of the response"), reset: true)
    }
    let head = ResponseHead(headers)
    if state == .awaitingHeaders, let error = head.refusal {
      return fail(error, reset: false, pushback: head.pushback)
    }
    switch StatusFields.read(headers) {
    case .absent:
      return end(Self.malformed("the response ended without a status"), reset: false)
    case .ok(let metadata):
      state = .ended
      return .end(nil, trailers: metadata, reset: false)
    case .failed(let error):
      return fail(error, reset: false, pushback: head.pushback)
    }
  }

  /// The attempt has failed: another one may follow (github.com/grpc/proposal, A6).
  private mutating func fail(
    _ error: RPCError, reset: Bool, pushback: RetryPushback = .none
  ) -> Action {
    attemptsMade += 1
    guard state == .awaitingHeaders, isReplayable, let policy,
      attemptsMade < policy.attemptsMax, policy.codes.contains(error.code)
    else { return end(error, reset: reset) }
    switch pushback {
    case .none:
      delaysInARow += 1
      return .retryLater(.backoff(number: delaysInARow), else: error, reset: reset)
    case .after(let delay):
      delaysInARow = 0
      return .retryLater(.exactly(delay), else: error, reset: reset)
    case .stop:
      return end(error, reset: reset)
    }
  }

  private mutating func end(_ error: RPCError, reset: Bool) -> Action {
    state = .ended
    return .end(error, trailers: error.metadata, reset: reset)
  }

  private static func malformed(_ what: String) -> RPCError {
    RPCError(code: .internalError, message: "the server broke the protocol: \(what)")
  }

  /// doc/PROTOCOL-HTTP2.md, "Errors".
  private static func status(of code: HTTP2ErrorCode, requestSent: Bool) -> RPCError {
    let status: StatusCode =
      switch code {
      case .refusedStream: .unavailable
      case .cancel: .cancelled
      case .enhanceYourCalm: .resourceExhausted
      case .inadequateSecurity: .permissionDenied
      case .noError, .protocolError, .internalError, .flowControlError, .settingsTimeout,
        .frameSizeError, .compressionError, .connectError:
        .internalError
      default: .unknown
      }
    return RPCError(
      code: requestSent ? status : .unavailable, message: "the server reset the stream (\(code))",
      neverSent: !requestSent || code == .refusedStream)
  }
}

/// What the first header block of a response says before its metadata.
struct ResponseHead {
  private var httpStatus = 0
  private var contentType: String?
  private var hasStatus = false
  /// What compressed messages are compressed with; nil: something unknown here.
  private(set) var encoding: MessageEncoding? = .identity
  /// When to try again, by the server's word.
  private(set) var pushback = RetryPushback.none

  init(_ headers: HeaderBlock) {
    headers.forEach { name, value in
      switch name.count {
      case 7 where name.isEqual(to: ":status"):
        httpStatus = Int(String(decoding: value, as: UTF8.self)) ?? 0
      case 11 where name.isEqual(to: "grpc-status"): hasStatus = true
      case 12 where name.isEqual(to: "content-type"):
        contentType = String(decoding: value, as: UTF8.self)
      case 13 where name.isEqual(to: "grpc-encoding"): encoding = MessageEncoding(value)
      case 22 where name.isEqual(to: "grpc-retry-pushback-ms"): pushback = RetryPushback(value)
      default: break
      }
    }
  }

  var isInterim: Bool { (100..<200).contains(httpStatus) }

  /// Why this is no response of a gRPC server; nil if it is one. What has a `grpc-status` is taken
  /// at its word (doc/http-grpc-status-mapping.md).
  var refusal: RPCError? {
    if hasStatus { return nil }
    guard httpStatus == 200 else {
      return RPCError(
        code: Self.code(httpStatus: httpStatus),
        message: "the server answered with HTTP status \(httpStatus)")
    }
    guard let contentType, contentType.hasPrefix("application/grpc") else {
      return RPCError(
        code: .unknown, message: "the response's content type is \(contentType ?? "missing")")
    }
    // gzip is understood even if it was not offered: some servers announce it and do without.
    guard encoding != nil else {
      return RPCError(
        code: .internalError, message: "the response is compressed in a way that was not offered")
    }
    return nil
  }

  private static func code(httpStatus: Int) -> StatusCode {
    switch httpStatus {
    case 400: .internalError
    case 401: .unauthenticated
    case 403: .permissionDenied
    case 404: .unimplemented
    case 429, 502, 503, 504: .unavailable
    default: .unknown
    }
  }
}
