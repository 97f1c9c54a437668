import NIOCore

@testable import GRPC
@testable import HTTP2

extension FuzzTarget {
  /// A connection as the client has it, with three calls under way.
  static let clientSession = FuzzTarget(
    name: "client-session", seeds: ClientSeeds.make, run: fuzzClientSession)
}

@Sendable func fuzzClientSession(_ bytes: UnsafeRawBufferPointer) throws {
  var input = FuzzInput(bytes)
  let options = input.byte()
  let seed = input.byte()
  let client = try SessionClient(endsRequests: options & 1 != 0)
  for piece in Pieces(input.rest, seed: seed) { try client.receive(piece) }
  client.close()
}

/// A client's calls: their machines, and what they have received.
private final class SessionClient {
  private final class Call {
    var machine = ClientCallMachine(refusalsMax: 1, policy: RetryPolicy())
    var deframer = MessageDeframer(messageBytesMax: 1_024)
  }

  private let session: HTTP2Session
  private var streams: [HTTP2Stream] = []

  init(endsRequests: Bool) throws {
    session = try SessionLimits.session(.client)
    for _ in 0..<3 {
      let (stream, outcome) = session.submitRequest(
        ClientSeeds.request, endStream: endsRequests, context: Call())
      try require(outcome == .ok, "cannot ask: \(outcome)")
      streams.append(stream)
    }
    _ = try SessionLimits.drain(session, received: 0)
  }

  func receive(_ piece: UnsafeRawBufferPointer) throws {
    try handle(session.receive(ByteBuffer(bytes: piece)))
    try handle(SessionLimits.drain(session, received: piece.count))
    try SessionLimits.check(session)
  }

  func close() {
    for stream in streams { stream.context = nil }
    streams = []
  }

  private func handle(_ events: [HTTP2Event]) throws {
    for event in events {
      switch event {
      case .headers(let stream, let headers, let endStream):
        try SessionLimits.check(headers)
        act(stream, .headers(headers, endStream: endStream))
      case .data(let stream, let bytes, let endStream):
        session.giveBack(stream, byteCount: bytes.readableBytes)
        (stream.context as? Call)?.deframer.append(bytes)
        act(stream, .data)
        if endStream { act(stream, .endStream) }
      case .endStream(let stream): act(stream, .endStream)
      case .closed(let stream, let code):
        act(stream, .closed(code, requestSent: stream.isRequestSent))
        stream.context = nil
      case .drained, .settings, .ping, .pingAcknowledged, .goAway, .failed: break
      }
    }
  }

  private func act(_ stream: HTTP2Stream, _ event: ClientCallMachine.Event) {
    guard let call = stream.context as? Call else { return }
    switch call.machine.receive(event) {
    case .none, .retry: break
    case .begin(_, let encoding): call.deframer.encoding = encoding
    case .read: read(stream, call)
    case .retryLater(_, _, let reset), .end(_, _, let reset):
      if reset { session.reset(stream, .cancel) }
    }
  }

  private func read(_ stream: HTTP2Stream, _ call: Call) {
    do throws(FramingError) {
      while try call.deframer.next() != nil {}
    } catch {
      act(stream, .abandon(error.status))
    }
  }
}

private enum ClientSeeds {
  static let request: HeaderBlock = {
    var headers = HeaderBlock()
    headers.append(":method", "POST")
    headers.append(":scheme", "http")
    headers.append(":path", "/baton.v1.Orchestrator/SubmitPlan")
    headers.append(":authority", "localhost")
    headers.append("content-type", "application/grpc")
    headers.append("te", "trailers")
    return headers
  }()

  @Sendable static func make() -> [[UInt8]] {
    let message: [UInt8] = [0, 0, 0, 0, 5] + Array("hello".utf8)
    let head = [(":status", "200"), ("content-type", "application/grpc"), ("trace-bin", "AAEC")]
    let response =
      Frames.settings + Frames.settingsAck + Frames.headers(head, stream: 1)
      + Frames.data(message, stream: 1)
      + Frames.headers([("grpc-status", "0")], stream: 1, endStream: true)
    let failure = Frames.headers(
      [
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14"),
        ("grpc-message", "gr%C3%BCn"), ("grpc-retry-pushback-ms", "10"),
      ], stream: 3, endStream: true)
    let packed = Samples.gzip([1, 2, 3, 4])
    let compressed =
      Frames.headers(head + [("grpc-encoding", "gzip")], stream: 5)
      + Frames.data([1, 0, 0, 0, UInt8(packed.count)] + packed, stream: 5, endStream: true)
    let interim =
      Frames.headers([(":status", "103")], stream: 1) + Frames.headers(head, stream: 1)
    let reset =
      Frames.frame(3, stream: 3, [0, 0, 0, 7]) + Frames.frame(7, [0, 0, 0, 1, 0, 0, 0, 0])
    let bodies = [
      response, Frames.settings + failure, Frames.settings + compressed,
      Frames.settings + interim, Frames.settings + reset,
      Frames.settings + Frames.frame(6, Array(1...8)),
    ]
    let choices: [[UInt8]] = [[0, 0], [1, 5]]
    return bodies.flatMap { body in choices.map { $0 + body } }
  }
}
