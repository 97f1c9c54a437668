internal import HTTP2
internal import Messages
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A call with many responses, to one request or to many. The event loop puts bytes in, the reader
/// takes messages out; window is given back as they are taken, so what waits here stays under one
/// window and one message.
///
/// `@unchecked Sendable`: as its superclass; what the reader's thread shares is behind the lock.
final class StreamingCall<Response: Message>: ClientCall, @unchecked Sendable {
  /// Writes the only request; nil where requests come from an outbox.
  private let write: ((HTTP2Session, HTTP2Stream) -> Void)?
  private let inbox: NIOLockedValueBox<Inbox>
  /// Bytes read that are worth telling the event loop about: half the window, where nghttp2 would
  /// send WINDOW_UPDATE at the earliest.
  private let creditBytesMin: Int

  typealias Reader = CheckedContinuation<ByteBuffer?, any Error>

  private struct Inbox {
    var deframer: MessageDeframer
    /// Received bytes whose window has not been given back.
    var owed = 0
    var reader: Reader?
    var end: Result<Void, RPCError>?
    var initialMetadata: Metadata?
    var trailingMetadata: Metadata?
  }

  convenience init(
    _ method: MethodDescriptor, _ request: some Message, _ options: CallOptions,
    _ lifetime: ChannelLifetime
  ) {
    self.init(method, options, lifetime, outbox: nil) { session, stream in
      if options.compressesRequests {
        _ = session.writeCompressed(request, on: stream)
      } else {
        _ = session.writeMessage(request, on: stream)
      }
    }
  }

  init(
    _ method: MethodDescriptor, _ options: CallOptions, _ lifetime: ChannelLifetime,
    outbox: RequestOutbox?, write: ((HTTP2Session, HTTP2Stream) -> Void)? = nil
  ) {
    self.write = write
    inbox = NIOLockedValueBox(
      Inbox(
        deframer: MessageDeframer(
          messageBytesMax: options.responseBytesMax ?? lifetime.core.configuration.responseBytesMax,
          copies: true)))
    creditBytesMin = Int(lifetime.core.configuration.http2.streamWindowBytes / 2)
    super.init(method, options, lifetime, outbox: outbox)
  }

  var initialMetadata: Metadata? { inbox.withLockedValue { $0.initialMetadata } }
  var trailingMetadata: Metadata? { inbox.withLockedValue { $0.trailingMetadata } }

  /// Whether the last message taken came compressed.
  var isLastCompressed: Bool { inbox.withLockedValue { $0.deframer.isLastCompressed } }

  // MARK: On the event loop

  override func writeRequest(to session: HTTP2Session, _ stream: HTTP2Stream) {
    write?(session, stream)
  }

  override func began(_ metadata: Metadata, _ encoding: MessageEncoding) {
    inbox.withLockedValue { inbox in
      inbox.initialMetadata = metadata
      inbox.deframer.encoding = encoding
    }
  }

  override func received(_ bytes: ByteBuffer) {
    let outcome = inbox.withLockedValue { inbox -> Delivery in
      inbox.owed += bytes.readableBytes
      inbox.deframer.append(bytes)
      guard let reader = inbox.reader else { return .none }
      do throws(FramingError) {
        guard let message = try inbox.deframer.next() else {
          return .credit(takeCredit(&inbox, isWaiting: true))
        }
        inbox.reader = nil
        return .message(message, reader, credit: takeCredit(&inbox, isWaiting: false))
      } catch {
        return .failure(error.status)
      }
    }
    switch outcome {
    case .none: break
    case .credit(let credit): giveBack(credit)
    case .message(let message, let reader, let credit):
      giveBack(credit)
      reader.resume(returning: message)
    case .failure(let error): abandon(error)
    }
  }

  private enum Delivery {
    case none
    case credit(Int)
    case message(ByteBuffer, Reader, credit: Int)
    case failure(RPCError)
  }

  override func ended(_ error: RPCError?, trailers: Metadata) {
    let end = error.map { Result<Void, RPCError>.failure($0) } ?? .success(())
    let (reader, outcome) = inbox.withLockedValue { inbox in
      inbox.end = end
      inbox.trailingMetadata = trailers
      defer { inbox.reader = nil }
      return (inbox.reader, Self.outcome(of: end, inbox.deframer))
    }
    reader?.resume(with: outcome)
  }

  // MARK: From the reader

  /// The next message's bytes; nil after the last.
  func next() async throws -> ByteBuffer? {
    try await withTaskCancellationHandler {
      if let message = try takeNext() { return message }
      return try await withCheckedThrowingContinuation { wait($0) }
    } onCancel: {
      cancel()
    }
  }

  func cancel() {
    CallHandle(call: self).cancel()
  }

  /// A message that is already here.
  private func takeNext() throws -> ByteBuffer? {
    let (outcome, credit) = inbox.withLockedValue { inbox -> (Result<ByteBuffer?, RPCError>, Int) in
      do throws(FramingError) {
        let message = try inbox.deframer.next()
        let credit = message == nil ? 0 : takeCredit(&inbox, isWaiting: false)
        return (.success(message), credit)
      } catch {
        return (.failure(error.status), 0)
      }
    }
    if credit > 0 { eventLoop.execute { self.giveBack(credit) } }
    return try outcome.get()
  }

  private func wait(_ reader: Reader) {
    let (outcome, credit) = inbox.withLockedValue {
      inbox -> (Result<ByteBuffer?, any Error>?, Int) in
      do throws(FramingError) {
        if let message = try inbox.deframer.next() { return (.success(message), 0) }
      } catch {
        return (.failure(error.status), 0)
      }
      if let end = inbox.end { return (Self.outcome(of: end, inbox.deframer), 0) }
      guard inbox.reader == nil else {
        let error = RPCError(code: .internalError, message: "two readers of one response stream")
        return (.failure(error), 0)
      }
      inbox.reader = reader
      return (nil, takeCredit(&inbox, isWaiting: true))
    }
    if credit > 0 { eventLoop.execute { self.giveBack(credit) } }
    if let outcome { reader.resume(with: outcome) }
  }

  private static func outcome(
    of end: Result<Void, RPCError>, _ deframer: MessageDeframer
  ) -> Result<ByteBuffer?, any Error> {
    if case .failure(let error) = end { return .failure(error) }
    do throws(FramingError) {
      try deframer.finish()
      return .success(nil)
    } catch {
      return .failure(error.status)
    }
  }

  /// What may be given back now: everything that is not waiting for the reader; everything while
  /// the reader waits, for then what is here is part of one message. Zero while it is too little.
  private func takeCredit(_ inbox: inout Inbox, isWaiting: Bool) -> Int {
    let credit = isWaiting ? inbox.owed : inbox.owed - inbox.deframer.bufferedBytes
    guard credit >= creditBytesMin else { return 0 }
    inbox.owed -= credit
    return credit
  }
}
