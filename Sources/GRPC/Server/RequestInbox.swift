internal import NIOCore

/// The requests of a stream that have arrived and wait for their handler. Window is given back as
/// messages are taken, so what waits here stays under one window and one message.
///
/// Confined to the connection's event loop.
final class RequestInbox {
  typealias Reader = Waiter<ByteBuffer?>

  enum Next {
    case message(ByteBuffer)
    /// There are no more.
    case end
    /// The next message has not arrived, or not all of it.
    case incomplete
  }

  private var deframer: MessageDeframer
  /// Received bytes whose window has not been given back.
  private var owed = 0
  private let creditBytesMin: Int
  private var isEnded = false
  private var takenBytes = 0
  private var reader: Reader?
  /// Why the call has ended, for whoever reads on.
  private(set) var failure: RPCError?

  init(messageBytesMax: Int, encoding: MessageEncoding, creditBytesMin: Int) {
    deframer = MessageDeframer(messageBytesMax: messageBytesMax, encoding: encoding)
    self.creditBytesMin = creditBytesMin
  }

  var isLastCompressed: Bool { deframer.isLastCompressed }
  var isAwaited: Bool { reader != nil }
  /// Bytes received and not yet taken as part of a message, and the last message taken if it is
  /// large: it counts until the next one is asked for.
  var heldBytes: Int { deframer.bufferedBytes + takenBytes }

  /// Whether the reader waits for the rest of a message that has begun.
  var isInsideMessage: Bool { isAwaited && deframer.bufferedBytes > 0 }

  func append(_ bytes: ByteBuffer) {
    owed += bytes.readableBytes
    deframer.append(bytes)
  }

  /// The peer has ended its side.
  func end() {
    isEnded = true
  }

  func next() throws(FramingError) -> Next {
    takenBytes = 0
    if let message = try deframer.next() {
      let byteCount = message.readableBytes
      if byteCount > ServerCall.smallRequestBytesMax { takenBytes = byteCount }
      return .message(message)
    }
    guard isEnded else { return .incomplete }
    try deframer.finish()
    return .end
  }

  /// What may be given back now: everything that does not wait for the reader; everything while the
  /// reader waits, for then what is here is part of one message. Zero while it is too little.
  func takeCredit() -> Int {
    let credit = isAwaited ? owed : owed - deframer.bufferedBytes
    guard credit >= creditBytesMin, credit > 0 else { return 0 }
    owed -= credit
    return credit
  }

  /// What stays here must not keep a whole read buffer alive.
  func detach() {
    deframer.detach()
  }

  // MARK: The reader

  func wait(_ reader: Reader) {
    self.reader = reader
  }

  func resume(returning message: ByteBuffer?) {
    let reader = reader
    self.reader = nil
    reader?.resume(with: .success(message))
  }

  /// The task that reads was cancelled; what it has not read is there for another one.
  func cancel(_ reader: Reader) {
    if self.reader === reader { self.reader = nil }
    reader.cancel()
  }

  /// The call has ended: nothing more can be read, and nothing is kept for it.
  func fail(_ error: RPCError) {
    failure = error
    deframer.discard()
    let reader = reader
    self.reader = nil
    reader?.resume(with: .failure(error))
  }
}
