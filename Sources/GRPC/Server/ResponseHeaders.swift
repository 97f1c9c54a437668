internal import HTTP2

/// The header blocks of a response (doc/PROTOCOL-HTTP2.md, "Responses").
enum ResponseHeaders {
  /// What every response without metadata begins with.
  static let headers = PreparedHeaders([":status": "200", "content-type": "application/grpc"])

  /// The same for a response whose messages may be compressed.
  static let gzipHeaders = PreparedHeaders([
    ":status": "200", "content-type": "application/grpc", "grpc-encoding": "gzip",
  ])

  /// What most responses end with.
  static let okTrailers = PreparedHeaders(["grpc-status": "0"])

  static func initial() -> HeaderBlock {
    var headers = HeaderBlock()
    headers.append(":status", "200")
    headers.append("content-type", "application/grpc")
    return headers
  }
}

/// What a response ends with: status (nil: OK) and metadata.
struct ResponseTrailers {
  /// The status that is sent. Metadata that cannot be sent is left out, and the status says so.
  let status: RPCError?
  let fields: HeaderBlock

  init(_ status: RPCError?, _ metadata: Metadata) {
    // A failure is none with the status OK: the client would look for a response.
    var status = status
    if status?.code == .ok {
      status = RPCError(
        code: .internalError, reason: "FAILED_WITH_OK",
        message: "the method failed with the status OK")
    }
    var all = metadata
    if let status { all.add(contentsOf: status.metadata) }
    var fields = HeaderBlock()
    do throws(RPCError) {
      try all.append(to: &fields)
    } catch {
      fields = HeaderBlock()
      status = error
    }
    var trailers = HeaderBlock()
    StatusFields.append(status, to: &trailers)
    fields.forEach { trailers.append(name: $0, value: $1) }
    self.status = status
    self.fields = trailers
  }

  /// A response without messages. One that may refuse a compressed request says what is understood
  /// (doc/compression.md).
  var only: HeaderBlock {
    var headers = ResponseHeaders.initial()
    if status?.code == .unimplemented {
      headers.append("grpc-accept-encoding", MessageEncoding.accepted)
    }
    fields.forEach { headers.append(name: $0, value: $1) }
    return headers
  }
}
