internal import HTTP2
internal import Messages
internal import NIOCore

/// What a call takes of the server's budgets.
extension ServerCall {
  /// Up to so many bytes, a request costs nothing once it is complete. What bounds the others is how
  /// many calls there may be.
  static let smallRequestBytesMax = 65_536
  /// Unsent bytes from which a writer is made to wait, and an answer counts as unread. Each stream
  /// whose reader stops costs as much.
  static let unsentBytesHigh = 8_192

  // MARK: Requests

  /// Counts what is kept of the request: until its rest has come, and of a large one until the call
  /// has ended. Over the budget of the server, the call ends.
  func hold(_ byteCount: Int) {
    guard byteCount != heldBytes, machine.state != .ended else { return }
    guard connection.budgets.requests.move(&heldBytes, to: byteCount) else {
      let refusal = connection.budgets.requestRefusal(byteCount)
      return perform(machine.receive(.badRequest), with: refusal)
    }
  }

  /// Takes what decoding a large request needs, by the wire scan: its bytes, protobuf-c's structs
  /// and the Swift value. False: the call has been refused for it.
  @inline(__always)
  func canDecode(_ type: (some Message).Type, _ bytes: ByteBuffer) -> Bool {
    bytes.readableBytes <= Self.smallRequestBytesMax || holdsDecoded(type, bytes)
  }

  private func holdsDecoded(_ type: (some Message).Type, _ bytes: ByteBuffer) -> Bool {
    let decoded = bytes.withUnsafeReadableBytes { Codec.memoryBytes(toDecode: type, $0) }
    hold(bytes.readableBytes + decoded)
    return machine.state != .ended
  }

  /// The handler that had a large request has returned.
  func handledLarge() {
    isHandlingLarge = false
    releaseRequest()
  }

  /// Once the call has ended, or its handler, which may have kept the request, has returned.
  func releaseRequest() {
    guard heldBytes > 0 else { return }
    _ = connection.budgets.requests.move(&heldBytes, to: 0)
  }

  // MARK: Responses

  /// Counts what the client has not read of a large response. False: there is no room for it, and
  /// the call has been ended.
  func keepsUnread(_ stream: HTTP2Stream) -> Bool {
    guard connection.budgets.responses.move(&unreadBytes, to: stream.unsentBytes) else {
      connection.dropUnsent(stream)
      perform(machine.receive(.badRequest), with: connection.budgets.responseRefusal)
      return false
    }
    return true
  }

  /// The call is told when the stream of a response that was counted is closed.
  func watchUnread(_ stream: HTTP2Stream) {
    if unreadBytes > 0, !stream.isClosed { stream.context = self }
  }

  /// Counts again what is left.
  func releaseUnread() {
    guard unreadBytes > 0 else { return }
    let unsent = stream.map { $0.isClosed ? 0 : $0.unsentBytes } ?? 0
    _ = connection.budgets.responses.move(
      &unreadBytes, to: unsent < Self.unsentBytesHigh ? 0 : min(unsent, unreadBytes))
  }
}
