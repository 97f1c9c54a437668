import GRPC
import HTTP2
import NIOCore
import NIOPosix

/// A client of plain HTTP/2, to send what our own client never would. One connection, one event
/// loop, requests one after the other.
final class RawClient: HTTP2ConnectionDelegate, @unchecked Sendable {
  /// What a request was answered with.
  struct Answer: Equatable, CustomStringConvertible {
    var headers = ""
    var messages: [String] = []
    var trailers = ""
    var end = ""

    /// The value of a field of the headers or the trailers.
    subscript(name: String) -> String? {
      for line in (headers + "\n" + trailers).split(separator: "\n")
      where line.hasPrefix(name + ": ") {
        return String(line.dropFirst(name.count + 2))
      }
      return nil
    }

    var description: String { "\(headers)\n\(messages)\n\(trailers)\n\(end)" }
  }

  private let eventLoop: any EventLoop
  private let address: Address
  private var connection: HTTP2Connection?
  private var answer = Answer()
  private var waiting: CheckedContinuation<Answer, Never>?
  private var isClosed = false
  private(set) var goAways: [HTTP2ErrorCode] = []

  init(_ address: Address) {
    self.address = address
    eventLoop = MultiThreadedEventLoopGroup.singleton.any()
  }

  func connect() async throws {
    guard case .tcp(let host, let port) = address else { return }
    _ = try await ClientBootstrap(group: eventLoop)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let connection = HTTP2Connection(
            session: try HTTP2Session(role: .client), eventLoop: channel.eventLoop, delegate: self)
          self.connection = connection
          try channel.pipeline.syncOperations.addHandler(connection)
        }
      }
      .connect(host: host, port: port).get()
  }

  /// Sends a request of these bytes in so many DATA frames and waits for its end. Fields given
  /// replace the usual ones; an empty value leaves the field out.
  func send(
    _ fields: [(String, String)] = [], frames: [[UInt8]], endStream: Bool = true
  ) async -> Answer {
    await withCheckedContinuation { continuation in
      eventLoop.execute {
        self.answer = Answer()
        self.waiting = continuation
        self.submit(fields, frames, endStream)
      }
    }
  }

  private func submit(_ changes: [(String, String)], _ frames: [[UInt8]], _ endStream: Bool) {
    var fields = [
      (":method", "POST"), (":scheme", "http"), (":path", "/baton.test.Probe/Echo"),
      (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"),
    ]
    for (name, value) in changes {
      if let index = fields.firstIndex(where: { $0.0 == name }) {
        fields[index].1 = value
      } else {
        fields.append((name, value))
      }
    }
    var headers = HeaderBlock()
    for (name, value) in fields where !value.isEmpty { headers.append(name, value) }
    guard let connection else { return }
    let isEmpty = frames.isEmpty && endStream
    let (stream, _) = connection.session.submitRequest(
      headers, endStream: isEmpty, context: self)
    for frame in frames {
      _ = frame.withUnsafeBytes { connection.session.write(stream, $0) }
    }
    if endStream, !isEmpty { connection.session.end(stream) }
    connection.setNeedsFlush()
  }

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
    switch event {
    case .headers(_, let headers, _):
      if answer.headers.isEmpty {
        answer.headers = headers.description
      } else {
        answer.trailers = headers.description
      }
    case .data(let stream, let bytes, _):
      answer.messages.append(String(buffer: bytes))
      connection.session.giveBack(stream, byteCount: bytes.readableBytes)
    case .closed(_, let code):
      answer.end = "\(code)"
      finish()
    case .goAway(_, let code, _): goAways.append(code)
    default: break
    }
  }

  func connectionClosed(_ connection: HTTP2Connection) {
    isClosed = true
    finish()
  }

  private func finish() {
    let waiting = waiting
    self.waiting = nil
    waiting?.resume(returning: answer)
  }

  func close() {
    eventLoop.execute { self.connection?.terminate(.noError) }
  }
}

/// A message with its prefix.
func framed(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
  [flag] + withUnsafeBytes(of: UInt32(message.count).bigEndian, Array.init) + message
}
