internal import GRPC
public import Logging
internal import Messages
internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOPosix
internal import Stubs

/// An adapter: serves `baton.v1.ExecutionAdapter` and health, registers with the orchestrator, runs
/// what it is handed, and delivers the results.
///
/// ```swift
/// let host = AdapterHost(configuration, runner: MyRunner(), log: Logger(label: "my-adapter"))
/// let signals = TerminationSignals { host.stop() }
/// try await host.run { ready in print(ready.address) }
/// ```
public final class AdapterHost: Sendable {
  /// What is known once calls are accepted.
  public struct Ready: Sendable {
    /// Where it listens, with the port that the system chose.
    public var address: String
    /// Of this start; sorts after those before as text.
    public var epoch: String
  }

  private let configuration: AdapterConfiguration
  private let runner: any TaskRunner
  private let log: Logger
  private let observer: RunObserver
  private let stopping = Latch()
  private let fatal = NIOLockedValueBox<AdapterError?>(nil)

  public init(
    _ configuration: AdapterConfiguration, runner: any TaskRunner, log: Logger,
    observer: @escaping RunObserver = { _ in }
  ) {
    self.configuration = configuration
    self.runner = runner
    self.log = log
    self.observer = observer
  }

  /// Ends `run`, as the configuration's `shutdown` says. From any thread, any number of times.
  public func stop() { stopping.open() }

  /// Runs until `stop`. Throws `AdapterError` where it cannot begin, and where its journal fails.
  public func run(onReady: @Sendable (Ready) -> Void = { _ in }) async throws(AdapterError) {
    guard configuration.concurrencyMax >= 1 else {
      throw AdapterError(.badConfiguration, "the adapter must run at least one task at a time")
    }
    let listen = try configuration.listenAddress
    // One for everything: results leave on the thread on which tasks come.
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let channel = try configuration.openChannel(
      on: loop, interceptors: [ClientLogging(log), ClientMetrics(), ClientTracing()])
    defer { channel.close() }
    let (dirty, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let registry = AdapterRegistryClient(channel)
    let host = try makeHost(loop, registry, wakeProgress: { wake.yield() })
    let service = AdapterService(host: host, configuration: configuration, runner: runner)
    let health = GRPC.HealthService(.notServing, for: [service])
    let services: [any GRPCService] = [service, health]
    let server = GRPCServer(
      services: services + [ReflectionService(files: ProtoFiles.all, serving: services)],
      configuration: ServerConfiguration(
        eventLoopGroup: loop,
        tls: configuration.tls.server(on: listen) { [log] outcome in
          if case .failure(let error) = outcome {
            log.error("the certificates cannot be used", metadata: ["error": "\(error)"])
          }
        },
        onUnexpectedError: { [log] method, error in
          log.error("a call failed", metadata: ["method": "\(method)", "error": "\(error)"])
        }))
    let address = try await start(server, on: listen)
    health.setAll(.serving)
    onReady(Ready(address: address, epoch: await host.table.epoch))
    let session = RegistrySession(
      registry: registry, host: host, runner: runner, configuration: configuration,
      address: try configuration.reachable(at: address), log: log)
    await host.deliverAll()
    await work(host, session, dirty, channel.connectivityChanges) {
      health.setAll(.notServing)
    }
    await shutDown(server)
    let failure = fatal.withLockedValue { $0 }
    await host.close()
    if let failure { throw failure }
  }

  private func makeHost(
    _ loop: any EventLoop, _ registry: AdapterRegistryClient,
    wakeProgress: @escaping @Sendable () -> Void
  ) throws(AdapterError) -> RunHost {
    let opened = try configuration.dataFolder.map { folder throws(AdapterError) in
      try RunJournal.open(folder: folder)
    }
    var table = RunTable(
      epoch: opened?.journal.epoch ?? RunJournal.nextEpoch(after: nil),
      runningMax: configuration.concurrencyMax,
      retention: RunTable.Retention(
        tombstone: configuration.tombstones.milliseconds, lost: 7 * 86_400_000))
    table.load(opened?.rows ?? [], now: 0)
    let options = CallOptions(timeout: configuration.callTimeout)
    let report: RunHost.Report = { request in
      do {
        return .success(try await registry.reportTaskResult(request, options: options))
      } catch let error as RPCError {
        return .failure(error)
      } catch {
        return .failure(RPCError(code: .unavailable, message: "\(error)"))
      }
    }
    return RunHost(
      loop: loop, runner: runner, configuration: configuration, table: table,
      journal: opened?.journal,
      observer: observer, log: log, report: configuration.results == .callback ? report : nil,
      wakeProgress: wakeProgress,
      onFatal: { [self] error in
        // Memory and disk may differ now: the next start begins from the disk.
        log.critical("the table of runs failed", metadata: ["error": "\(error)"])
        fatal.withLockedValue { $0 = $0 ?? error }
        stop()
      })
  }

  private func start(_ server: GRPCServer, on address: Address) async throws(AdapterError) -> String
  {
    do { return try await server.start(on: address).description } catch let error as TLSError {
      throw AdapterError(.badConfiguration, error.message)
    } catch {
      throw AdapterError(.cannotListen, "cannot listen on \(address)", cause: "\(error)")
    }
  }

  /// Heartbeats and progress, until `stop` and on until the last run has ended.
  private func work(
    _ host: RunHost, _ session: RegistrySession, _ dirty: AsyncStream<Void>,
    _ connectivity: AsyncStream<ConnectivityState>, onStop: @Sendable () -> Void
  ) async {
    let over = Latch()
    await withTaskGroup { group in
      group.addTask { await session.run(until: over) }
      group.addTask { [configuration] in
        for await _ in dirty {
          await session.send(await host.takeProgress())
          await over.wait(atMost: configuration.progressInterval)
        }
      }
      group.addTask {
        var isReady = false
        for await state in connectivity {
          if isReady { await session.connectionLost() }
          isReady = state == .ready
        }
      }
      await stopping.wait()
      onStop()
      await end(host, session)
      over.open()
      group.cancelAll()
    }
  }

  /// No new work; what runs may finish within its time or is handed back.
  private func end(_ host: RunHost, _ session: RegistrySession) async {
    let inFlight = await host.inFlight
    log.info("stopping", metadata: ["in_flight": "\(inFlight)"])
    await host.drain()
    var grace = Duration.seconds(5)
    if case .finish(let time) = configuration.shutdown, fatal.withLockedValue({ $0 }) == nil {
      grace = time
      await session.deregister(handBack: false)
      await host.finishAll(within: grace)
    }
    await host.deliveriesEnd(within: min(grace, .seconds(2)))
    await session.deregister(handBack: true)
    await host.handBackAll(within: grace)
    await host.giveUpDeliveries()
  }

  private func shutDown(_ server: GRPCServer) async {
    do { try await server.shutdown(grace: .seconds(1)) } catch {
      log.warning("connections did not close cleanly", metadata: ["error": "\(error)"])
    }
  }
}
