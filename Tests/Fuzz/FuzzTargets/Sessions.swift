import NIOCore

@testable import GRPC
@testable import HTTP2

/// What sessions have to hold to, whatever they are sent.
enum SessionLimits {
  static let configuration = HTTP2SessionConfiguration(
    concurrentStreamsMax: 8, headerListBytesMax: 2_048)
  /// Time stands still, so that the limits of floods depend on the input alone.
  static let clock: @Sendable () -> NIODeadline = { .uptimeNanoseconds(1) }
  private static let sentBytesMax = 4_096

  static func session(_ role: HTTP2Session.Role) throws -> HTTP2Session {
    do throws(HTTP2ConnectionError) {
      return try HTTP2Session(role: role, configuration: configuration, clock: clock)
    } catch {
      throw Finding(description: "\(error)")
    }
  }

  static func check(_ session: HTTP2Session) throws {
    try require(
      session.openStreamCount <= Int(configuration.concurrentStreamsMax) + 1,
      "\(session.openStreamCount) streams are open")
    try require(
      session.abandonedStreams.count <= Int(configuration.concurrentStreamsMax),
      "\(session.abandonedStreams.count) streams are remembered")
  }

  static func check(_ headers: HeaderBlock) throws {
    var bytes = 0
    headers.forEach { bytes += $0.count + $1.count + 32 }
    try require(
      bytes == headers.listBytes && bytes <= configuration.headerListBytesMax,
      "a list of \(bytes) bytes, counted as \(headers.listBytes)")
  }

  /// What is sent without being asked for much is not much.
  static func drain(_ session: HTTP2Session, received: Int) throws -> [HTTP2Event] {
    let sent = session.bytesToSend().readableBytes
    try require(
      sent <= sentBytesMax + 32 * received, "\(sent) bytes in answer to \(received)")
    try require(session.queuedFrameCount == 0, "\(session.queuedFrameCount) frames stay behind")
    return session.takeEvents()
  }
}

extension FuzzTarget {
  /// A connection as the server has it: frames, HPACK, requests, messages; answered or only read.
  static let serverSession = FuzzTarget(
    name: "server-session", seeds: ServerSeeds.make, run: fuzzServerSession)
}

@Sendable func fuzzServerSession(_ bytes: UnsafeRawBufferPointer) throws {
  var input = FuzzInput(bytes)
  let options = input.byte()
  let seed = input.byte()
  var start: [UInt8] = []
  if options & 1 == 0 { start += Frames.preface }
  if options & 2 == 0 { start += Frames.settings }
  let all = start + input.rest
  if options & 4 == 0 {
    try converse(all, seed)
  } else {
    let whole = try listen(all, 0)
    let pieces = try listen(all, seed)
    try require(whole == pieces, "as a whole: \(whole), in pieces: \(pieces)")
  }
}

/// Answers every request as a server does.
private func converse(_ bytes: [UInt8], _ seed: UInt8) throws {
  let session = try SessionLimits.session(.server)
  let server = SessionServer(session)
  try bytes.withUnsafeBytes { bytes in
    for piece in Pieces(bytes, seed: seed) {
      try server.handle(session.receive(ByteBuffer(bytes: piece)))
      try server.handle(SessionLimits.drain(session, received: piece.count))
      try SessionLimits.check(session)
    }
  }
  server.close()
}

/// A server's calls, each with its deframer as the stream's context.
private final class SessionServer {
  private final class Call {
    var deframer: MessageDeframer
    init(_ encodings: RequestHead.Encodings) {
      deframer = MessageDeframer(messageBytesMax: 1_024, encoding: encodings.request)
    }
  }

  private let session: HTTP2Session

  init(_ session: HTTP2Session) { self.session = session }

  func handle(_ events: [HTTP2Event]) throws {
    for event in events {
      switch event {
      case .headers(let stream, let headers, let endStream):
        try SessionLimits.check(headers)
        try begin(stream, headers, endStream)
      case .data(let stream, let bytes, let endStream):
        session.giveBack(stream, byteCount: bytes.readableBytes)
        read(stream, bytes, endStream)
      case .endStream(let stream):
        read(stream, ByteBuffer(), true)
      case .closed(let stream, _):
        stream.context = nil
      case .drained, .settings, .ping, .pingAcknowledged, .goAway, .failed:
        break
      }
    }
  }

  private func begin(
    _ stream: HTTP2Stream, _ headers: HeaderBlock, _ endStream: Bool
  ) throws {
    guard stream.context == nil else { return }
    _ = Metadata(headers)
    do throws(RequestHead.Refusal) {
      let head = try RequestHead(headers, Handlers.table, receivedTime: SessionLimits.clock())
      stream.context = Call(head.encodings)
      if endStream { answer(stream) }
    } catch {
      var response = HeaderBlock()
      switch error {
      case .httpStatus(let status): response.append(":status", "\(status)")
      case .status(let error):
        response = Self.responseHeaders
        StatusFields.append(error, to: &response)
      }
      session.submitResponse(stream, response, endStream: true)
    }
  }

  private func read(_ stream: HTTP2Stream, _ bytes: ByteBuffer, _ endStream: Bool) {
    guard let call = stream.context as? Call else { return }
    call.deframer.append(bytes)
    do throws(FramingError) {
      while let message = try call.deframer.next() { respond(stream, message) }
      if endStream { try call.deframer.finish() }
    } catch {
      session.reset(stream, .cancel)
      return
    }
    if endStream { answer(stream) }
  }

  /// Sends a message back.
  private func respond(_ stream: HTTP2Stream, _ message: ByteBuffer) {
    if !stream.acceptsData { session.submitResponse(stream, Self.responseHeaders) }
    message.withUnsafeReadableBytes { _ = session.write(stream, $0) }
  }

  private func answer(_ stream: HTTP2Stream) {
    if !stream.acceptsData { session.submitResponse(stream, Self.responseHeaders) }
    var trailers = HeaderBlock()
    StatusFields.append(nil, to: &trailers)
    session.end(stream, trailers: trailers)
  }

  func close() {
    for stream in session.streams { stream.context = nil }
  }

  private static let responseHeaders: HeaderBlock = {
    var headers = HeaderBlock()
    headers.append(":status", "200")
    headers.append("content-type", "application/grpc")
    return headers
  }()
}

/// What a session found; nothing is answered.
private struct Report: Equatable {
  var headers: [String] = []
  var data: [Int32: [UInt8]] = [:]
  var ends: Set<Int32> = []
  /// Of several reasons to end the connection, the pieces may decide which is found first.
  var isOver = false
}

private func listen(_ bytes: [UInt8], _ seed: UInt8) throws -> Report {
  let session = try SessionLimits.session(.server)
  var report = Report()
  try bytes.withUnsafeBytes { bytes in
    for piece in Pieces(bytes, seed: seed) {
      for event in session.receive(ByteBuffer(bytes: piece)) {
        switch event {
        case .headers(let stream, let headers, let endStream):
          try SessionLimits.check(headers)
          report.headers.append("\(stream.id) \(endStream) \(headers)")
        case .data(let stream, let data, let endStream):
          report.data[stream.id, default: []] += data.readableBytesView
          if endStream { report.ends.insert(stream.id) }
        case .endStream(let stream): report.ends.insert(stream.id)
        case .failed: report.isOver = true
        default: break
        }
      }
      try SessionLimits.check(session)
    }
  }
  if Frames.types(session.bytesToSend().readableBytesView).contains(7) { report.isOver = true }
  return report
}

private enum ServerSeeds {
  @Sendable static func make() -> [[UInt8]] {
    let message: [UInt8] = [0, 0, 0, 0, 5] + Array("hello".utf8)
    let call =
      Frames.headers(request, stream: 1) + Frames.data(message, stream: 1, endStream: true)
    let block = Frames.block(request)
    let cut =
      Frames.frame(1, flags: 0, stream: 1, Array(block.prefix(20)))
      + Frames.frame(9, flags: 4, stream: 1, Array(block.dropFirst(20)))
    let control =
      Frames.settingsAck + Frames.frame(6, Array(1...8)) + Frames.frame(8, [0, 0, 1, 0])
      + Frames.frame(4, [0, 4, 0, 0, 16, 0, 0, 5, 0, 0, 64, 0])
    let two =
      Frames.headers(request, stream: 1) + Frames.headers(request, stream: 3)
      + Frames.data(message + message, stream: 3) + Frames.frame(3, stream: 1, [0, 0, 0, 8])
      + Frames.data(message, stream: 3, endStream: true)
      + Frames.frame(7, [0, 0, 0, 0, 0, 0, 0, 0])
    // Static table, dynamic table, Huffman (RFC 7541 appendix C.4.1).
    let huffman: [UInt8] = [
      0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90,
      0xf4, 0xff,
    ]
    let table =
      Frames.frame(1, flags: 5, stream: 1, huffman)
      + Frames.frame(1, flags: 5, stream: 3, [0x82, 0x86, 0x84, 0xbe])
    let padded =
      Frames.frame(1, flags: 0x2c, stream: 1, [3, 0, 0, 0, 0, 16] + block + [0, 0, 0])
      + Frames.frame(0, flags: 9, stream: 1, [2] + message + [0, 0])
    let bodies = [call, cut, control, control + call, two, table, padded]
    let choices: [[UInt8]] = [[0, 0], [0, 5], [4, 7], [6, 3]]
    return bodies.flatMap { body in choices.map { $0 + body } }
  }

  private static let request = [
    (":method", "POST"), (":scheme", "http"), (":path", "/baton.v1.Orchestrator/SubmitPlan"),
    (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
    ("grpc-timeout", "20S"), ("trace-bin", "AAEC"),
  ]
}
