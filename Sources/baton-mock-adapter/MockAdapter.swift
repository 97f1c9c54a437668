public import AdapterKit
public import ArgumentParser
internal import Foundation
internal import GRPC
internal import JSON
internal import Logging
internal import Plan

/// Exit codes beside 0.
enum ExitCodes {
  static let badConfiguration: Int32 = 64
  static let cannotListen: Int32 = 71
  static let dataUnusable: Int32 = 74

  static func code(of error: AdapterError) -> Int32 {
    switch error.code {
    case .cannotListen: cannotListen
    case .dataUnusable: dataUnusable
    default: badConfiguration
    }
  }
}

extension AdapterConfiguration.ResultMode: ExpressibleByArgument {}
extension StderrLogHandler.Format: ExpressibleByArgument {}

/// How runs end when the process is told to.
enum ShutdownArgument: String, CaseIterable, ExpressibleByArgument {
  case handBack = "hand_back"
  case finish
}

@main
struct MockAdapter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baton-mock-adapter",
    abstract: "An adapter that does what each task's metadata says.",
    discussion: """
      mock.delay=500ms        the run takes that long
      mock.fail=TRANSIENT     it fails: TRANSIENT PERMANENT RATE_LIMITED TIMEOUT CANCELLED
                              INVALID_OUTPUT UNSUPPORTED
      mock.fail_attempts=1    only attempts up to this one fail
      mock.code=NAME          code of the failure
      mock.retry_after=1s     pause that a failure, or mock.busy, asks for
      mock.hang=true          it does not end until it is cancelled or its deadline passes
      mock.ignore_cancel=true it hears neither
      mock.answer_twice=true  the result is reported a second time
      mock.conflict=true      a different second result is reported
      mock.output=JSON        the output; otherwise {"text":"TASK, attempt N","json":null}
      mock.outputs=JSON       a list: the output of each attempt, the last one for all that follow
      mock.echo=true          the output is {"text":FEEDBACK,"json":PAYLOAD,"schema":SCHEMA}
      mock.chunks=3           so many chunks of progress, spread over the delay
      mock.exit=1             the process exits when deliveries up to this one start; true: all
      mock.busy=2             the first hand-outs are refused with RESOURCE_EXHAUSTED
      mock.reject=INVALID_ARGUMENT or UNIMPLEMENTED: every hand-out is refused

      The ledger has one JSON line per event (received, refused, started, finished, reported,
      cancelled) with event, time_ms, plan_id, task_id, key, attempt, delivery, token, instance,
      pid and code.
      """,
    version: AdapterVersion.current)

  @Option(help: "Where the orchestrator is: host:port, unix:PATH, or https://host:port with TLS.")
  var orchestrator = "127.0.0.1:7420"
  @OptionGroup(title: "TLS") var tls: TLSArguments
  @Option(help: "File with the token to show to the orchestrator; or the token in BATON_TOKEN.")
  var tokenFile: String?
  @Option(help: "Where to listen.")
  var listen = "127.0.0.1:0"
  @Option(help: "Where the orchestrator reaches this adapter, if not where it listens.")
  var advertise: String?
  @Option(help: "Name that routes and tasks use.")
  var adapter = "mock"
  @Option(
    help: "Name of this instance, the same after a restart; the adapter's with -1 if left out.")
  var instance: String?
  @Option(help: "Task types, separated by commas.")
  var types = "prompt,agent,crew,graph,mock"
  @Option(help: "Tasks that run at one time.")
  var maxConcurrency = 16
  @Option(help: "How results reach the orchestrator.")
  var results = AdapterConfiguration.ResultMode.callback
  @Option(help: "File to append what happens to.")
  var ledger: String?
  @Option(help: "Folder that keeps results across restarts; without it they are lost.")
  var data: String?
  @Option(help: "What becomes of runs on SIGTERM.")
  var shutdown = ShutdownArgument.handBack
  @Option(help: "How long --shutdown finish waits: 500ms, 30s ...")
  var shutdownGrace = "30s"
  @Option(help: "How logs are written to stderr.")
  var logFormat = StderrLogHandler.Format.json
  @Option(help: "Least severe level that is logged: debug, info, warning ...")
  var logLevel = "info"

  func validate() throws {
    guard Duration(text: shutdownGrace) != nil else {
      throw ValidationError("--shutdown-grace: \(DurationText.hint)")
    }
    guard Logger.Level(rawValue: logLevel) != nil else {
      throw ValidationError("--log-level: there is no level \(logLevel)")
    }
  }

  func run() async throws {
    do throws(AdapterError) { try await serve() } catch {
      FileHandle.standardError.write(Data("baton-mock-adapter: \(error)\n".utf8))
      throw ExitCode(ExitCodes.code(of: error))
    }
  }

  private func serve() async throws(AdapterError) {
    let level = Logger.Level(rawValue: logLevel) ?? .info
    let log = Logger(label: "mock") { _ in
      StderrLogHandler(label: "mock", format: logFormat, level: level)
    }
    let configuration = adapterConfiguration
    var observer: RunObserver = { _ in }
    if let ledger {
      let ledger = try Ledger(path: ledger, instance: configuration.instance)
      observer = { ledger.record($0) }
    }
    let second = SecondAnswers(channel: try configuration.openChannel(), observer: observer)
    let runner = MockRunner(
      taskTypes: types.split(separator: ",").map(String.init),
      onStart: { second.expect($0, $1) })
    let host = AdapterHost(configuration, runner: runner, log: log) { [observer] event in
      observer(event)
      second.follow(event)
    }
    let signals = TerminationSignals { host.stop() }
    defer { withExtendedLifetime(signals) {} }
    try await host.run { ready in announce(ready) }
  }

  private var adapterConfiguration: AdapterConfiguration {
    var configuration = AdapterConfiguration(
      adapter: adapter, instance: instance ?? "\(adapter)-1", orchestrator: orchestrator,
      listen: listen, concurrencyMax: maxConcurrency, results: results, dataFolder: data)
    configuration.shutdown =
      shutdown == .handBack ? .handBack : .finish(Duration(text: shutdownGrace) ?? .seconds(30))
    configuration.tls = tls.files
    configuration.insecure = tls.insecure
    configuration.tokenFile = tokenFile
    let token = ProcessInfo.processInfo.environment["BATON_TOKEN"] ?? ""
    configuration.token = token.isEmpty ? nil : token
    configuration.advertise = advertise
    return configuration
  }

  private func announce(_ ready: AdapterHost.Ready) {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("grpc")
    writer.string(ready.address)
    writer.key("pid")
    writer.integer(Int64(ProcessInfo.processInfo.processIdentifier))
    for (key, text) in [
      ("adapter", adapter), ("instance", instance ?? "\(adapter)-1"),
      ("version", AdapterVersion.current),
    ] {
      writer.key(key)
      writer.string(text)
    }
    writer.endObject()
    FileHandle.standardOutput.write(Data("READY ".utf8 + writer.bytes + "\n".utf8))
  }
}
