internal import NIOCore

/// One repeating timer for all connections of an event loop: an idle connection costs a look at a
/// tick and no timer of its own. It rests while there are none.
///
/// `@unchecked Sendable`: used on its event loop only.
final class ConnectionTicks: @unchecked Sendable {
  private let eventLoop: any EventLoop
  private let interval: TimeAmount
  private var connections: [ServerConnection] = []
  private var timer: Scheduled<Void>?

  init(_ eventLoop: any EventLoop, _ limits: ConnectionLimits) {
    self.eventLoop = eventLoop
    interval = Self.interval(limits)
  }

  /// A quarter of the shortest time, between 10 ms and 1 s.
  static func interval(_ limits: ConnectionLimits) -> TimeAmount {
    let times = [
      limits.headersTimeout, limits.bodyTimeout, limits.writeTimeout, limits.idleTimeout,
      limits.ageMax, limits.ageGrace, limits.keepaliveTime, limits.keepaliveTimeout,
    ]
    let shortest = times.compactMap { $0 }.min().map { TimeAmount($0) } ?? .seconds(4)
    return .nanoseconds(min(max(shortest.nanoseconds / 4, 10_000_000), 1_000_000_000))
  }

  func add(_ connection: ServerConnection) {
    connection.tickSlot = connections.count
    connections.append(connection)
    if timer == nil { schedule() }
  }

  func remove(_ connection: ServerConnection) {
    let slot = connection.tickSlot
    guard connections.indices.contains(slot), connections[slot] === connection else { return }
    let last = connections.removeLast()
    guard last !== connection else { return }
    connections[slot] = last
    last.tickSlot = slot
  }

  private func schedule() {
    timer = eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in self?.tick() }
  }

  private func tick() {
    timer = nil
    let now = NIODeadline.now()
    // From the end: a connection that closes now is removed, and the last takes its place.
    for slot in connections.indices.reversed() where connections.indices.contains(slot) {
      connections[slot].tick(now: now)
    }
    if !connections.isEmpty { schedule() }
  }
}
