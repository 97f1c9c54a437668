internal import HTTP2
internal import Synchronization

/// What a handler knows about its call beside the request, and what it may say beside the response.
public final class ServerContext: Sendable {
  private let entry: MethodTable.Entry
  /// By when the caller wants the answer.
  public let deadline: Deadline?
  let encodings: RequestHead.Encodings
  private let headers: HeaderBlock
  private let connection: ConnectionInfo
  private let outgoing = Mutex(Outgoing())

  /// What all calls of a connection share.
  final class ConnectionInfo: Sendable {
    let peer: String
    let peerCertificate: PeerCertificate?
    let compressesResponses: Bool

    init(peer: String, peerCertificate: PeerCertificate? = nil, compressesResponses: Bool) {
      self.peer = peer
      self.peerCertificate = peerCertificate
      self.compressesResponses = compressesResponses
    }
  }

  private struct Outgoing {
    var initial = Metadata()
    var trailing = Metadata()
    /// Nil: as the server is configured.
    var compressesResponses: Bool?
    var isRequestCompressed = false
  }

  init(
    entry: MethodTable.Entry, deadline: Deadline?, encodings: RequestHead.Encodings,
    headers: HeaderBlock, connection: ConnectionInfo
  ) {
    self.entry = entry
    self.deadline = deadline
    self.encodings = encodings
    self.headers = headers
    self.connection = connection
  }

  public var method: MethodDescriptor { entry.handler.descriptor }

  /// The caller's custom metadata.
  public var metadata: Metadata { Metadata(headers) }

  /// Address of the caller: "127.0.0.1:4711" or "unix:".
  public var peer: String { connection.peer }

  /// The caller's certificate, where the server asks for one (mutual TLS) and the caller has it.
  public var peerCertificate: PeerCertificate? { connection.peerCertificate }

  /// Metadata sent with the first response (or the status, if there is none); what is set later
  /// than that is not sent.
  public var initialMetadata: Metadata {
    get { outgoing.withLock { $0.initial } }
    set { outgoing.withLock { $0.initial = newValue } }
  }

  /// Metadata sent with the status.
  public var trailingMetadata: Metadata {
    get { outgoing.withLock { $0.trailing } }
    set { outgoing.withLock { $0.trailing = newValue } }
  }

  /// Whether the request, or of a stream the last one read, came compressed.
  public internal(set) var isRequestCompressed: Bool {
    get { outgoing.withLock { $0.isRequestCompressed } }
    set { outgoing.withLock { $0.isRequestCompressed = newValue } }
  }

  /// Whether responses are compressed with gzip, where a write does not say otherwise. To be set
  /// before the first response; false where the client does not accept gzip.
  public var compressesResponses: Bool {
    get {
      encodings.acceptsGzip
        && outgoing.withLock { $0.compressesResponses ?? connection.compressesResponses }
    }
    set { outgoing.withLock { $0.compressesResponses = newValue } }
  }
}
