/// Adds the same metadata to every call.
public struct ClientDefaultMetadata: ClientInterceptor {
  private let metadata: Metadata

  public init(_ metadata: Metadata) {
    self.metadata = metadata
  }

  public func callStarting(_ call: inout OutgoingCall) {
    call.metadata.add(contentsOf: metadata)
  }
}
