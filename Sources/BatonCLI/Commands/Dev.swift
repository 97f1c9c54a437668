internal import ArgumentParser
internal import Configuration
internal import Foundation
internal import Logging
internal import Service

struct Dev: ReportingCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs the server and its adapters on this machine.",
    discussion: """
      Adapters come from --run, else from the list `dev` of the configuration, else those in \
      .venv-crewai and .venv-langchain are taken. They are told where the server is \
      (BATON_ORCHESTRATOR). Their output goes to standard error, each line with their name before \
      it; READY comes on standard output when all of them are ready. Nothing is restarted: when one \
      ends, that is said, and all end.
      """)

  @Option(
    name: .customLong("run"), parsing: .singleValue,
    help: ArgumentHelp("An adapter to start; may be repeated.", valueName: "name=command"))
  var run_: [String] = []

  @Flag(help: "Keep plans in memory only, and log everything.")
  var debug = false

  @OptionGroup(title: "Settings") var flags: ServerFlags

  var format: OutputFormat { .text }

  func execute() async throws {
    var base = Configuration.ServerConfiguration()
    base.logFormat = .text
    if debug {
      base.store = .memory
      base.logLevel = .debug
    }
    let configuration = try flags.configuration(startingFrom: base)
    let processes = try DevelopmentProcesses.choose(run_, configuration.processes) {
      FileManager.default.isExecutableFile(atPath: $0)
    }
    LogLines.bootstrap(configuration.logFormat, configuration.logLevel)
    try await DevelopmentRun(configuration: configuration, processes: processes).run()
  }
}
