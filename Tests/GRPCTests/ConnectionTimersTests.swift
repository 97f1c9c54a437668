import NIOCore
import Testing

@testable import GRPC

/// A connection's times on a clock that the test moves.
@Suite struct ConnectionTimersTests {
  private final class Scene {
    var timers: ConnectionTimers
    var seen: ConnectionTimers.Snapshot
    var now: NIODeadline = start

    static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    init(_ limits: ConnectionLimits = ConnectionLimits(), jitter: Double = 0) {
      timers = ConnectionTimers(limits, acceptedAt: Self.start, jitter: jitter)
      seen = ConnectionTimers.Snapshot(
        isEstablished: true, receivingHeaders: nil, openStreams: 0, requests: 0, receives: 1,
        isWritable: true)
    }

    /// Ticks once a second, so many times; answers what happened, and when.
    func seconds(_ count: Int) -> [String] {
      var log: [String] = []
      for _ in 0..<count {
        now = now + .seconds(1)
        let action = timers.tick(seen, now: now)
        guard action != .none else { continue }
        log.append("\((now - Self.start).nanoseconds / 1_000_000_000) \(action)")
      }
      return log
    }

    /// The same with bytes from the client all the while.
    func busySeconds(_ count: Int) -> [String] {
      (0..<count).flatMap { _ in
        seen.receives += 1
        return seconds(1)
      }
    }
  }

  private func limits(_ change: (inout ConnectionLimits) -> Void) -> ConnectionLimits {
    var limits = ConnectionLimits()
    change(&limits)
    return limits
  }

  @Test func aClientThatNeverSaysHello() {
    let scene = Scene()
    scene.seen.isEstablished = false
    #expect(scene.seconds(10) == ["10 terminate(GRPC.ConnectionLimitEvent.Limit.headersTimeout)"])
  }

  @Test func aHelloByteForByteIsNotEnough() {
    let scene = Scene()
    scene.seen.isEstablished = false
    #expect(scene.busySeconds(10).count == 1)
  }

  @Test func aHeaderBlockWithoutEnd() {
    let scene = Scene()
    scene.seen.receivingHeaders = 1
    let log = scene.busySeconds(11)
    #expect(log == ["11 terminate(GRPC.ConnectionLimitEvent.Limit.headersTimeout)"])
  }

  @Test func headerBlocksOneAfterTheOther() {
    let scene = Scene()
    for stream in 0..<100 {
      scene.seen.receivingHeaders = Int32(stream * 2 + 1)
      #expect(scene.busySeconds(9).isEmpty)
    }
  }

  @Test func anIdleConnectionIsDrained() {
    let limits = limits {
      $0.idleTimeout = .seconds(100)
      $0.keepaliveTime = nil
    }
    let scene = Scene(limits)
    scene.seen.openStreams = 1
    scene.seen.requests = 1
    #expect(scene.seconds(200).isEmpty)
    scene.seen.openStreams = 0
    #expect(scene.seconds(99).isEmpty)
    // A call between two ticks counts too.
    scene.seen.requests = 2
    #expect(scene.seconds(100).isEmpty)
    #expect(scene.seconds(1) == ["400 drain(GRPC.ConnectionLimitEvent.Limit.idleTimeout)"])
    // The client does not go away.
    #expect(scene.seconds(20) == ["420 abort(nil)"])
  }

  @Test func keepalive() {
    let scene = Scene(
      limits {
        $0.keepaliveTime = .seconds(60)
        $0.idleTimeout = nil
      })
    #expect(scene.busySeconds(100).isEmpty)
    #expect(scene.seconds(60) == ["160 ping"])
    scene.seen.receives += 1
    #expect(scene.seconds(60).isEmpty)
    #expect(scene.seconds(1) == ["221 ping"])
    #expect(
      scene.seconds(20) == [
        "241 abort(Optional(GRPC.ConnectionLimitEvent.Limit.keepaliveTimeout))"
      ])
  }

  @Test(arguments: [(-1.0, 90), (0, 100), (1, 110)])
  func age(jitter: Double, seconds: Int) {
    let limits = limits {
      $0.ageMax = .seconds(100)
      $0.ageGrace = .seconds(30)
    }
    let scene = Scene(limits, jitter: jitter)
    scene.seen.openStreams = 3
    #expect(
      scene.seconds(seconds + 29) == [
        "\(seconds) drain(GRPC.ConnectionLimitEvent.Limit.age)"
      ])
    #expect(scene.seconds(100) == ["\(seconds + 30) abandonCalls"])
  }

  @Test func aSocketThatNobodyReads() {
    let scene = Scene()
    scene.seen.openStreams = 1
    scene.seen.isWritable = false
    #expect(scene.busySeconds(60).isEmpty)
    scene.seen.isWritable = true
    #expect(scene.busySeconds(1).isEmpty)
    scene.seen.isWritable = false
    #expect(
      scene.busySeconds(61) == [
        "122 abort(Optional(GRPC.ConnectionLimitEvent.Limit.writeTimeout))"
      ])
  }

  @Test func whatIsSwitchedOffNeverComes() {
    let limits = limits {
      $0.headersTimeout = nil
      $0.writeTimeout = nil
      $0.idleTimeout = nil
      $0.keepaliveTime = nil
    }
    let scene = Scene(limits)
    scene.seen.isEstablished = false
    scene.seen.isWritable = false
    #expect(scene.seconds(100_000).isEmpty)
  }

  @Test func pingsThatComeTooEarly() {
    let scene = Scene()
    func ping(after seconds: Int64, open: Int, responses: Int = 0) -> Bool {
      scene.now = scene.now + .seconds(seconds)
      return scene.timers.ping(openStreams: open, responses: responses, now: scene.now) != .none
    }
    // With a call open ten seconds are enough, without one five minutes.
    for _ in 0..<100 { #expect(!ping(after: 10, open: 1)) }
    for _ in 0..<100 { #expect(!ping(after: 300, open: 0)) }
    // A response wipes the slate.
    for count in 0..<100 { #expect(!ping(after: 0, open: 1, responses: count)) }
    #expect(!ping(after: 1, open: 0, responses: 99))
    #expect(!ping(after: 299, open: 0, responses: 99))
    #expect(ping(after: 299, open: 0, responses: 99))
  }

  @Test func theTick() {
    #expect(ConnectionTicks.interval(ConnectionLimits()) == .seconds(1))
    let short = limits { $0.headersTimeout = .milliseconds(200) }
    #expect(ConnectionTicks.interval(short) == .milliseconds(50))
    let tiny = limits { $0.bodyTimeout = .milliseconds(1) }
    #expect(ConnectionTicks.interval(tiny) == .milliseconds(10))
  }

  @Test func stalls() {
    var watch = StallWatch()
    let start = Scene.start
    func look(_ waiting: StallWatch.Waiting?, _ bytes: Int, _ seconds: Int64) -> Int64 {
      var next = StallWatch()
      let now = start + .seconds(seconds)
      let stalled = watch.look(at: 1, waiting: waiting, bytes: bytes, into: &next, now: now)
      watch = next
      return stalled.nanoseconds / 1_000_000_000
    }
    #expect(look(.body, 0, 0) == 0)
    #expect(look(.body, 0, 10) == 10)
    #expect(look(.body, 5, 20) == 0, "a byte is progress")
    #expect(look(.body, 5, 50) == 30)
    #expect(look(.write, 5, 60) == 0, "the other's turn")
    #expect(look(nil, 5, 70) == 0)
    #expect(watch.isEmpty)
    #expect(look(.write, 5, 80) == 0)
  }
}
