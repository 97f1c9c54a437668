public import Messages

/// The only response of a call, and what came beside it.
public struct UnaryResponse<Response: Message>: Sendable, Equatable {
  public let message: Response
  /// Metadata that came before the response.
  public let initialMetadata: Metadata
  /// Metadata that came with the status. That of a call that fails is in its `RPCError`.
  public let trailingMetadata: Metadata
  /// Whether the message came compressed.
  public let isCompressed: Bool
}
