internal import HTTP2
internal import Messages
internal import NIOCore

/// A call with one response.
///
/// `@unchecked Sendable`: as its superclass.
class SingleResponseCall<Response: Message>: ClientCall, @unchecked Sendable {
  typealias Completion = @Sendable (Result<UnaryResponse<Response>, RPCError>) -> Void

  private var completion: Completion?
  private var deframer: MessageDeframer
  private var response: Response?
  private var initialMetadata = Metadata()

  init(
    _ method: MethodDescriptor, _ options: CallOptions, _ lifetime: ChannelLifetime,
    outbox: RequestOutbox?, completion: @escaping Completion
  ) {
    self.completion = completion
    deframer = MessageDeframer(
      messageBytesMax: options.responseBytesMax ?? lifetime.core.configuration.responseBytesMax)
    super.init(method, options, lifetime, outbox: outbox)
  }

  override func began(_ metadata: Metadata, _ encoding: MessageEncoding) {
    deframer.encoding = encoding
    initialMetadata = metadata
  }

  override func received(_ bytes: ByteBuffer) {
    // One message within the limit is all there may be: it is read as it comes.
    giveBack(bytes.readableBytes)
    deframer.append(bytes)
    do throws(FramingError) {
      while let message = try deframer.next() {
        guard response == nil else { return abandon(Self.cardinality("more than one")) }
        response = try? Response(decoding: message)
        if response == nil { return abandon(Self.undecodable) }
      }
      deframer.detach()
    } catch {
      abandon(error.status)
    }
  }

  override func outcome(_ error: RPCError?) -> RPCError? {
    error ?? (response == nil ? Self.cardinality("none") : nil)
  }

  override func ended(_ error: RPCError?, trailers: Metadata) {
    let completion = completion
    self.completion = nil
    guard error == nil, let response else {
      completion?(.failure(error ?? Self.cardinality("none")))
      return
    }
    completion?(
      .success(
        UnaryResponse(
          message: response, initialMetadata: initialMetadata, trailingMetadata: trailers,
          isCompressed: deframer.isLastCompressed)))
  }

  private static func cardinality(_ count: String) -> RPCError {
    RPCError(
      code: .unimplemented, message: "the method gives one response; \(count) arrived")
  }

  private static var undecodable: RPCError {
    RPCError(code: .internalError, message: "the response is no \(Response.protoName)")
  }
}

extension Message {
  init(decoding bytes: ByteBuffer) throws(MessageDecodingError) {
    self = try bytes.withUnsafeReadableBytes { (bytes) throws(MessageDecodingError) in
      try Self(serializedBytes: bytes)
    }
  }
}
