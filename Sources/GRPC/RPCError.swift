public import Messages

/// How a call failed, as a server throws it and a client receives it.
public struct RPCError: Error, Sendable, Equatable {
  public var code: StatusCode
  /// A sentence for people.
  public var message: String
  /// Machine-readable details; they travel in `grpc-status-details-bin` as google.rpc.Status.
  public var details: [GoogleProtobuf.`Any`]
  /// Trailing metadata beside the status.
  public var metadata: Metadata
  /// Whether the peer cannot have acted on the request: it was never sent (not connected,
  /// connection refused) or the peer said that it did not look at it (refused stream). Always false
  /// for a status that a server gave.
  public var neverSent: Bool
  /// What led to it on this side, in words.
  public var cause: String?

  /// Who the reasons of `ErrorInfo` belong to.
  public static let domain = "baton"

  public init(
    code: StatusCode, message: String, details: [GoogleProtobuf.`Any`] = [],
    metadata: Metadata = Metadata(), neverSent: Bool = false, cause: String? = nil
  ) {
    self.code = code
    self.message = message
    self.details = details
    self.metadata = metadata
    self.neverSent = neverSent
    self.cause = cause
  }

  /// An error with a stable reason for programs (google.rpc.ErrorInfo, domain "baton") and, with
  /// `retryDelay`, when to try again (google.rpc.RetryInfo).
  ///
  /// - Parameters:
  ///   - reason: in capitals, such as "STALE_LEASE".
  ///   - metadata: more about the reason: field, limit, ids.
  public init(
    code: StatusCode, reason: String, message: String, metadata: [String: String] = [:],
    retryDelay: Duration? = nil
  ) {
    var info = GoogleRpc.ErrorInfo()
    info.reason = reason
    info.domain = Self.domain
    info.metadata = metadata
    var details = [GoogleProtobuf.`Any`(packing: info)]
    if let retryDelay {
      var retry = GoogleRpc.RetryInfo()
      retry.retryDelay = GoogleProtobuf.Duration(retryDelay)
      details.append(GoogleProtobuf.`Any`(packing: retry))
    }
    self.init(code: code, message: message, details: details)
  }

  /// The first google.rpc.ErrorInfo among the details.
  public var errorInfo: GoogleRpc.ErrorInfo? { detail() }

  /// The stable reason, if the error carries one.
  public var reason: String? { errorInfo?.reason }

  /// How long to wait before trying again, if the error says so.
  public var retryDelay: Duration? {
    let retry: GoogleRpc.RetryInfo? = detail()
    return retry?.retryDelay.map { Duration($0) }
  }

  /// The first detail of that type that can be decoded.
  public func detail<Detail: Message>(_ type: Detail.Type = Detail.self) -> Detail? {
    for detail in details where detail.names(Detail.self) {
      if let message = try? Detail(serializedBytes: detail.value) { return message }
    }
    return nil
  }
}

extension RPCError: CustomStringConvertible {
  public var description: String {
    "\(code): \(message)" + (cause.map { " (\($0))" } ?? "")
  }
}

extension GoogleProtobuf.`Any` {
  /// Wraps a message; the type URL is "type.googleapis.com/" and its full name
  /// (google/protobuf/any.proto).
  public init(packing message: some Message) {
    self.init()
    typeUrl = "type.googleapis.com/" + type(of: message).protoName
    value = message.serializedBytes()
  }

  /// Whether the wrapped message is of that type: what follows the last "/" decides.
  func names<Detail: Message>(_ type: Detail.Type) -> Bool {
    typeUrl.split(separator: "/").last.map { $0 == Detail.protoName } ?? false
  }
}

extension GoogleProtobuf.Duration {
  init(_ duration: Duration) {
    self.init()
    seconds = duration.components.seconds
    nanos = Int32(duration.components.attoseconds / 1_000_000_000)
  }
}

extension Duration {
  init(_ duration: GoogleProtobuf.Duration) {
    self = .seconds(duration.seconds) + .nanoseconds(Int64(duration.nanos))
  }
}
