import HTTP2
import NIOCore

/// A client's and a server's session joined in memory.
final class Pair {
  let client: HTTP2Session
  let server: HTTP2Session
  private(set) var clientEvents: [HTTP2Event] = []
  private(set) var serverEvents: [HTTP2Event] = []
  /// Bytes that one `pump` moves at a time; 1 cuts every frame into pieces.
  var chunkBytes = Int.max

  init(
    client: HTTP2SessionConfiguration = .init(), server: HTTP2SessionConfiguration = .init()
  ) throws {
    self.client = try HTTP2Session(role: .client, configuration: client)
    self.server = try HTTP2Session(role: .server, configuration: server)
  }

  /// Moves bytes both ways until neither side has any; answers how many.
  @discardableResult
  func pump() -> Int {
    var moved = 0
    while true {
      let up = client.bytesToSend()
      clientEvents += client.takeEvents()
      serverEvents += feed(up, to: server)
      let down = server.bytesToSend()
      serverEvents += server.takeEvents()
      clientEvents += feed(down, to: client)
      let count = up.readableBytes + down.readableBytes
      guard count > 0 else { return moved }
      moved += count
    }
  }

  private func feed(_ bytes: ByteBuffer, to session: HTTP2Session) -> [HTTP2Event] {
    var bytes = bytes
    var events: [HTTP2Event] = []
    while let chunk = bytes.readSlice(length: min(chunkBytes, bytes.readableBytes)),
      chunk.readableBytes > 0
    {
      events += session.receive(chunk)
    }
    return events
  }

  func takeClientEvents() -> [HTTP2Event] {
    defer { clientEvents = [] }
    return clientEvents
  }

  func takeServerEvents() -> [HTTP2Event] {
    defer { serverEvents = [] }
    return serverEvents
  }

  /// Opens a request at the client and answers both ends of its stream.
  func open(endStream: Bool = false) throws -> (client: HTTP2Stream, server: HTTP2Stream) {
    let (stream, outcome) = client.submitRequest(
      request(), endStream: endStream, context: Marker())
    try require(outcome == .ok)
    pump()
    for case .headers(let other, _, _) in takeServerEvents() where other.id == stream.id {
      other.context = Marker()
      return (stream, other)
    }
    throw Missing()
  }

  private func require(_ condition: Bool) throws {
    if !condition { throw Missing() }
  }
}

struct Missing: Error {}

/// Stands for whatever a user of the session keeps for a stream.
final class Marker {}

func request(path: String = "/a/b") -> HeaderBlock {
  var headers = HeaderBlock()
  headers.append(":method", "POST")
  headers.append(":scheme", "http")
  headers.append(":path", path)
  headers.append(":authority", "localhost")
  return headers
}

func response(_ status: String = "200") -> HeaderBlock {
  var headers = HeaderBlock()
  headers.append(":status", status)
  return headers
}

func trailers() -> HeaderBlock {
  var headers = HeaderBlock()
  headers.append("grpc-status", "0")
  return headers
}

extension HTTP2Session {
  func write(_ stream: HTTP2Stream, _ text: String) -> HTTP2Outcome {
    write(stream, Array(text.utf8))
  }

  func write(_ stream: HTTP2Stream, _ bytes: [UInt8]) -> HTTP2Outcome {
    bytes.withUnsafeBytes { write(stream, $0) }
  }
}

/// Events as a transcript, one line each; DATA of one stream that comes in pieces is one line.
func transcript(_ events: [HTTP2Event]) -> [String] {
  var lines: [String] = []
  for event in events {
    switch event {
    case .headers(let stream, let headers, let end):
      let fields = headers.description.split(separator: "\n").joined(separator: ", ")
      lines.append("\(stream.id) headers \(fields)" + (end ? " END" : ""))
    case .data(let stream, let bytes, let end):
      let text = String(buffer: bytes) + (end ? " END" : "")
      let head = "\(stream.id) data "
      if let last = lines.last, last.hasPrefix(head) {
        lines[lines.count - 1] = last + text
      } else {
        lines.append(head + text)
      }
    case .endStream(let stream): lines.append("\(stream.id) END")
    case .drained(let stream): lines.append("\(stream.id) drained")
    case .closed(let stream, let code): lines.append("\(stream.id) closed \(code)")
    case .settings: lines.append("settings")
    case .ping: lines.append("ping")
    case .pingAcknowledged(let payload): lines.append("ping \(payload)")
    case .goAway(let last, let code, _): lines.append("goaway \(last) \(code)")
    case .failed(let error): lines.append("failed \(error.code)")
    }
  }
  return lines
}

/// Bytes of DATA for a stream among events.
func dataBytes(_ events: [HTTP2Event], of stream: HTTP2Stream) -> Int {
  var count = 0
  for case .data(let other, let bytes, _) in events where other === stream {
    count += bytes.readableBytes
  }
  return count
}
