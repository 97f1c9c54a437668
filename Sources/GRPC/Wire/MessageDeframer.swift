internal import NIOCore

/// Why a sequence of bytes is no sequence of gRPC messages we accept.
enum FramingError: Error, Hashable {
  /// The prefix announces more than the limit.
  case tooLarge(byteCount: Int, limit: Int)
  /// Decompressed, the message is more than the limit.
  case inflatesTooLarge(limit: Int)
  /// The compressed flag is set, and the headers name no encoding.
  case compressedUnannounced
  /// A compressed message cannot be decompressed.
  case corrupt
  /// The flag byte is neither 0 nor 1.
  case badFlag(UInt8)
  /// The stream ended inside a message.
  case truncated(byteCount: Int)
}

/// Cuts a stream's DATA into messages: one flag byte, four bytes of length, the message
/// (doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message"). The limit is checked at the prefix, before a
/// byte of the message is kept, and again while it is decompressed.
struct MessageDeframer {
  static let prefixBytes = 5

  let messageBytesMax: Int
  /// What `grpc-encoding` says of the messages whose compressed flag is set.
  var encoding: MessageEncoding
  /// Whether the last message that `next` answered had come compressed.
  private(set) var isLastCompressed = false
  private let copies: Bool
  private var buffer = ByteBuffer()
  /// Whether the buffer is a slice of what the transport read.
  private var isSlice = false

  /// - Parameter copies: whether bytes are copied in and out. For messages that may wait long: a
  ///   slice keeps a whole read buffer alive.
  init(messageBytesMax: Int, encoding: MessageEncoding = .identity, copies: Bool = false) {
    self.messageBytesMax = messageBytesMax
    self.encoding = encoding
    self.copies = copies
  }

  /// Bytes received and not yet taken as part of a message.
  var bufferedBytes: Int { buffer.readableBytes }

  /// The message of a DATA frame that holds nothing else, not compressed and within the limit; nil
  /// for all others, which a deframer has to look at.
  static func onlyMessage(in bytes: ByteBuffer, bytesMax: Int) -> ByteBuffer? {
    let byteCount = bytes.readableBytes - prefixBytes
    let start = bytes.readerIndex
    guard byteCount >= 0, byteCount <= bytesMax,
      bytes.getInteger(at: start, as: UInt8.self) == 0,
      bytes.getInteger(at: start + 1, as: UInt32.self).map({ Int($0) }) == byteCount
    else { return nil }
    var message = bytes
    message.moveReaderIndex(forwardBy: prefixBytes)
    return message
  }

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

  /// The next complete message, decompressed.
  mutating func next() throws(FramingError) -> ByteBuffer? {
    guard let (byteCount, isCompressed) = try nextPrefix() else { return nil }
    guard buffer.readableBytes >= Self.prefixBytes + byteCount else { return nil }
    buffer.moveReaderIndex(forwardBy: Self.prefixBytes)
    guard let slice = buffer.readSlice(length: byteCount) else { return nil }
    isLastCompressed = isCompressed
    if isCompressed { return try Gzip.decompress(slice, bytesMax: messageBytesMax) }
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

  /// Drops what was received.
  mutating func discard() {
    buffer = ByteBuffer()
    isSlice = false
  }

  /// To be called at the end of the stream.
  func finish() throws(FramingError) {
    if buffer.readableBytes > 0 { throw .truncated(byteCount: buffer.readableBytes) }
  }

  private func nextPrefix() throws(FramingError) -> (byteCount: Int, isCompressed: Bool)? {
    guard let flag: UInt8 = buffer.getInteger(at: buffer.readerIndex) else { return nil }
    guard flag <= 1 else { throw .badFlag(flag) }
    let isCompressed = flag == 1
    if isCompressed, encoding == .identity { throw .compressedUnannounced }
    guard let length: UInt32 = buffer.getInteger(at: buffer.readerIndex + 1) else { return nil }
    let byteCount = Int(length)
    guard byteCount <= messageBytesMax else {
      throw .tooLarge(byteCount: byteCount, limit: messageBytesMax)
    }
    return (byteCount, isCompressed)
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
    case .inflatesTooLarge(let limit):
      RPCError(
        code: .resourceExhausted, reason: "MESSAGE_TOO_LARGE",
        message: "a compressed message holds more than the limit of \(limit) bytes",
        metadata: ["limit": "\(limit)"])
    // doc/compression.md has INTERNAL for both.
    case .compressedUnannounced:
      RPCError(
        code: .internalError, reason: "UNANNOUNCED_COMPRESSION",
        message: "a message is compressed, and grpc-encoding does not say how")
    case .corrupt:
      RPCError(
        code: .internalError, reason: "CORRUPT_MESSAGE",
        message: "a compressed message cannot be decompressed")
    case .badFlag(let flag):
      RPCError(
        code: .internalError, reason: "MALFORMED_FRAME",
        message: "the compressed flag of a message is \(flag)")
    case .truncated(let byteCount):
      RPCError(
        code: .internalError, reason: "TRUNCATED_MESSAGE",
        message: "the stream ended \(byteCount) bytes into a message")
    }
  }
}
