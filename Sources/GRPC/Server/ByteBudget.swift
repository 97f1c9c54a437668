internal import Synchronization

/// Bytes that all connections of a server together may keep. Many callers who each stay within the
/// limit of one message could otherwise fill the memory.
final class ByteBudget: Sendable {
  let bytesMax: Int
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

  /// Moves what a holder has taken from `held` to `byteCount`; false, and nothing is changed, where
  /// that is more than what is left.
  func move(_ held: inout Int, to byteCount: Int) -> Bool {
    if byteCount > held {
      guard take(byteCount - held) else { return false }
    } else if byteCount < held {
      giveBack(held - byteCount)
    }
    held = byteCount
    return true
  }
}

/// What a server keeps for its clients.
struct ServerBudgets: Sendable {
  /// Of requests: what has arrived of those that are not complete, for the length that a prefix
  /// announces costs its sender nothing; of large ones also their decoded form, until their calls end.
  let requests: ByteBudget
  /// Of responses: what large ones leave unread.
  let responses: ByteBudget

  init(_ configuration: ServerConfiguration) {
    requests = ByteBudget(bytesMax: configuration.requestBytesTotalMax)
    responses = ByteBudget(bytesMax: configuration.responseBytesTotalMax)
  }

  /// - Parameter byteCount: what the request would take by itself.
  func requestRefusal(_ byteCount: Int) -> RPCError {
    let limit = requests.bytesMax
    guard byteCount <= limit else {
      return RPCError(
        code: .resourceExhausted, reason: "REQUEST_TAKES_TOO_MUCH",
        message: "the request takes \(byteCount) bytes of memory, over the limit of \(limit)",
        metadata: ["size": "\(byteCount)", "limit": "\(limit)"])
    }
    return RPCError(
      code: .resourceExhausted, reason: "TOO_MANY_REQUEST_BYTES",
      message: "the server holds \(limit) bytes of requests and takes no more now",
      metadata: ["limit": "\(limit)"], retryDelay: .seconds(1))
  }

  var responseRefusal: RPCError {
    let limit = responses.bytesMax
    return RPCError(
      code: .resourceExhausted, reason: "TOO_MANY_RESPONSE_BYTES",
      message: "the server keeps \(limit) bytes of responses that are not read, and no more now",
      metadata: ["limit": "\(limit)"], retryDelay: .seconds(1))
  }
}
