/// A protobuf message as a Swift value.
///
/// Fields that a message does not know are dropped when it is decoded.
public protocol Message: Sendable, Equatable {
  /// Full name in the proto files: "baton.v1.SubmitPlanRequest".
  static var protoName: String { get }

  /// A message whose fields all have their default.
  init()

  /// Decodes one message; the bytes are not kept.
  ///
  /// - Throws: `MessageDecodingError` for bytes that are no such message, for text that is not
  ///   UTF-8 or holds a NUL, and for a message that would take too much memory.
  init(serializedBytes: UnsafeRawBufferPointer) throws(MessageDecodingError)

  /// Encodes the message: calls `reserve` once with the size in bytes and writes to the start of
  /// what it returns, which must have room for as many.
  func serialize(into reserve: (_ byteCount: Int) -> UnsafeMutableRawBufferPointer)

  /// The message, encoded; maps in the order of their keys, so that equal messages give equal
  /// bytes.
  func serializedBytes() -> [UInt8]
}

extension Message {
  /// Decodes one message.
  public init(serializedBytes: [UInt8]) throws(MessageDecodingError) {
    // `withUnsafeBytes` rethrows any error, so the typed one travels in a Result.
    let result = serializedBytes.withUnsafeBytes { bytes in
      Result { () throws(MessageDecodingError) in try Self(serializedBytes: bytes) }
    }
    self = try result.get()
  }
}

/// A protobuf enum as a Swift enum with a case `unrecognized` for numbers without a name.
///
/// `unrecognized` with a number that has a name is not equal to the case of that name: make values
/// with `init(rawValue:)`.
public protocol MessageEnum: Sendable, Hashable, CaseIterable {
  init(rawValue: Int32)
  /// The number on the wire.
  var rawValue: Int32 { get }
}
