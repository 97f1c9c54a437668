internal import GRPC
internal import Logging
internal import Messages
internal import Stubs

/// Registers with the orchestrator, and stays registered.
actor RegistrySession {
  private let registry: AdapterRegistryClient
  private let host: RunHost
  private let runner: any TaskRunner
  private let configuration: AdapterConfiguration
  /// Where the orchestrator reaches this adapter.
  private let address: String
  private let log: Logger
  private var sessionID: String?
  private var lease: Duration
  private var interval = Duration.seconds(1)
  /// Ends the rest until the next heartbeat.
  private var rest = Latch()
  private var complaint = ""
  /// No session is opened any more.
  private var isLeaving = false
  /// Open while no registration is under way.
  private var registered = Latch()

  private static let farewellTime = Duration.seconds(2)

  init(
    registry: AdapterRegistryClient, host: RunHost, runner: any TaskRunner,
    configuration: AdapterConfiguration, address: String, log: Logger
  ) {
    self.registry = registry
    self.host = host
    self.runner = runner
    self.configuration = configuration
    self.address = address
    self.log = log
    lease = configuration.callTimeout
    registered.open()
  }

  /// Registers and sends heartbeats until `over`.
  func run(until over: Latch) async {
    var delays = RetryDelays(configuration)
    while !over.isOpen, !Task.isCancelled {
      rest = Latch()
      do {
        if sessionID == nil { try await register() } else { try await heartbeat() }
        delays.reset()
        complaint = ""
        await rest.wait(atMost: interval)
      } catch {
        if !over.isOpen { complain(error) }
        let delay = delays.nextDelay()
        await over.wait(atMost: sessionID == nil ? delay : min(delay, interval))
      }
    }
  }

  /// The orchestrator may be starting again: it hands nothing out here until it is called.
  func connectionLost() { rest.open() }

  private func register() async throws {
    guard !isLeaving else { return }
    registered = Latch()
    defer { registered.open() }
    let reply = try await registry.registerAdapter(
      await introduction(), options: CallOptions(timeout: configuration.callTimeout))
    sessionID = reply.sessionId
    if reply.leaseMs > 0 { lease = .milliseconds(reply.leaseMs) }
    interval =
      reply.heartbeatIntervalMs > 0 ? .milliseconds(reply.heartbeatIntervalMs) : lease / 3
    log.info(
      "registered",
      metadata: ["session": "\(reply.sessionId)", "heartbeat_ms": "\(interval.milliseconds)"])
    try await host.obey(cancel: reply.cancel, forget: reply.forget)
    await host.hurryDeliveries()
  }

  private func introduction() async -> BatonV1.RegisterAdapterRequest {
    BatonV1.RegisterAdapterRequest(
      adapter: configuration.adapter, instance: configuration.instance, address: address,
      framework: runner.framework, frameworkVersion: runner.frameworkVersion,
      taskTypes: runner.taskTypes, capabilities: runner.capabilities,
      maxConcurrency: Int32(clamping: configuration.concurrencyMax),
      protocolVersion: AdapterService.protocolVersion,
      resultMode: configuration.results == .poll ? .poll : .callback, runs: await host.list)
  }

  private func heartbeat() async throws {
    await host.tidy()
    let request = BatonV1.HeartbeatRequest(
      sessionId: sessionID ?? "", runs: await host.list,
      inFlight: Int32(clamping: await host.inFlight), lastError: await host.lastError)
    do {
      let reply = try await registry.heartbeat(request, options: CallOptions(timeout: lease))
      if reply.leaseMs > 0 { lease = .milliseconds(reply.leaseMs) }
      try await host.obey(cancel: reply.cancel, forget: reply.forget)
    } catch let error as RPCError where error.code == .notFound {
      sessionID = nil
      log.warning("the session is gone", metadata: ["error": "\(error)"])
      try await register()
    }
  }

  /// Best effort: what cannot be sent now is dropped.
  func send(_ items: [BatonV1.RunProgress]) async {
    guard let sessionID, !items.isEmpty else { return }
    do {
      _ = try await registry.reportTaskProgress(
        BatonV1.ReportTaskProgressRequest(sessionId: sessionID, items: items),
        options: CallOptions(timeout: configuration.callTimeout))
    } catch {
      log.debug("progress dropped", metadata: ["error": "\(error)"])
    }
  }

  /// Asks for no new work; with `handBack` gives unfinished runs back, and the session ends.
  func deregister(handBack: Bool) async {
    isLeaving = true
    await registered.wait(atMost: Self.farewellTime)
    guard let sessionID else { return }
    do {
      _ = try await registry.deregisterAdapter(
        BatonV1.DeregisterAdapterRequest(sessionId: sessionID, handBack: handBack),
        options: CallOptions(timeout: Self.farewellTime))
    } catch {
      log.warning("not deregistered", metadata: ["error": "\(error)"])
    }
    if handBack { self.sessionID = nil }
  }

  /// Once for each kind of trouble, not once for each try.
  private func complain(_ error: any Error) {
    let kind = (sessionID == nil ? "not registered yet" : "no heartbeat")
    let text = "\(kind) \((error as? RPCError)?.code.description ?? "")"
    guard text != complaint else { return }
    complaint = text
    log.warning("\(kind)", metadata: ["error": "\(error)"])
  }
}
