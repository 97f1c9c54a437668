import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A frame as it came (RFC 9113 §4.1).
struct Frame: Sendable, CustomStringConvertible {
  let type: UInt8
  let flags: UInt8
  let stream: UInt32
  let payload: [UInt8]

  static let data: UInt8 = 0
  static let headers: UInt8 = 1
  static let priority: UInt8 = 2
  static let rstStream: UInt8 = 3
  static let settings: UInt8 = 4
  static let pushPromise: UInt8 = 5
  static let ping: UInt8 = 6
  static let goAway: UInt8 = 7
  static let windowUpdate: UInt8 = 8
  static let continuation: UInt8 = 9

  var isAck: Bool { flags & 1 != 0 }
  var endsStream: Bool { type <= Self.headers && flags & 1 != 0 }
  /// The code of RST_STREAM or GOAWAY.
  var errorCode: UInt32? {
    switch type {
    case Self.rstStream where payload.count == 4: integer(payload[...])
    case Self.goAway where payload.count >= 8: integer(payload[4..<8])
    default: nil
    }
  }

  private func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }

  var description: String {
    "frame \(type) flags \(flags) stream \(stream) of \(payload.count) bytes"
      + (errorCode.map { " code \($0)" } ?? "")
  }
}

/// A client that sends bytes as it is told, right or wrong, and hands out frames as they come.
final class RawPeer: Sendable {
  private let channel: any Channel
  private let frames: FrameReader

  private init(_ channel: any Channel, _ frames: FrameReader) {
    self.channel = channel
    self.frames = frames
  }

  static func connect(host: String, port: Int) async throws -> RawPeer {
    let frames = FrameReader()
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(frames)
        }
      }
      .connect(host: host, port: port).get()
    return RawPeer(channel, frames)
  }

  func send(_ bytes: [UInt8]) {
    // The server may have closed the connection for what came before.
    channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
  }

  /// The next frame; nil when the server has closed the connection, or the test's time is over.
  func next() async -> Frame? { await frames.next() }

  func close() async {
    channel.close(mode: .all, promise: nil)
    try? await channel.closeFuture.get()
  }
}

/// Cuts what the server sends into frames and hands them to whoever waits.
private final class FrameReader: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  private let state = NIOLockedValueBox(State())

  private struct State {
    var bytes = ByteBuffer()
    var frames: [Frame] = []
    var isClosed = false
    var waiting: CheckedContinuation<Frame?, Never>?

    mutating func take() -> Frame? {
      guard let head: UInt32 = bytes.getInteger(at: bytes.readerIndex) else { return nil }
      let count = Int(head >> 8)
      guard bytes.readableBytes >= 9 + count else { return nil }
      bytes.moveReaderIndex(forwardBy: 4)
      guard let flags: UInt8 = bytes.readInteger(), let stream: UInt32 = bytes.readInteger(),
        let payload = bytes.readBytes(length: count)
      else { return nil }
      return Frame(
        type: UInt8(truncatingIfNeeded: head), flags: flags, stream: stream & 0x7fff_ffff,
        payload: payload)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let waiting = state.withLockedValue { state in
      state.bytes.writeImmutableBuffer(unwrapInboundIn(data))
      while let frame = state.take() { state.frames.append(frame) }
      return Self.ready(&state)
    }
    waiting?()
  }

  func channelInactive(context: ChannelHandlerContext) {
    let waiting = state.withLockedValue { state in
      state.isClosed = true
      return Self.ready(&state)
    }
    waiting?()
  }

  /// A reset of the connection is as good as its end.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private static func ready(_ state: inout State) -> (@Sendable () -> Void)? {
    guard let waiting = state.waiting, !state.frames.isEmpty || state.isClosed else { return nil }
    state.waiting = nil
    let frame = state.frames.isEmpty ? nil : state.frames.removeFirst()
    return { waiting.resume(returning: frame) }
  }

  func next() async -> Frame? {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready = state.withLockedValue { state in
          state.waiting = continuation
          return Self.ready(&state)
        }
        ready?()
      }
    } onCancel: {
      let waiting = state.withLockedValue { state in
        state.isClosed = true
        return Self.ready(&state)
      }
      waiting?()
    }
  }
}
