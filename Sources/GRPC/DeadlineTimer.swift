internal import NIOCore

/// One armed timer for many deadlines: it goes off at the earliest, what is due is ended, and it is
/// armed for the next. A call that ends in time costs nothing here. Confined to its event loop.
struct DeadlineTimer {
  private let eventLoop: any EventLoop
  private let armed: Armed

  private final class Armed {
    var time: NIODeadline?
    var timer: Scheduled<Void>?
  }

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
    armed = Armed()
  }

  /// Whether it would go off only after `time`.
  func isLater(than time: NIODeadline) -> Bool {
    armed.time.map { time < $0 } ?? true
  }

  /// Makes sure that `expire` is called at `time` or a little later. It ends what is due and
  /// answers the next time that matters.
  func watch(
    _ time: NIODeadline, expire: @escaping (_ now: NIODeadline) -> NIODeadline?
  ) {
    guard isLater(than: time) else { return }
    armed.timer?.cancel()
    armed.time = time
    let isolated = eventLoop.assumeIsolated()
    armed.timer = isolated.scheduleTask(deadline: time) { [self] in
      armed.time = nil
      armed.timer = nil
      if let next = expire(.now()) { watch(next, expire: expire) }
    }
  }

  func stop() {
    armed.timer?.cancel()
    armed.timer = nil
    armed.time = nil
  }
}
