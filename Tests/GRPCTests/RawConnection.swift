import GRPC
import HTTP2
import Messages
import NIOCore
import NIOPosix

/// A client of plain HTTP/2 with many calls at a time, each sent piece by piece; it gives window
/// back only when told to.
final class RawConnection: HTTP2ConnectionDelegate, @unchecked Sendable {
  let eventLoop: any EventLoop
  private var connection: HTTP2Connection?
  private let readsByItself: Bool

  private init(_ eventLoop: any EventLoop, readsByItself: Bool) {
    self.eventLoop = eventLoop
    self.readsByItself = readsByItself
  }

  /// - Parameter readsByItself: whether the window of received bytes is given back at once.
  static func connect(
    to address: Address, http2: HTTP2SessionConfiguration = HTTP2SessionConfiguration(),
    readsByItself: Bool = true
  ) async throws -> RawConnection {
    guard case .tcp(let host, let port) = address else { throw AddressError(address) }
    let loop = MultiThreadedEventLoopGroup.singleton.any()
    let raw = RawConnection(loop, readsByItself: readsByItself)
    _ = try await ClientBootstrap(group: loop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = HTTP2Connection(
            session: try HTTP2Session(role: .client, configuration: http2),
            eventLoop: channel.eventLoop, delegate: raw)
          raw.connection = connection
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      .connect(host: host, port: port).get()
    return raw
  }

  private struct AddressError: Error {
    init(_ address: Address) {}
  }

  /// Begins a call of the probe, or of any other path; fields given replace the usual ones or are
  /// added.
  func open(_ method: String, _ fields: [(String, String)] = []) async throws -> RawCall {
    let path = method.hasPrefix("/") ? method : "/baton.test.Probe/\(method)"
    return try await eventLoop.submit {
      var all = [
        (":method", "POST"), (":scheme", "http"), (":path", path),
        (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
      ]
      all.removeAll { field in fields.contains { $0.0 == field.0 } && field.0.first != ":" }
      var headers = HeaderBlock()
      for (name, value) in all + fields { headers.append(name, value) }
      let call = RawCall(self)
      call.stream = self.session.submitRequest(headers, endStream: false, context: call).0
      self.flush()
      return call
    }.get()
  }

  var session: HTTP2Session {
    guard let connection else { preconditionFailure("not connected") }
    return connection.session
  }

  func flush() {
    connection?.setNeedsFlush()
  }

  func close() {
    eventLoop.execute { self.connection?.terminate(.noError) }
  }

  /// Ends the connection without a word.
  func cut() {
    eventLoop.execute { self.connection?.close() }
  }

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
    switch event {
    case .headers(let stream, let headers, _):
      (stream.context as? RawCall)?.yield(.headers(headers))
    case .data(let stream, let bytes, _):
      if readsByItself {
        connection.session.giveBack(stream, byteCount: bytes.readableBytes)
        connection.setNeedsFlush()
      }
      (stream.context as? RawCall)?.received(bytes)
    case .closed(let stream, let code):
      (stream.context as? RawCall)?.closed(code)
    default: break
    }
  }

  func connectionClosed(_ connection: HTTP2Connection) {}
}

/// One call on a `RawConnection`.
final class RawCall: @unchecked Sendable {
  enum Event: Equatable {
    case headers(HeaderBlock)
    /// A whole message, its prefix included.
    case message([UInt8])
    case closed(HTTP2ErrorCode)
  }

  private let connection: RawConnection
  fileprivate var stream: HTTP2Stream?
  private var buffer = ByteBuffer()
  private(set) var receivedBytes = 0
  private let events: AsyncStream<Event>
  private let continuation: AsyncStream<Event>.Continuation

  fileprivate init(_ connection: RawConnection) {
    self.connection = connection
    (events, continuation) = AsyncStream.makeStream(of: Event.self)
  }

  // MARK: On the event loop

  fileprivate func yield(_ event: Event) {
    continuation.yield(event)
  }

  fileprivate func received(_ bytes: ByteBuffer) {
    receivedBytes += bytes.readableBytes
    buffer.writeImmutableBuffer(bytes)
    while let count: UInt32 = buffer.getInteger(at: buffer.readerIndex + 1),
      let message = buffer.readBytes(length: 5 + Int(count))
    {
      continuation.yield(.message(message))
    }
  }

  fileprivate func closed(_ code: HTTP2ErrorCode) {
    continuation.yield(.closed(code))
    continuation.finish()
  }

  private func onLoop(_ body: @escaping @Sendable (HTTP2Session, HTTP2Stream) -> Void) {
    connection.eventLoop.execute {
      guard let stream = self.stream else { return }
      body(self.connection.session, stream)
      self.connection.flush()
    }
  }

  // MARK: From the test

  func send(_ bytes: [UInt8]) {
    onLoop { session, stream in _ = bytes.withUnsafeBytes { session.write(stream, $0) } }
  }

  func send(_ text: String) {
    send(framed(Text(text).serializedBytes()))
  }

  func end() {
    onLoop { session, stream in session.end(stream) }
  }

  func reset(_ code: HTTP2ErrorCode = .cancel) {
    onLoop { session, stream in session.reset(stream, code) }
  }

  /// Bytes that wait for the server to give window back.
  func unsentBytes() async throws -> Int {
    try await connection.eventLoop.submit { self.stream?.unsentBytes ?? 0 }.get()
  }

  /// Bytes of DATA that have arrived.
  func bytesReceived() async throws -> Int {
    try await connection.eventLoop.submit { self.receivedBytes }.get()
  }

  /// The next event; nil after `closed`.
  func next() async -> Event? {
    for await event in events { return event }
    return nil
  }

  /// The text of the next message; nil for anything else.
  func nextText() async -> String? {
    guard case .message(let bytes) = await next() else { return nil }
    return (try? Text(serializedBytes: Array(bytes.dropFirst(5))))?.service
  }

  /// The rest of the call: its last header block and how the stream ended.
  func rest() async -> (trailers: HeaderBlock, end: HTTP2ErrorCode?) {
    var trailers = HeaderBlock()
    for await event in events {
      switch event {
      case .headers(let headers): trailers = headers
      case .closed(let code): return (trailers, code)
      case .message: break
      }
    }
    return (trailers, nil)
  }
}
