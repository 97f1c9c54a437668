public import Configuration
internal import Engine
internal import GRPC
public import Logging
internal import Messages
internal import NIOConcurrencyHelpers
internal import Orchestrator
internal import Plan
internal import Queue
internal import Store
internal import StoreSQLite
internal import Stubs

/// Everything of a server put together: the only place that names a concrete store or queue.
public final class BatonServer: Sendable {
  let configuration: Configuration.ServerConfiguration
  let log: Logger
  let running = NIOLockedValueBox<Running?>(nil)

  struct Running: Sendable {
    var grpc: GRPCServer
    var http: HTTPEndpoint
    var orchestrator: PlanOrchestrator
    var adapters: AdapterConnections
    var health: GRPC.HealthService
    var tokens: AcceptedTokens?
  }

  /// Where a server listens, with the ports that the system chose.
  public struct Addresses: Sendable, Equatable {
    public var grpc: String
    public var http: String
  }

  public init(configuration: Configuration.ServerConfiguration, log: Logger) {
    self.configuration = configuration
    self.log = log
  }

  /// Opens the store, goes on with unfinished plans, then accepts calls.
  ///
  /// Throws `StoreError` where the store is unusable, `TokenError` where the file of tokens is, and
  /// the system's error where an address is taken.
  public func start() async throws -> Addresses {
    let tokens = try configuration.tokensFile.map { file throws(TokenError) in
      try AcceptedTokens(file: file)
    }
    let store = try openStore()
    let clock = SystemClock(wallMilliseconds: WallClock.milliseconds())
    let options = configuration.orchestratorOptions
    let orchestrator = PlanOrchestrator(
      store: store, queue: MemoryQueue(), clock: clock, options: options
    ) { [log] problem in
      var metadata: Logger.Metadata = [
        "event": "problem", "error_code": "\(problem.code)",
      ]
      if let planID = problem.planID { metadata["plan_id"] = "\(planID)" }
      log.error("\(problem.message)", metadata: metadata)
    }
    let files = configuration.tls.files
    let adapters = try adapterConnections(files)
    let resumed = try await orchestrator.start(port: adapters)
    log.info(
      "store opened",
      metadata: [
        "event": "store_opened", "store": "\(store.name)", "plans_resumed": "\(resumed)",
      ])
    let info = ServerInfo(
      clock: clock, startedAt: clock.milliseconds(), store: store.name,
      isDurable: store.isDurable, options: options, clients: configuration.clients)
    let (services, health) = services(orchestrator, info, store)
    let grpc = GRPCServer(services: services, configuration: try grpcConfiguration(files, tokens))
    let http = HTTPEndpoint()
    let httpAddress = try await http.start(on: configuration.http)
    let address = try await grpc.start(on: try Address(configuration.listen))
    http.setReady(true)
    health.setAll(.serving)
    running.withLockedValue {
      $0 = Running(
        grpc: grpc, http: http, orchestrator: orchestrator, adapters: adapters, health: health,
        tokens: tokens)
    }
    return Addresses(grpc: address.description, http: httpAddress)
  }

  private func grpcConfiguration(
    _ files: TLSFiles, _ tokens: AcceptedTokens?
  ) throws -> GRPC.ServerConfiguration {
    var settings = GRPC.ServerConfiguration(
      requestBytesMax: RequestLimits.requestBytes,
      requestBytesMaxByMethod: [
        OrchestratorClient.submitPlanMethod: RequestLimits.submitBytes,
        OrchestratorClient.validatePlanMethod: RequestLimits.submitBytes,
      ],
      connections: ConnectionLimits(configuration.clients),
      tls: serverTLS(files, on: try Address(configuration.listen)),
      onUnexpectedError: { [log] method, error in
        log.error(
          "a call failed in a way nobody foresaw",
          metadata: ["event": "unexpected_error", "method": "\(method)", "error": "\(error)"])
      })
    settings.requestBytesTotalMax = configuration.clients.requestBytes
    settings.responseBytesTotalMax = configuration.clients.responseBytes
    settings.concurrentStreamsMax = configuration.clients.concurrentStreams
    settings.headerListBytesMax = configuration.clients.headerListBytes
    settings.limitFloods(configuration.clients.floods)
    // Metrics and traces go where the program has told swift-metrics and swift-distributed-tracing.
    settings.interceptors = [ServerLogging(log), ServerMetrics(), ServerTracing()]
    if let tokens { settings.interceptors.append(ServerBearerToken(tokens)) }
    settings.interceptors.append(ConcurrencyLimit(callsMax: configuration.clients.calls))
    let throttle = LogThrottle()
    settings.onConnectionLimit = { [log] event in
      let metadata: Logger.Metadata = [
        "event": "connection_limit", "limit": "\(event.limit.rawValue)", "peer": "\(event.peer)",
        "reason": "\(event.message)",
      ]
      switch event.limit {
      // What becomes of any connection in time.
      case .idleTimeout, .age: log.debug("a connection met a limit", metadata: metadata)
      default: throttle.info(log, "a connection met a limit", metadata)
      }
    }
    return settings
  }

  private func openStore() throws -> any PlanStore {
    switch configuration.store {
    case .memory: MemoryStore()
    case .sqlite(let path): try SQLiteStore(path: path)
    }
  }

  private func services(
    _ orchestrator: PlanOrchestrator, _ info: ServerInfo, _ store: any PlanStore
  ) -> ([any GRPCService], GRPC.HealthService) {
    var services: [any GRPCService] = [
      OrchestratorHandlers(orchestrator: orchestrator, info: info, reader: StoreReader(store)),
      RegistryHandlers(orchestrator: orchestrator, allowsCleartext: configuration.insecure),
    ]
    let health = GRPC.HealthService(.notServing, for: services)
    services.append(health)
    if configuration.reflection {
      services.append(ReflectionService(files: ProtoFiles.all, serving: services))
    }
    return (services, health)
  }

  /// Stops admitting, lets open calls finish within the grace period, stores what was asked. Runs
  /// with adapters go on, or are taken back (S11).
  public func shutdown() async {
    guard let running = running.withLockedValue({ $0.take() }) else { return }
    running.http.setReady(false)
    // For whoever asks while running tasks are taken back, too.
    running.health.setAll(.notServing)
    running.orchestrator.endWatching()
    async let withdrawn: Void = withdrawIfWanted(running.orchestrator)
    do {
      try await running.grpc.shutdown(grace: .milliseconds(configuration.graceMilliseconds))
    } catch {
      log.warning(
        "connections did not close cleanly",
        metadata: ["event": "shutdown", "error": "\(error)"])
    }
    await withdrawn
    running.orchestrator.stop()
    running.adapters.close()
    await running.http.stop()
  }
}

extension BatonServer {
  private func withdrawIfWanted(_ orchestrator: PlanOrchestrator) async {
    guard configuration.inFlightAtShutdown == .cancel else { return }
    do throws(OrchestratorError) {
      let count = try await orchestrator.withdrawAll()
      log.info("runs taken back", metadata: ["event": "withdrawn", "tasks": "\(count)"])
    } catch {
      log.error(
        "runs were not taken back; they go on with their adapters",
        metadata: ["event": "withdrawn", "error": "\(error)"])
    }
  }
}

extension Configuration.ServerConfiguration {
  fileprivate var orchestratorOptions: OrchestratorOptions {
    var generator = SystemRandomNumberGenerator()
    var options = OrchestratorOptions(seed: generator.next())
    options.leaseMilliseconds = leaseMilliseconds
    options.sweepMilliseconds = sweepMilliseconds
    options.pollWaitMilliseconds = pollMilliseconds
    options.defaults.retry = retry
    options.defaults.timeouts = timeouts
    options.defaults.maxDeliveries = maxDeliveries
    options.defaults.maxParallel = perPlan
    options.limits.maxTasks = tasksMax
    options.limits.maxEdges = dependenciesMax
    options.places.inFlight = inFlight
    options.places.perAdapter = perAdapter
    options.namespaceBudgets = namespaceBudgets.mapValues {
      NamespaceBudgets.Limits($0.budget, periodMilliseconds: $0.periodMilliseconds)
    }
    var byType = routes
    let fallback = byType.removeValue(forKey: "default") ?? []
    options.routes = AdapterPool.Routes(byType: byType, fallback: fallback)
    return options
  }
}
