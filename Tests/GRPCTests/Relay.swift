import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Passes bytes on to a port, until it is cut or stalled.
final class Relay: Sendable {
  let port: Int
  private let listener: any Channel
  private let line: Line

  /// What its connections share.
  private final class Line: Sendable {
    let accepted = NIOLockedValueBox<[any Channel]>([])
    let isStalled = NIOLockedValueBox(false)
  }

  private init(port: Int, listener: any Channel, line: Line) {
    self.port = port
    self.listener = listener
    self.line = line
  }

  static func start(onward: Int) async throws -> Relay {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let line = Line()
    let listener = try await ServerBootstrap(group: loop, childGroup: loop)
      .childChannelInitializer { near in
        line.accepted.withLockedValue { $0.append(near) }
        return ClientBootstrap(group: loop)
          .channelInitializer { far in
            far.eventLoop.makeCompletedFuture {
              try far.pipeline.syncOperations.addHandler(Copying(near, line))
            }
          }
          .connect(host: "127.0.0.1", port: onward)
          .flatMapThrowing { far in
            try near.pipeline.syncOperations.addHandler(Copying(far, line))
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return Relay(port: listener.localAddress?.port ?? 0, listener: listener, line: line)
  }

  /// Closes its connections.
  func cut() {
    let accepted = line.accepted.withLockedValue { accepted in
      defer { accepted = [] }
      return accepted
    }
    for channel in accepted { channel.close(promise: nil) }
  }

  /// Keeps its connections and passes nothing on any more.
  func stall() {
    line.isStalled.withLockedValue { $0 = true }
  }

  func stop() async throws {
    try await listener.close()
    cut()
  }

  private final class Copying: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let other: any Channel
    private let line: Line

    init(_ other: any Channel, _ line: Line) {
      self.other = other
      self.line = line
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      guard !line.isStalled.withLockedValue({ $0 }) else { return }
      other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      other.close(promise: nil)
    }
  }
}
