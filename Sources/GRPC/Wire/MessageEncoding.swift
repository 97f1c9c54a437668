/// How messages may be compressed: the names of `grpc-encoding`
/// (github.com/grpc/grpc, doc/compression.md).
enum MessageEncoding: Sendable {
  case identity
  case gzip

  /// Nil for an encoding that is not known here.
  init?(_ name: UnsafeRawBufferPointer) {
    if name.isEqual(to: "identity") {
      self = .identity
    } else if name.isEqual(to: "gzip") {
      self = .gzip
    } else {
      return nil
    }
  }

  /// The value of `grpc-accept-encoding` that says what is understood here.
  static let accepted: StaticString = "identity,gzip"

  /// Whether a `grpc-accept-encoding`, a list with commas, names gzip.
  static func acceptsGzip(_ list: UnsafeRawBufferPointer) -> Bool {
    list.split(separator: UInt8(ascii: ",")).contains { name in
      var name = UnsafeRawBufferPointer(rebasing: name)
      while name.first == UInt8(ascii: " ") { name = .init(rebasing: name.dropFirst()) }
      while name.last == UInt8(ascii: " ") { name = .init(rebasing: name.dropLast()) }
      return name.isEqual(to: "gzip")
    }
  }
}
