internal import HTTP2
internal import Messages
internal import NIOCore

/// A call with one request and one response.
///
/// `@unchecked Sendable`: as its superclass.
final class UnaryCall<Request: Message, Response: Message>: SingleResponseCall<Response>,
  @unchecked Sendable
{
  private var request: Request?

  init(
    _ method: MethodDescriptor, _ request: Request, _ options: CallOptions,
    _ lifetime: ChannelLifetime, completion: @escaping Completion
  ) {
    self.request = request
    super.init(method, options, lifetime, outbox: nil, completion: completion)
  }

  override func writeRequest(to session: HTTP2Session, _ stream: HTTP2Stream) {
    guard let request else { return }
    if options.compressesRequests {
      _ = session.writeCompressed(request, on: stream)
    } else {
      _ = session.writeMessage(request, on: stream)
    }
  }

  override func began(_ metadata: Metadata, _ encoding: MessageEncoding) {
    request = nil
    super.began(metadata, encoding)
  }

  override func ended(_ error: RPCError?, trailers: Metadata) {
    request = nil
    super.ended(error, trailers: trailers)
  }
}
