import Messages
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Plan
import Testing

@Suite("Dead connections", .timeLimit(.minutes(1)))
struct BlackHoleTests {
  /// A poll is held for up to 20 s, and another 10 s pass before it counts as unanswered.
  @Test(
    "an adapter behind a connection on which no byte arrives any more is soon called on another")
  func adapter() async throws {
    let stage = try await Stage(
      [
        "--routes", "{default: [mock]}", "--adapters-keepalive", "300ms",
        "--adapters-keepalive-timeout", "300ms",
      ], store: "memory")
    let relay = try await BlackHoleRelay.start()
    let mock = try await stage.mock([
      "--results", "poll", "--advertise", "127.0.0.1:\(relay.port)",
    ])
    let port = try #require(mock.field("grpc").split(separator: ":").last.flatMap { Int($0) })
    relay.passOn(to: port)
    let plan = try Plan.reading(
      #"{"tasks":[{"id":"slow","type":"mock","metadata":{"mock.delay":"2s"}}]}"#)
    let planID = try await stage.submit(plan)
    try await stage.follow(planID) { $0.kind != "task_running" }
    #expect(relay.swallow() > 0)
    let start = ContinuousClock.now
    #expect(try await stage.follow(planID).last?.kind == "plan_completed")
    #expect(ContinuousClock.now - start < .seconds(12))
    #expect(try stage.ledger().filter { $0.event == "started" }.count == 1)
    try await relay.stop()
    await stage.close()
  }
}

/// Passes bytes on to a port. Connections that were swallowed stay open, and nothing arrives on them
/// any more: a firewall that forgot them, or a machine that lost its power.
final class BlackHoleRelay: Sendable {
  let port: Int
  private let listener: any Channel
  private let lines: Lines

  private final class Line: Sendable {
    let near: any Channel
    let isSwallowed = NIOLockedValueBox(false)

    init(_ near: any Channel) { self.near = near }
  }

  private final class Lines: Sendable {
    let all = NIOLockedValueBox<[Line]>([])
    let onward = NIOLockedValueBox<Int?>(nil)
  }

  private struct NowhereToGo: Error {}

  private init(_ listener: any Channel, _ lines: Lines) {
    port = listener.localAddress?.port ?? 0
    self.listener = listener
    self.lines = lines
  }

  static func start() async throws -> BlackHoleRelay {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let lines = Lines()
    let listener = try await ServerBootstrap(group: loop, childGroup: loop)
      .childChannelInitializer { near in
        guard let onward = lines.onward.withLockedValue({ $0 }) else {
          return near.eventLoop.makeFailedFuture(NowhereToGo())
        }
        let line = Line(near)
        return ClientBootstrap(group: loop)
          .channelInitializer { far in
            far.eventLoop.makeCompletedFuture {
              try far.pipeline.syncOperations.addHandler(Copying(near, line))
            }
          }
          .connect(host: "127.0.0.1", port: onward)
          .flatMapThrowing { far in
            lines.all.withLockedValue { $0.append(line) }
            try near.pipeline.syncOperations.addHandler(Copying(far, line))
          }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    return BlackHoleRelay(listener, lines)
  }

  /// Connections that come before are closed.
  func passOn(to port: Int) {
    lines.onward.withLockedValue { $0 = port }
  }

  /// Swallows the connections that there are; answers how many.
  func swallow() -> Int {
    let all = lines.all.withLockedValue { $0 }
    for line in all { line.isSwallowed.withLockedValue { $0 = true } }
    return all.count
  }

  func stop() async throws {
    try await listener.close()
    for line in lines.all.withLockedValue({ $0 }) { line.near.close(promise: nil) }
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
      guard !line.isSwallowed.withLockedValue({ $0 }) else { return }
      other.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
      guard !line.isSwallowed.withLockedValue({ $0 }) else { return }
      other.close(promise: nil)
    }
  }
}
