internal import NIOCore

/// Why a sequence of bytes is no sequence of gRPC messages we accept.
enum FramingError: Error, Hashable {
  /// The prefix announces more than the limit.
  case tooLarge(byteCount: Int, limit: Int)
  /// The compressed flag is set; no compression has been negotiated.
  case compressed
  /// The flag byte is neither 0 nor 1.
  case badFlag(UInt8)
  /// The stream ended inside a message.
  case truncated(byteCount: Int)
}

/// Cuts a stream's DATA into messages: one flag byte, four bytes of length, the message
/// (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). The limit is checked at the prefix, before a
/// byte of the message is kept.
struct MessageDeframer {
  static let prefixBytes = 5

  let messageBytesMax: Int
  private let copies: Bool
  private var buffer = ByteBuffer()
  /// Whether the buffer is a slice of what the transport read.
  private var isSlice = false

  /// - Parameter copies: whether bytes are copied in and out. For messages that may wait long: a
  ///   slice keeps a whole read buffer alive.
  init(messageBytesMax: Int, copies: Bool = false) {
    self.messageBytesMax = messageBytesMax
    self.copies = copies
  }

  /// Bytes received and not yet taken as part of a message.
  var bufferedBytes: Int { buffer.readableBytes }

  mutating func append(_ bytes: ByteBuffer) {
    if buffer.readableBytes > 0 {
      if buffer.readerIndex > buffer.readableBytes { buffer.discardReadBytes() }
      buffer.writeImmutableBuffer(bytes)
      isSlice = false
    } else if copies {
      buffer.clear()
      buffer.writeImmutableBuffer(bytes)
    } else {
      buffer = bytes
      isSlice = true
    }
  }

  /// The next complete message.
  mutating func next() throws(FramingError) -> ByteBuffer? {
    guard let byteCount = try nextCount() else { return nil }
    guard buffer.readableBytes >= Self.prefixBytes + byteCount else { return nil }
    buffer.moveReaderIndex(forwardBy: Self.prefixBytes)
    guard let slice = buffer.readSlice(length: byteCount) else { return nil }
    return copies ? ByteBuffer(bytes: slice.readableBytesView) : slice
  }

  /// Frees the memory of what was received with the rest: a slice keeps a whole read buffer alive.
  /// What was copied once is not copied again: a message may come in pieces of one byte.
  mutating func detach() {
    guard isSlice else { return }
    isSlice = false
    if buffer.readableBytes == 0 {
      buffer = ByteBuffer()
    } else {
      buffer = ByteBuffer(bytes: buffer.readableBytesView)
    }
  }

  /// To be called at the end of the stream.
  func finish() throws(FramingError) {
    if buffer.readableBytes > 0 { throw .truncated(byteCount: buffer.readableBytes) }
  }

  private func nextCount() throws(FramingError) -> Int? {
    guard let flag: UInt8 = buffer.getInteger(at: buffer.readerIndex) else { return nil }
    guard flag == 0 else { throw flag == 1 ? .compressed : .badFlag(flag) }
    guard let length: UInt32 = buffer.getInteger(at: buffer.readerIndex + 1) else { return nil }
    let byteCount = Int(length)
    guard byteCount <= messageBytesMax else {
      throw .tooLarge(byteCount: byteCount, limit: messageBytesMax)
    }
    return byteCount
  }
}

extension FramingError {
  /// The status that tells the peer.
  var status: RPCError {
    switch self {
    case .tooLarge(let byteCount, let limit):
      RPCError(
        code: .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        message: "a message of \(byteCount) bytes is over the limit of \(limit)",
        metadata: ["size": "\(byteCount)", "limit": "\(limit)"])
    case .compressed:
      RPCError(
        code: .unimplemented, reason: "COMPRESSION_UNSUPPORTED",
        message: "a message is compressed; only identity is supported")
    case .badFlag(let flag):
      RPCError(code: .internalError, message: "the compressed flag of a message is \(flag)")
    case .truncated(let byteCount):
      RPCError(
        code: .internalError, message: "the stream ended \(byteCount) bytes into a message")
    }
  }
}
