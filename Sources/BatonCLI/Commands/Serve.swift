internal import ArgumentParser
internal import Configuration
internal import Foundation
internal import Logging
internal import Service

struct Serve: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the server.",
    discussion: """
      Prints READY and a JSON object on standard output when it accepts calls, and logs to standard \
      error. SIGTERM and SIGINT end it in good order; a second one at once; SIGHUP reads the \
      certificates and tokens again. Ends with 64 for a bad configuration, every problem told, with 71 for an \
      address that cannot be had, and with 74 for a store that cannot be used.
      """)

  @OptionGroup(title: "Settings") var flags: ServerFlags

  var format: OutputFormat { .text }

  func execute() async throws {
    let configuration = try flags.configuration()
    LogLines.bootstrap(configuration.logFormat, configuration.logLevel)
    let log = Logger(label: "baton")
    let files = OpenFiles.allowMost()
    if files < UInt64(configuration.clients.connections) {
      log.warning(
        "fewer files may be open than limits.connections",
        metadata: ["event": "open_files", "files": "\(files)"])
    }
    let signals = EndingSignals()
    let server = BatonServer(configuration: configuration, log: log)
    let addresses = try await server.startReporting(configuration)
    Terminal.standardOutput.write(lines: [ReadyLine.text(addresses, configuration)])
    let reload = ReloadSignal { await server.reload() }
    let signal = await signals.next()
    reload.end()
    log.info("stopping", metadata: ["event": "stopping", "signal": "\(signal)"])
    signals.onImpatience { Foundation.exit(ExitStatus.interrupted.rawValue) }
    await server.shutdown()
    log.info("stopped", metadata: ["event": "stopped"])
  }
}
