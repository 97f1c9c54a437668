import HTTP2
import NIOCore
import NIOEmbedded
import Testing

/// Answers every request with "ok" and remembers what it was told.
private final class Answering: HTTP2ConnectionDelegate {
  var closedStreams = 0
  var isClosed = false
  var answers = true

  func handle(_ event: HTTP2Event, on connection: HTTP2Connection) {
    switch event {
    case .headers(let stream, _, _):
      guard answers else {
        stream.context = Marker()
        return
      }
      connection.session.submitResponse(stream, response())
      _ = connection.session.write(stream, "ok")
      connection.session.end(stream, trailers: trailers())
      connection.setNeedsFlush()
    case .closed: closedStreams += 1
    default: break
    }
  }

  func connectionClosed(_ connection: HTTP2Connection) {
    isClosed = true
  }
}

@Suite struct ConnectionTests {
  private func makeChannel(
    _ delegate: Answering
  ) throws -> (channel: EmbeddedChannel, connection: HTTP2Connection) {
    let channel = EmbeddedChannel()
    let connection = HTTP2Connection(
      session: try HTTP2Session(role: .server), eventLoop: channel.eventLoop, delegate: delegate)
    try channel.pipeline.syncOperations.addHandler(connection)
    try channel.connect(to: SocketAddress(unixDomainSocketPath: "/a")).wait()
    return (channel, connection)
  }

  @Test func oneWriteAnswersEverythingThatArrivedTogether() throws {
    let (channel, _) = try makeChannel(Answering())
    let client = try HTTP2Session(role: .client)
    let settings = try #require(try channel.readOutbound(as: ByteBuffer.self))
    #expect(transcript(client.receive(settings)) == ["settings"])
    for _ in 0..<50 {
      _ = client.submitRequest(request(), endStream: true, context: Marker())
    }
    try channel.writeInbound(client.bytesToSend())
    let answer = try #require(try channel.readOutbound(as: ByteBuffer.self))
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    let lines = transcript(client.receive(answer))
    #expect(lines.filter { $0.hasSuffix("closed NO_ERROR") }.count == 50)
    _ = try channel.finish()
  }

  @Test func openStreamsAreClosedWithTheChannel() throws {
    let delegate = Answering()
    delegate.answers = false
    let (channel, connection) = try makeChannel(delegate)
    let client = try HTTP2Session(role: .client)
    for _ in 0..<3 { _ = client.submitRequest(request(), endStream: true, context: Marker()) }
    try channel.writeInbound(client.bytesToSend())
    #expect(connection.session.openStreamCount == 3)
    try channel.close().wait()
    #expect(delegate.closedStreams == 3)
    #expect(delegate.isClosed)
    channel.embeddedEventLoop.run()
  }

  @Test func aBrokenPeerIsToldAndDropped() throws {
    let delegate = Answering()
    let (channel, connection) = try makeChannel(delegate)
    try channel.writeInbound(ByteBuffer(string: "SSH-2.0-OpenSSH_9.2 and the rest of it\r\n"))
    #expect(!channel.isActive)
    #expect(delegate.isClosed)
    #expect(connection.failure is HTTP2ConnectionError)
    channel.embeddedEventLoop.run()
  }

  @Test func nothingIsPulledWhileTheChannelIsFull() throws {
    let delegate = Answering()
    let (channel, _) = try makeChannel(delegate)
    _ = try channel.readOutbound(as: ByteBuffer.self)
    channel.isWritable = false
    let client = try HTTP2Session(role: .client)
    _ = client.submitRequest(request(), endStream: true, context: Marker())
    try channel.writeInbound(client.bytesToSend())
    #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    channel.isWritable = true
    channel.pipeline.fireChannelWritabilityChanged()
    #expect(try channel.readOutbound(as: ByteBuffer.self) != nil)
    _ = try channel.finish()
  }
}
