internal import HTTP2
internal import NIOCore
public import Tracing

/// What a handler knows about its call beside the request, and what it may say beside the response.
/// Every copy is about the same call.
public struct ServerContext: Sendable {
  let call: ServerCall

  /// By when the caller wants the answer.
  public var deadline: Deadline? { call.head.deadline }

  public var method: MethodDescriptor { call.head.entry.handler.descriptor }

  /// Number of the method among those that the server was made with.
  public var methodIndex: Int { call.head.entry.index }

  /// Time since the call's headers arrived.
  public var elapsed: Duration { .nanoseconds(elapsedNanoseconds) }

  var elapsedNanoseconds: Int64 { (.now() - call.head.receivedTime).nanoseconds }

  /// The caller's custom metadata.
  public var metadata: Metadata { call.headers.map { Metadata($0) } ?? Metadata() }

  /// The first value of a header field.
  func header(_ name: String) -> String? { call.headers?[name] }

  /// Address of the caller: "127.0.0.1:4711" or "unix:".
  public var peer: String { call.info.peer }

  /// The caller's certificate, where the server asks for one (mutual TLS) and the caller has it.
  public var peerCertificate: PeerCertificate? { call.info.peerCertificate }

  /// Metadata sent with the first response (or the status, if there is none); what is set later
  /// than that is not sent.
  public var initialMetadata: Metadata {
    get { call.choice { $0.initial } ?? Metadata() }
    nonmutating set { call.choose { $0.initial = newValue } }
  }

  /// Metadata sent with the status.
  public var trailingMetadata: Metadata {
    get { call.choice { $0.trailing } ?? Metadata() }
    nonmutating set { call.choose { $0.trailing = newValue } }
  }

  /// Whether the request, or of a stream the last one read, came compressed.
  public internal(set) var isRequestCompressed: Bool {
    get { call.choice { $0.isRequestCompressed } ?? false }
    nonmutating set { call.choose { $0.isRequestCompressed = newValue } }
  }

  /// Whether responses are compressed with gzip, where a write does not say otherwise. To be set
  /// before the first response; false where the client does not accept gzip.
  public var compressesResponses: Bool {
    get {
      call.head.encodings.acceptsGzip
        && (call.choice { $0.compressesResponses } ?? nil) ?? call.info.compressesResponses
    }
    nonmutating set { call.choose { $0.compressesResponses = newValue } }
  }

  /// What goes with the call from task to task, such as its span. Set by an interceptor when the
  /// call starts, it is `ServiceContext.current` in the handler.
  public var serviceContext: ServiceContext? {
    get { call.choice { $0.serviceContext } ?? nil }
    nonmutating set { call.choose { $0.serviceContext = newValue } }
  }
}
