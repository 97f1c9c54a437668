internal import HTTP2
internal import Messages

/// A status as trailers carry it (doc/PROTOCOL-HTTP2.md, "Status", "Status-Message",
/// "Status-Details").
enum StatusFields {
  static func append(_ status: RPCError?, to headers: inout HeaderBlock) {
    guard let status else { return headers.append("grpc-status", "0") }
    headers.append("grpc-status", "\(status.code.rawValue)")
    if !status.message.isEmpty {
      headers.append("grpc-message", PercentEncoding.encode(status.message))
    }
    guard !status.details.isEmpty else { return }
    var details = GoogleRpc.Status()
    details.code = Int32(clamping: status.code.rawValue)
    // A message that holds U+0000 would be refused, and the details with it.
    details.message = status.message.replacing("\0", with: "\u{FFFD}")
    details.details = status.details
    headers.append("grpc-status-details-bin", Base64.encode(details.serializedBytes()))
  }

  /// What a header block says about the call's end.
  enum Reading {
    /// There is no `grpc-status`.
    case absent
    case ok(Metadata)
    case failed(RPCError)
  }

  static func read(_ headers: HeaderBlock) -> Reading {
    var code: Int?
    var message = ""
    var details: [UInt8] = []
    headers.forEach { name, value in
      switch name.count {
      case 11 where name.isEqual(to: "grpc-status"):
        code = Int(String(decoding: value, as: UTF8.self)) ?? StatusCode.unknown.rawValue
      case 12 where name.isEqual(to: "grpc-message"):
        message = PercentEncoding.decode(String(decoding: value, as: UTF8.self))
      case 23 where name.isEqual(to: "grpc-status-details-bin"):
        details = Base64.decode(value) ?? []
      default: break
      }
    }
    guard let code else { return .absent }
    var metadata = Metadata(headers)
    guard code != 0 else { return .ok(metadata) }
    var status = RPCError(code: StatusCode(rawValue: code), message: message)
    // Details that cannot be read must not hide the status itself.
    if !details.isEmpty, let packed = try? GoogleRpc.Status(serializedBytes: details) {
      status.details = packed.details
    }
    swap(&status.metadata, &metadata)
    return .failed(status)
  }
}
