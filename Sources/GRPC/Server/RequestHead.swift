internal import HTTP2
internal import NIOCore

/// What a request's header block asks for.
enum RequestHead {
  case accepted(MethodTable.Entry, deadline: Deadline?, Encodings)
  /// No gRPC request: answered with this HTTP status and nothing else.
  case httpStatus(Int)
  /// Answered with trailers only.
  indirect case refused(RPCError)

  /// What the client says about compression.
  struct Encodings: Sendable {
    /// Of the request's messages whose compressed flag is set.
    var request = MessageEncoding.identity
    /// Whether responses may be compressed.
    var acceptsGzip = false
  }

  /// Reads a request's headers once, names matched as bytes (doc/PROTOCOL-HTTP2.md, "Requests").
  /// `now` is asked only when there is a timeout.
  static func read(
    _ headers: HeaderBlock, _ methods: MethodTable, now: () -> NIODeadline
  ) -> RequestHead {
    var fields = Fields()
    headers.forEach { name, value in fields.take(name, value, methods) }
    // RFC 9110 §15.5.6 and §15.5.16.
    guard fields.isPost else { return .httpStatus(405) }
    guard fields.isGRPC || headers.isTruncated else { return .httpStatus(415) }
    guard !headers.isTruncated else {
      return .refused(
        RPCError(
          code: .resourceExhausted, reason: "HEADERS_TOO_LARGE",
          message: "the request's header list is too large"))
    }
    guard let method = fields.method else { return .refused(unknownMethod(headers)) }
    guard !fields.hasUnknownEncoding else { return .refused(unknownEncoding(headers)) }
    switch fields.timeout {
    case .none: return .accepted(method, deadline: nil, fields.encodings)
    case .malformed:
      return .refused(RPCError(code: .invalidArgument, message: "grpc-timeout is malformed"))
    case .nanoseconds(let nanoseconds):
      guard nanoseconds > 0 else { return .refused(.deadlinePassed) }
      return .accepted(
        method, deadline: Deadline(now() + .nanoseconds(nanoseconds)), fields.encodings)
    }
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
    code: .deadlineExceeded, message: "the deadline has passed")
}

extension UnsafeRawBufferPointer {
  @inline(__always)
  func isEqual(to text: StaticString) -> Bool {
    let other = text.rawBytes
    guard count == other.count, let left = baseAddress, let right = other.baseAddress else {
      return count == other.count
    }
    return memoryEqual(left, right, count)
  }
}

@inline(__always)
private func memoryEqual(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool
{
  for index in 0..<count
  where left.load(fromByteOffset: index, as: UInt8.self)
    != right.load(fromByteOffset: index, as: UInt8.self)
  {
    return false
  }
  return true
}
