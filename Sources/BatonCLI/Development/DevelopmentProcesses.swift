internal import Configuration
internal import Foundation

/// What `baton dev` starts beside the server.
enum DevelopmentProcesses {
  /// From `--run NAME=COMMAND`, else from the configuration, else the adapters that the set-up of
  /// this repository made, where they are.
  static func choose(
    _ flags: [String], _ configured: [DevelopmentProcess], exists: (String) -> Bool
  ) throws(CommandFailure) -> [DevelopmentProcess] {
    if !flags.isEmpty {
      var chosen: [DevelopmentProcess] = []
      for flag in flags { chosen.append(try parse(flag)) }
      return chosen
    }
    if !configured.isEmpty { return configured }
    return ["crewai", "langchain"].compactMap { name in
      let program = ".venv-\(name)/bin/baton-\(name)"
      return exists(program) ? DevelopmentProcess(name: name, command: [program]) : nil
    }
  }

  private static func parse(_ flag: String) throws(CommandFailure) -> DevelopmentProcess {
    let parts = flag.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw CommandFailure(
        .usage, code: "BAD_ARGUMENT",
        message: "--run \(flag): write NAME=COMMAND, such as --run 'crewai=baton-crewai'")
    }
    // The shell splits the command and is replaced by it, so that its pid is the program's.
    return DevelopmentProcess(
      name: String(parts[0]), command: ["/bin/sh", "-c", "exec \(parts[1])"])
  }

  /// The environment of a child: ours, without the server's own settings, and with what leads it to
  /// the server. Adapters have settings of the same names.
  static func environment(
    _ own: [String: String], server: String, configuration: ServerConfiguration
  ) -> [String: String] {
    var environment = own
    for setting in ServerConfiguration.settingNames { environment[setting.variable] = nil }
    environment["BATON_CONFIG"] = nil
    let usesTLS = configuration.tls.certificate != nil && !server.hasPrefix("unix:")
    environment["BATON_ORCHESTRATOR"] = usesTLS ? "https://\(server)" : server
    if usesTLS { environment["BATON_TLS_CA"] = configuration.tls.ca }
    environment["BATON_LOG_FORMAT"] = configuration.logFormat.rawValue
    environment["BATON_LOG_LEVEL"] = adapterLevel(configuration.logLevel)
    // Python holds back what it prints to a pipe.
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
  }

  /// Adapters know fewer levels.
  private static func adapterLevel(_ level: LogLevel) -> String {
    switch level {
    case .trace, .debug: "debug"
    case .info, .notice: "info"
    case .warning: "warning"
    case .error, .critical: "error"
    }
  }
}
