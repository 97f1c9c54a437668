internal import HTTP2
internal import NIOCore
internal import NIOPosix

/// A channel's connection and open calls. Carries out what `ChannelMachine` decides.
///
/// `@unchecked Sendable`: everything mutable is used on `eventLoop` only.
final class ChannelCore: @unchecked Sendable {
  let eventLoop: any EventLoop
  let address: Address
  let configuration: ChannelConfiguration
  private var machine = ChannelMachine()
  private var calls: [ClientCall] = []
  /// Calls that wait for the connection, in order.
  private var queue: [ClientCall] = []
  private var current: ClientConnection?
  private var deadlines: DeadlineTimer
  private var backoffTimer: Scheduled<Void>?
  /// Why there is no connection.
  private var lastFailure = "not connected"

  init(_ address: Address, _ configuration: ChannelConfiguration, _ eventLoop: any EventLoop) {
    self.address = address
    self.configuration = configuration
    self.eventLoop = eventLoop
    deadlines = DeadlineTimer(eventLoop)
  }

  func requestHeaders(_ method: MethodDescriptor) -> HeaderBlock {
    var headers = HeaderBlock()
    headers.append(":method", "POST")
    headers.append(":scheme", configuration.tls == nil ? "http" : "https")
    headers.append(":path", method.path)
    headers.append(":authority", address.authority)
    headers.append("content-type", "application/grpc")
    headers.append("te", "trailers")
    headers.append("user-agent", configuration.userAgent)
    return headers
  }

  // MARK: Calls

  /// From any thread.
  func start(_ call: ClientCall) {
    if eventLoop.inEventLoop {
      startOnLoop(call)
    } else {
      eventLoop.execute { self.startOnLoop(call) }
    }
  }

  private func startOnLoop(_ call: ClientCall) {
    guard !call.isEnded else { return }
    call.slot = calls.count
    calls.append(call)
    if let deadline = call.deadline {
      deadlines.watch(deadline.time) { [weak self] in self?.expire(now: $0) ?? nil }
    }
    restart(call)
  }

  /// Sends a call that is known here, now or when there is a connection.
  func restart(_ call: ClientCall) {
    switch machine.receive(.callStarted(waitForReady: call.options.waitForReady)) {
    case .send:
      send(call)
    case .queue:
      queue.append(call)
    case .queueAndConnect:
      queue.append(call)
      connect()
    default:
      call.abandon(unavailable)
    }
  }

  /// The call is over; told by the call itself.
  func finished(_ call: ClientCall) {
    guard let slot = call.slot else { return }
    call.slot = nil
    let last = calls.removeLast()
    if last !== call {
      calls[slot] = last
      last.slot = slot
    }
  }

  private func expire(now: NIODeadline) -> NIODeadline? {
    var next: NIODeadline?
    for call in calls {
      guard let deadline = call.deadline?.time else { continue }
      if deadline <= now {
        call.abandon(.deadlinePassed)
      } else {
        next = min(next ?? deadline, deadline)
      }
    }
    return next
  }

  private var unavailable: RPCError {
    RPCError(
      code: .unavailable, message: "there is no connection to \(address)", cause: lastFailure)
  }

  // MARK: Connection

  private func connect() {
    let connection = ClientConnection(self)
    current = connection
    connection.connect()
  }

  /// The server's SETTINGS have arrived.
  func ready(_ connection: ClientConnection) {
    guard connection === current, case .sendQueued = machine.receive(.ready) else { return }
    let waiting = queue
    queue = []
    for call in waiting { send(call) }
  }

  private func send(_ call: ClientCall) {
    if let connection = current?.connection {
      call.send(on: connection)
    } else {
      call.abandon(unavailable)
    }
  }

  /// The connection could not be made, was lost, or takes no new calls.
  func lost(_ connection: ClientConnection, reason: String) {
    guard connection === current else { return }
    current = nil
    lastFailure = reason
    guard case .failQueuedAndBackOff(let failures) = machine.receive(.lost) else { return }
    let waiting = queue
    queue = waiting.filter(\.options.waitForReady)
    let delay = configuration.backoff.delay(failures: failures, random: .random(in: -1...1))
    backoffTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
      self.backoffIsOver()
    }
    for call in waiting where !call.options.waitForReady { call.abandon(unavailable) }
  }

  private func backoffIsOver() {
    backoffTimer = nil
    queue.removeAll(where: \.isEnded)
    if case .connect = machine.receive(.timer(isAnyoneWaiting: !queue.isEmpty)) { connect() }
  }

  func close() {
    guard case .failAllAndDisconnect = machine.receive(.close) else { return }
    lastFailure = "the channel was closed"
    backoffTimer?.cancel()
    queue = []
    for call in calls { call.abandon(RPCError(code: .cancelled, message: lastFailure)) }
    deadlines.stop()
    current?.close()
    current = nil
  }
}
