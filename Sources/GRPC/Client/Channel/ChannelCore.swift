internal import HTTP2
internal import NIOCore
internal import NIOPosix

/// A channel's open calls and its connections. Carries out what `ChannelMachine` decides.
///
/// `@unchecked Sendable`: everything mutable is used on `eventLoop` only.
final class ChannelCore: @unchecked Sendable {
  let eventLoop: any EventLoop
  let target: Target
  let configuration: ChannelConfiguration
  let connectivity = Connectivity()
  /// Of connections made from now on.
  private(set) var keepalive: Keepalive?
  private let hasNames: Bool
  private var machine: ChannelMachine
  private var subchannels: [Int: Subchannel] = [:]
  private var calls: [ClientCall] = []
  /// Calls that wait for a connection, in order.
  private var queue: [ClientCall] = []
  private var deadlines: DeadlineTimer
  private var resolution = Resolution()
  private var throttle: RetryThrottle
  private var idleTimer: Scheduled<Void>?
  /// When the last call ended.
  private var idleSince = NIODeadline.now()
  /// Why there is no connection.
  private var lastFailure = ConnectionFailure("not connected")

  private struct Resolution {
    var isUnderWay = false
    var last: NIODeadline?
    /// What addresses were found for.
    var names: [Address: Address] = [:]
    var timer: Scheduled<Void>?
  }

  init(_ target: Target, _ configuration: ChannelConfiguration, _ eventLoop: any EventLoop) {
    self.target = target
    self.configuration = configuration
    self.eventLoop = eventLoop
    keepalive = configuration.keepalive
    throttle = RetryThrottle(configuration.retry)
    hasNames = !target.addresses.allSatisfy(\.isNumeric)
    machine = ChannelMachine(configuration.loadBalancing, hasNames: hasNames)
    deadlines = DeadlineTimer(eventLoop)
  }

  func requestHeaders(_ method: MethodDescriptor) -> HeaderBlock {
    var headers = HeaderBlock()
    headers.append(":method", "POST")
    headers.append(":scheme", configuration.tls == nil ? "http" : "https")
    headers.append(":path", method.path)
    headers.append(":authority", target.authority)
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
    if let refusal = call.refusal {
      call.abandon(refusal)
    } else {
      restart(call)
    }
  }

  /// Sends a call that is known here, now or when there is a connection.
  func restart(_ call: ClientCall) {
    switch machine.pick(waitForReady: call.options.waitForReady) {
    case .send(let id):
      send(call, id)
    case .queue:
      queue.append(call)
    case .queueAndConnect:
      queue.append(call)
      receive(.connect)
    case .fail:
      call.abandon(unavailable)
    }
  }

  private func send(_ call: ClientCall, _ id: Int) {
    if let connection = subchannels[id]?.connection {
      call.send(on: connection)
    } else {
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
    if calls.isEmpty { idleSince = .now() }
  }

  /// A call that may be retried is over; nil: with OK.
  func attemptEnded(_ error: RPCError?) {
    if let error { _ = throttle.failed(error.code) } else { throttle.succeeded() }
  }

  /// An attempt has failed; answers whether there may be another one.
  func attemptFailed(_ error: RPCError) -> Bool {
    throttle.failed(error.code)
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

  private var unavailable: RPCError { lastFailure.status(target) }

  private var isAnyoneWaiting: Bool {
    queue.removeAll(where: \.isEnded)
    return !queue.isEmpty
  }

  // MARK: Connections

  /// Connects without a call.
  func connect() {
    receive(.connect)
  }

  func ready(_ id: Int) {
    receive(.ready(id))
  }

  func lost(_ id: Int, _ failure: ConnectionFailure, wasOfUse: Bool) {
    lastFailure = failure
    receive(.lost(id, wasOfUse: wasOfUse))
  }

  /// No stream id is left on the connection (RFC 9113 §5.1.1): calls need another one.
  func usedUp(_ connection: HTTP2Connection) {
    subchannels.values.first { $0.connection === connection }?.retire()
  }

  func backoffIsOver(_ id: Int) {
    receive(.timer(id, isAnyoneWaiting: isAnyoneWaiting))
  }

  /// The server said "too_many_pings" (github.com/grpc/proposal, A8).
  func pingedTooOften() {
    keepalive?.time *= 2
  }

  private func receive(_ event: ChannelMachine.Event) {
    let actions = machine.receive(event)
    connectivity.set(machine.connectivity)
    if machine.phase == .active, idleTimer == nil, let timeout = configuration.idleTimeout {
      idleSince = .now()
      watchForIdleness(timeout, from: timeout)
    }
    for action in actions { perform(action) }
  }

  private func perform(_ action: ChannelMachine.Action) {
    switch action {
    case .resolve: resolve()
    case .backOffResolution(let failures): resolve(after: delay(failures))
    case .add(let id, let address): subchannels[id] = Subchannel(id, address, self)
    case .remove(let id): subchannels.removeValue(forKey: id)?.remove()
    case .connect(let id): subchannels[id]?.connect()
    case .backOff(let id, let failures): subchannels[id]?.backOff(delay(failures))
    case .sendQueued:
      let waiting = queue
      queue = []
      for call in waiting where !call.isEnded { restart(call) }
    case .failQueued:
      let waiting = queue
      queue = waiting.filter(\.options.waitForReady)
      for call in waiting where !call.options.waitForReady { call.abandon(unavailable) }
    case .failAllAndDisconnect: disconnect()
    }
  }

  private func delay(_ failures: Int) -> Duration {
    configuration.backoff.delay(failures: failures, random: .random(in: -1...1))
  }

  func close() {
    receive(.close)
  }

  private func disconnect() {
    lastFailure = ConnectionFailure("the channel was closed")
    resolution.timer?.cancel()
    idleTimer?.cancel()
    queue = []
    for call in calls { call.abandon(RPCError(code: .cancelled, message: lastFailure.text)) }
    deadlines.stop()
    for subchannel in subchannels.values { subchannel.close() }
    subchannels = [:]
  }

  // MARK: Addresses

  /// What an address stands for: the name it was found for, or itself.
  func name(of address: Address) -> Address {
    resolution.names[address] ?? address
  }

  /// Looks the addresses up; again at the earliest when the interval is over.
  private func resolve() {
    guard hasNames else {
      return receive(.resolved(target.addresses, isAnyoneWaiting: isAnyoneWaiting))
    }
    guard !resolution.isUnderWay else { return }
    resolution.timer?.cancel()
    if machine.phase == .active, let last = resolution.last {
      let wait = last + TimeAmount(configuration.resolutionInterval) - .now()
      if wait > .zero { return resolve(after: .nanoseconds(wait.nanoseconds)) }
    }
    resolution.isUnderWay = true
    Task { [target, configuration] in
      let outcome: Result<[ResolvedAddress], any Error>
      do {
        outcome = .success(try await configuration.resolver.resolve(target))
      } catch {
        outcome = .failure(error)
      }
      eventLoop.execute { self.resolved(outcome) }
    }
  }

  private func resolve(after delay: Duration) {
    resolution.timer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(delay)) {
      self.resolution.timer = nil
      if self.machine.phase == .active { return self.resolve() }
      self.receive(.resolutionTimer(isAnyoneWaiting: self.isAnyoneWaiting))
    }
  }

  private func resolved(_ outcome: Result<[ResolvedAddress], any Error>) {
    resolution.isUnderWay = false
    resolution.last = .now()
    switch outcome {
    case .success(let found):
      if found.isEmpty { lastFailure = .init("\(target.text) has no address") }
      resolution.names = Dictionary(found.map { ($0.address, $0.name) }) { first, _ in first }
      receive(.resolved(found.map(\.address), isAnyoneWaiting: isAnyoneWaiting))
    case .failure(let error):
      lastFailure = ConnectionFailure(error)
      receive(.resolutionFailed)
    }
  }

  // MARK: Idleness

  /// Closes the connections once there was no call for the configured time.
  private func watchForIdleness(_ timeout: Duration, from start: Duration) {
    idleTimer = eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(start)) {
      self.idleTimer = nil
      guard self.machine.phase == .active else { return }
      let idle = Duration.nanoseconds((.now() - self.idleSince).nanoseconds)
      if !self.calls.isEmpty {
        self.watchForIdleness(timeout, from: timeout)
      } else if idle < timeout {
        self.watchForIdleness(timeout, from: timeout - idle)
      } else {
        self.receive(.idle)
      }
    }
  }
}
