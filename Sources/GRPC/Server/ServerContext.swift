internal import HTTP2
internal import NIOConcurrencyHelpers
internal import NIOCore
public import Tracing

/// What a handler knows about its call beside the request, and what it may say beside the response.
public final class ServerContext: Sendable {
  private let entry: MethodTable.Entry
  /// By when the caller wants the answer.
  public let deadline: Deadline?
  let encodings: RequestHead.Encodings
  private let startTime: NIODeadline?
  private let headers: HeaderBlock
  private let connection: ConnectionInfo
  /// Read and written with `connection.lock` held.
  private nonisolated(unsafe) var state = State()

  /// What all calls of a connection share.
  final class ConnectionInfo: Sendable {
    let peer: String
    let peerCertificate: PeerCertificate?
    let compressesResponses: Bool
    /// Guards what can be set in the contexts of the calls; a lock for each call would cost it an
    /// allocation.
    let lock = NIOLock()

    init(peer: String, peerCertificate: PeerCertificate? = nil, compressesResponses: Bool) {
      self.peer = peer
      self.peerCertificate = peerCertificate
      self.compressesResponses = compressesResponses
    }
  }

  private struct State {
    var initial = Metadata()
    var trailing = Metadata()
    /// Nil: as the server is configured.
    var compressesResponses: Bool?
    var isRequestCompressed = false
    var serviceContext: ServiceContext?
  }

  init(
    entry: MethodTable.Entry, deadline: Deadline?, encodings: RequestHead.Encodings,
    startTime: NIODeadline?, headers: HeaderBlock, connection: ConnectionInfo
  ) {
    self.entry = entry
    self.deadline = deadline
    self.encodings = encodings
    self.startTime = startTime
    self.headers = headers
    self.connection = connection
  }

  private func withState<Value>(_ body: (inout State) -> Value) -> Value {
    connection.lock.withLock { body(&state) }
  }

  public var method: MethodDescriptor { entry.handler.descriptor }

  /// Number of the method among those that the server was made with.
  public var methodIndex: Int { entry.index }

  /// Time since the call's headers arrived; measured for interceptors only, zero without any.
  public var elapsed: Duration {
    startTime.map { .nanoseconds((.now() - $0).nanoseconds) } ?? .zero
  }

  /// The caller's custom metadata.
  public var metadata: Metadata { Metadata(headers) }

  /// The first value of a header field.
  func header(_ name: String) -> String? { headers[name] }

  /// Address of the caller: "127.0.0.1:4711" or "unix:".
  public var peer: String { connection.peer }

  /// The caller's certificate, where the server asks for one (mutual TLS) and the caller has it.
  public var peerCertificate: PeerCertificate? { connection.peerCertificate }

  /// Metadata sent with the first response (or the status, if there is none); what is set later
  /// than that is not sent.
  public var initialMetadata: Metadata {
    get { withState { $0.initial } }
    set { withState { $0.initial = newValue } }
  }

  /// Metadata sent with the status.
  public var trailingMetadata: Metadata {
    get { withState { $0.trailing } }
    set { withState { $0.trailing = newValue } }
  }

  /// Whether the request, or of a stream the last one read, came compressed.
  public internal(set) var isRequestCompressed: Bool {
    get { withState { $0.isRequestCompressed } }
    set { withState { $0.isRequestCompressed = newValue } }
  }

  /// Whether responses are compressed with gzip, where a write does not say otherwise. To be set
  /// before the first response; false where the client does not accept gzip.
  public var compressesResponses: Bool {
    get {
      encodings.acceptsGzip
        && withState { $0.compressesResponses ?? connection.compressesResponses }
    }
    set { withState { $0.compressesResponses = newValue } }
  }

  /// What goes with the call from task to task, such as its span. Set by an interceptor when the
  /// call starts, it is `ServiceContext.current` in the handler.
  public var serviceContext: ServiceContext? {
    get { withState { $0.serviceContext } }
    set { withState { $0.serviceContext = newValue } }
  }
}
