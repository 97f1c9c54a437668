internal import HTTP2
internal import NIOCore

/// What a request's header block asks for.
struct RequestHead {
  let entry: MethodTable.Entry
  let deadline: Deadline?
  let encodings: Encodings
  /// When the headers were received.
  let receivedTime: NIODeadline

  /// Why a request is no call.
  enum Refusal: Error {
    /// No gRPC request: answered with this HTTP status and nothing else.
    case httpStatus(Int)
    /// Answered with trailers only.
    case status(RPCError)
  }

  /// What the client says about compression.
  struct Encodings: Sendable {
    /// Of the request's messages whose compressed flag is set.
    var request = MessageEncoding.identity
    /// Whether responses may be compressed.
    var acceptsGzip = false
  }

  /// Reads a request's headers once, names matched as bytes (doc/PROTOCOL-HTTP2.md, "Requests").
  init(
    _ headers: HeaderBlock, _ methods: MethodTable, receivedTime: NIODeadline
  ) throws(Refusal) {
    var fields = Fields()
    headers.forEach { name, value in fields.take(name, value, methods) }
    // RFC 9110 §15.5.6 and §15.5.16.
    guard fields.isPost else { throw .httpStatus(405) }
    guard fields.isGRPC || headers.isTruncated else { throw .httpStatus(415) }
    guard !headers.isTruncated else {
      throw .status(
        RPCError(
          code: .resourceExhausted, reason: "HEADERS_TOO_LARGE",
          message: "the request's header list is too large"))
    }
    guard let entry = fields.method else { throw .status(Self.unknownMethod(headers)) }
    guard !fields.hasUnknownEncoding else { throw .status(Self.unknownEncoding(headers)) }
    switch fields.timeout {
    case .none: deadline = nil
    case .malformed:
      throw .status(
        RPCError(
          code: .invalidArgument, reason: "MALFORMED_TIMEOUT",
          message: "grpc-timeout is malformed; it is up to 8 digits and one of H, M, S, m, u, n"))
    case .nanoseconds(let nanoseconds):
      guard nanoseconds > 0 else { throw .status(.deadlinePassed) }
      deadline = Deadline(receivedTime + .nanoseconds(nanoseconds))
    }
    self.entry = entry
    encodings = fields.encodings
    self.receivedTime = receivedTime
  }

  private static func unknownMethod(_ headers: HeaderBlock) -> RPCError {
    let path = headers[":path"] ?? ""
    return RPCError(
      code: .unimplemented, reason: "UNKNOWN_METHOD", message: "there is no method \(path) here",
      metadata: ["path": path])
  }

  /// doc/compression.md: UNIMPLEMENTED, and the response says what is understood.
  private static func unknownEncoding(_ headers: HeaderBlock) -> RPCError {
    let encoding = headers["grpc-encoding"] ?? ""
    return RPCError(
      code: .unimplemented, reason: "UNKNOWN_ENCODING",
      message: "messages compressed with \(encoding) are not understood; identity and gzip are",
      metadata: ["encoding": encoding])
  }

  private enum Timeout {
    case none
    case malformed
    case nanoseconds(Int64)
  }

  private struct Fields {
    var method: MethodTable.Entry?
    var isPost = false
    var isGRPC = false
    var encodings = Encodings()
    var hasUnknownEncoding = false
    var timeout = Timeout.none

    mutating func take(
      _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ methods: MethodTable
    ) {
      switch name.count {
      case 5 where name.isEqual(to: ":path"): method = methods[value]
      case 7 where name.isEqual(to: ":method"): isPost = value.isEqual(to: "POST")
      case 12:
        if name.isEqual(to: "content-type") {
          isGRPC = Self.isGRPC(value)
        } else if name.isEqual(to: "grpc-timeout") {
          timeout = TimeoutHeader.parse(value).map { .nanoseconds($0) } ?? .malformed
        }
      case 13 where name.isEqual(to: "grpc-encoding"):
        if let encoding = MessageEncoding(value) {
          encodings.request = encoding
        } else {
          hasUnknownEncoding = true
        }
      case 20 where name.isEqual(to: "grpc-accept-encoding"):
        if MessageEncoding.acceptsGzip(value) { encodings.acceptsGzip = true }
      default: break
      }
    }

    /// "application/grpc", with "+" or ";" and anything after it; only protobuf is spoken here.
    private static func isGRPC(_ value: UnsafeRawBufferPointer) -> Bool {
      let prefix: StaticString = "application/grpc"
      let count = prefix.utf8CodeUnitCount
      guard value.count >= count,
        UnsafeRawBufferPointer(rebasing: value[..<count]).isEqual(to: prefix)
      else { return false }
      if value.count == count { return true }
      let rest = UnsafeRawBufferPointer(rebasing: value[count...])
      return rest[0] == UInt8(ascii: ";") || rest.isEqual(to: "+proto")
        || rest.starts(with: "+proto;".utf8)
    }
  }
}

extension RPCError {
  /// The status of a call whose deadline has passed.
  static let deadlinePassed = RPCError(
    code: .deadlineExceeded, reason: "DEADLINE_PASSED", message: "the deadline has passed")

  /// The status of a call that a server gives up to end.
  static let shuttingDown = RPCError(
    code: .unavailable, reason: "SHUTTING_DOWN", message: "the server is shutting down")
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  func isEqual(to text: StaticString) -> Bool { isEqual(to: text.rawBytes) }

  @inline(__always)
  func isEqual(to other: UnsafeRawBufferPointer) -> Bool {
    guard count == other.count, let left = baseAddress, let right = other.baseAddress else {
      return count == other.count
    }
    return memoryEqual(left, right, count)
  }
}

@inline(__always)
private func memoryEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool
{
  // In words, the last of which may overlap the one before.
  guard count >= 8 else {
    return (0..<count).allSatisfy {
      left.load(fromByteOffset: $0, as: UInt8.self)
        == right.load(fromByteOffset: $0, as: UInt8.self)
    }
  }
  var offset = 0
  while offset < count {
    let start = min(offset, count - 8)
    guard
      left.loadUnaligned(fromByteOffset: start, as: UInt64.self)
        == right.loadUnaligned(fromByteOffset: start, as: UInt64.self)
    else { return false }
    offset += 8
  }
  return true
}
