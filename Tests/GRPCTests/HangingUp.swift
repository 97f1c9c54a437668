import GRPC
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server that takes connections and hangs up.
final class HangingUp: Sendable {
  enum Moment: Sendable {
    /// At once.
    case accepted
    /// With the SETTINGS of HTTP/2 sent.
    case settingsSent
    /// When the client has said something.
    case firstBytes
    /// When the client has acknowledged SETTINGS that allow it no streams: its calls have not left.
    case noStreamsAcknowledged
  }

  let address: Address
  private let listener: any Channel
  private let count: NIOLockedValueBox<Int>
  private let first: AsyncStream<Void>

  private init(
    _ listener: any Channel, _ count: NIOLockedValueBox<Int>, _ first: AsyncStream<Void>
  ) {
    self.listener = listener
    self.count = count
    self.first = first
    address = .tcp(host: "127.0.0.1", port: listener.localAddress?.port ?? 0)
  }

  /// - Parameter connectionsMax: with the last of them it stops listening.
  static func start(after moment: Moment, connectionsMax: Int = .max) async throws -> HangingUp {
    let count = NIOLockedValueBox(0)
    let (first, continuation) = AsyncStream.makeStream(of: Void.self)
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        let number = count.withLockedValue { count in
          count += 1
          return count
        }
        continuation.finish()
        let loop = channel.eventLoop
        let stopped = number == connectionsMax ? channel.parent?.close() : nil
        return (stopped ?? loop.makeSucceededVoidFuture()).hop(to: loop).flatMapThrowing {
          try channel.pipeline.syncOperations.addHandler(Handler(moment))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return HangingUp(listener, count, first)
  }

  var connections: Int { count.withLockedValue { $0 } }

  /// Returns once there was a connection.
  func firstConnection() async {
    for await _ in first {}
  }

  func stop() async throws {
    try await listener.close()
  }

  private final class Handler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let moment: Moment
    private var received: [UInt8] = []

    private static let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
    private static let noStreams: [UInt8] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0]
    private static let acknowledgement: [UInt8] = [0, 0, 0, 4, 1, 0, 0, 0, 0]

    init(_ moment: Moment) {
      self.moment = moment
    }

    func channelActive(context: ChannelHandlerContext) {
      switch moment {
      case .accepted: context.close(promise: nil)
      case .settingsSent:
        send(Self.settings, context)
        // With bytes unread, closing both ways would drop what was sent.
        context.close(mode: .output, promise: nil)
      case .noStreamsAcknowledged: send(Self.noStreams, context)
      case .firstBytes: break
      }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      received += unwrapInboundIn(data).readableBytesView
      switch moment {
      case .firstBytes: context.close(promise: nil)
      case .noStreamsAcknowledged:
        if received.contains(Self.acknowledgement) { context.close(promise: nil) }
      case .accepted, .settingsSent: break
      }
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
  }
}
