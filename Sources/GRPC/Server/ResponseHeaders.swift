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

  /// A response without messages. One that may refuse a compressed request says what is understood
  /// (doc/compression.md).
  static func trailersOnly(_ status: RPCError?, _ metadata: Metadata) -> HeaderBlock {
    var headers = initial()
    if status?.code == .unimplemented {
      headers.append("grpc-accept-encoding", MessageEncoding.accepted)
    }
    return trailers(status, metadata, beginningWith: headers)
  }

  /// Status (nil: OK) and metadata. Metadata that cannot be sent is left out, and the status says
  /// so.
  static func trailers(
    _ status: RPCError?, _ metadata: Metadata, beginningWith headers: HeaderBlock = HeaderBlock()
  ) -> HeaderBlock {
    var all = metadata
    if let status { all.add(contentsOf: status.metadata) }
    var fields = HeaderBlock()
    do throws(RPCError) {
      try all.append(to: &fields)
    } catch {
      return trailers(error, Metadata(), beginningWith: headers)
    }
    var trailers = headers
    StatusFields.append(status, to: &trailers)
    fields.forEach { trailers.append(name: $0, value: $1) }
    return trailers
  }
}
