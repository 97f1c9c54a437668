internal import Synchronization

/// The bytes that all connections of a server together keep of requests which are not complete.
/// Many callers who each stay within the limit of one message could otherwise fill the memory.
/// What is counted are the bytes that have arrived, for the length that a prefix announces costs
/// its sender nothing.
final class ReceiveBudget: Sendable {
  private let bytesMax: Int
  private let used = Atomic<Int>(0)

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// Nothing is taken if it is more than what is left.
  func take(_ byteCount: Int) -> Bool {
    guard used.add(byteCount, ordering: .relaxed).newValue > bytesMax else { return true }
    used.subtract(byteCount, ordering: .relaxed)
    return false
  }

  func giveBack(_ byteCount: Int) {
    used.subtract(byteCount, ordering: .relaxed)
  }

  var refusal: RPCError {
    RPCError(
      code: .resourceExhausted, reason: "TOO_MANY_REQUEST_BYTES",
      message: "the server holds \(bytesMax) bytes of unfinished requests and takes no more now",
      metadata: ["limit": "\(bytesMax)"], retryDelay: .seconds(1))
  }
}
