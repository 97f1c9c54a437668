internal import Configuration
internal import Foundation
internal import Logging
internal import Service

/// The server in this process and its adapters in processes of their own, from start to end.
struct DevelopmentRun: Sendable {
  let configuration: Configuration.ServerConfiguration
  let processes: [DevelopmentProcess]

  private enum News: Sendable {
    case signal(String)
    case child(ChildProcess, ChildProcess.News)
  }

  func run() async throws {
    let log = Logger(label: "baton")
    let signals = EndingSignals()
    let server = BatonServer(configuration: configuration, log: log)
    let addresses = try await server.startReporting(configuration)
    say("the server listens on \(addresses.grpc), store \(configuration.store)")
    let (news, continuation) = AsyncStream.makeStream(of: News.self)
    let listening = Task { continuation.yield(.signal(await signals.next())) }
    defer { listening.cancel() }
    var children: [ChildProcess] = []
    var failure: CommandFailure?
    var ended: Ended?
    do throws(CommandFailure) {
      for process in processes {
        children.append(try start(process, addresses) { continuation.yield(.child($0, $1)) })
      }
      ended = await follow(news, addresses)
    } catch {
      failure = error
    }
    signals.onImpatience { [children] in
      for child in children { child.killAtOnce() }
      exit(ExitStatus.interrupted.rawValue)
    }
    await end(children, hurried: failure != nil || ended != nil)
    await server.shutdown()
    if let failure = failure ?? ended?.failure { throw failure }
  }

  /// A child that ended and that nobody had ended.
  struct Ended: Sendable {
    let child: ChildProcess
    let how: ChildProcess.End

    /// Asked when everything has ended, for its last lines may come after the news of its end.
    var failure: CommandFailure {
      var failure = CommandFailure(
        .adapterEnded, code: "ADAPTER_ENDED", message: "\(child.name) ended \(how)")
      failure.advice = "Everything else is stopped now."
      if case .exitCode = how, child.hasPrinted {
        failure.advice = "Its last lines above say why. \(failure.advice)"
      }
      return failure
    }
  }

  private func say(_ text: String) {
    Terminal.standardError.write(lines: ["baton | \(TerminalText.clean(text))"])
  }

  private func start(
    _ process: DevelopmentProcess, _ addresses: BatonServer.Addresses,
    _ hear: @escaping @Sendable (ChildProcess, ChildProcess.News) -> Void
  ) throws(CommandFailure) -> ChildProcess {
    let child = ChildProcess(name: process.name)
    let width = processes.map(\.name.count).max() ?? 0
    let padding = String(repeating: " ", count: max(0, width - process.name.count))
    let terminal = Terminal.standardError
    let prefix = terminal.style.paint("\(process.name)\(padding) |", .cyan)
    let environment = DevelopmentProcesses.environment(
      ProcessInfo.processInfo.environment, server: addresses.grpc, configuration: configuration)
    try child.start(
      process.command, environment: environment,
      print: { terminal.write(lines: ["\(prefix) \(TerminalText.clean($0))"]) },
      hear: { hear(child, $0) })
    say("\(process.name) starts as process \(child.pid)")
    return child
  }

  /// Returns at a signal, or when a child ends that nobody ended.
  private func follow(
    _ news: AsyncStream<News>, _ addresses: BatonServer.Addresses
  ) async -> Ended? {
    var waitsFor = Set(processes.map(\.name))
    if waitsFor.isEmpty {
      say("no adapter is configured; plans wait until one registers")
      announce(addresses)
    }
    for await item in news {
      switch item {
      case .signal(let name):
        say("stopping (\(name))")
        return nil
      case .child(let child, .ready(let details)):
        say("\(child.name) is ready \(details)")
        if waitsFor.remove(child.name) != nil, waitsFor.isEmpty { announce(addresses) }
      case .child(let child, .ended(let how)):
        say("\(child.name) ended \(how); stopping the others")
        return Ended(child: child, how: how)
      }
    }
    return nil
  }

  private func announce(_ addresses: BatonServer.Addresses) {
    Terminal.standardOutput.write(lines: [ReadyLine.text(addresses, configuration)])
  }

  /// SIGTERM to each by its pid, SIGKILL after the grace period; returns when none is left.
  ///
  /// - Parameter hurried: whether the others should not finish their tasks first: a second SIGTERM
  ///   after a second, in which idle ones end, tells an adapter so.
  private func end(_ children: [ChildProcess], hurried: Bool) async {
    for child in children { child.terminate() }
    let step = Duration.milliseconds(50)
    let grace = Duration.milliseconds(configuration.graceMilliseconds)
    var waited = Duration.zero
    while children.contains(where: { !$0.hasEnded }), waited < grace {
      try? await Task.sleep(for: step)
      waited += step
      if hurried, waited == .seconds(1) { for child in children { child.terminate() } }
    }
    for child in children where !child.hasEnded {
      say("\(child.name) did not end in time and is killed")
      child.killAtOnce()
    }
    while children.contains(where: { !$0.hasEnded }) { try? await Task.sleep(for: step) }
  }
}
