internal import ArgumentParser
internal import Configuration
internal import Foundation

/// The server's settings as flags; each overrides its BATON_ variable, which overrides the file.
struct ServerFlags: ParsableArguments {
  @Option(help: "The file of settings; by default ./baton.yaml where it exists (BATON_CONFIG).")
  var config: String?

  @Option(help: Self.help("listen")) var listen: String?
  @Option(help: "Where health is served over HTTP: host:port (BATON_HTTP).") var http: String?
  @Flag(help: Self.help("insecure")) var insecure = false
  @Option(help: Self.help("tls-certificate")) var tlsCertificate: String?
  @Option(help: Self.help("tls-key")) var tlsKey: String?
  @Option(help: Self.help("tls-client-ca")) var tlsClientCa: String?
  @Option(help: Self.help("tls-require-client-certificate"))
  var tlsRequireClientCertificate: String?
  @Option(help: Self.help("tls-ca")) var tlsCa: String?
  @Option(help: Self.help("tls-adapter-name")) var tlsAdapterName: String?
  @Option(help: Self.help("tls-reload")) var tlsReload: String?
  @Option(help: Self.help("auth-tokens-file")) var authTokensFile: String?
  @Option(help: Self.help("store")) var store: String?
  @Option(help: Self.help("queue")) var queue: String?
  @Option(help: Self.help("routes")) var routes: String?
  @Option(help: Self.help("reflection")) var reflection: String?
  @Option(help: Self.help("limits-in-flight")) var limitsInFlight: String?
  @Option(help: Self.help("limits-per-plan")) var limitsPerPlan: String?
  @Option(help: Self.help("limits-per-adapter")) var limitsPerAdapter: String?
  @Option(help: Self.help("limits-tasks")) var limitsTasks: String?
  @Option(help: Self.help("limits-dependencies")) var limitsDependencies: String?
  @Option(help: Self.help("budgets-namespaces")) var budgetsNamespaces: String?
  @Option(help: Self.help("max-deliveries")) var maxDeliveries: String?
  @Option(help: Self.help("lease")) var lease: String?
  @Option(help: Self.help("sweep")) var sweep: String?
  @Option(help: Self.help("poll")) var poll: String?
  @Option(help: Self.help("timeouts-schedule-to-start")) var timeoutsScheduleToStart: String?
  @Option(help: Self.help("timeouts-start-to-close")) var timeoutsStartToClose: String?
  @Option(help: Self.help("timeouts-heartbeat")) var timeoutsHeartbeat: String?
  @Option(help: Self.help("retry-max-attempts")) var retryMaxAttempts: String?
  @Option(help: Self.help("retry-initial")) var retryInitial: String?
  @Option(help: Self.help("retry-multiplier")) var retryMultiplier: String?
  @Option(help: Self.help("retry-max")) var retryMax: String?
  @Option(help: Self.help("retry-jitter")) var retryJitter: String?
  @Option(help: Self.help("shutdown-grace")) var shutdownGrace: String?
  @Option(help: Self.help("shutdown-in-flight")) var shutdownInFlight: String?
  @Option(help: Self.help("log-format")) var logFormat: String?
  @Option(help: Self.help("log-level")) var logLevel: String?
  @Option(help: Self.help("dev")) var dev: String?
  @OptionGroup(title: "Settings of connections") var connections: ConnectionFlags

  /// Given flags by name.
  var values: [String: String] {
    let given: [(String, String?)] = [
      ("listen", listen), ("http", http), ("insecure", insecure ? "true" : nil),
      ("tls-certificate", tlsCertificate), ("tls-key", tlsKey), ("tls-client-ca", tlsClientCa),
      ("tls-require-client-certificate", tlsRequireClientCertificate), ("tls-ca", tlsCa),
      ("tls-adapter-name", tlsAdapterName), ("tls-reload", tlsReload),
      ("auth-tokens-file", authTokensFile), ("store", store),
      ("queue", queue), ("routes", routes), ("reflection", reflection),
      ("limits-in-flight", limitsInFlight),
      ("limits-per-plan", limitsPerPlan), ("limits-per-adapter", limitsPerAdapter),
      ("limits-tasks", limitsTasks), ("limits-dependencies", limitsDependencies),
      ("budgets-namespaces", budgetsNamespaces),
      ("max-deliveries", maxDeliveries), ("lease", lease), ("sweep", sweep), ("poll", poll),
      ("timeouts-schedule-to-start", timeoutsScheduleToStart),
      ("timeouts-start-to-close", timeoutsStartToClose),
      ("timeouts-heartbeat", timeoutsHeartbeat), ("retry-max-attempts", retryMaxAttempts),
      ("retry-initial", retryInitial), ("retry-multiplier", retryMultiplier),
      ("retry-max", retryMax), ("retry-jitter", retryJitter), ("shutdown-grace", shutdownGrace),
      ("shutdown-in-flight", shutdownInFlight), ("log-format", logFormat),
      ("log-level", logLevel), ("dev", dev),
    ]
    return Dictionary(
      uniqueKeysWithValues: (given + connections.values).compactMap { name, value in
        value.map { (name, $0) }
      })
  }

  static func help(_ flag: String) -> ArgumentHelp {
    let setting = ServerConfiguration.settingNames.first { $0.flag == flag }
    return "\(setting?.help.capitalizedSentence ?? flag) (\(setting?.variable ?? ""))."
  }

  /// The configuration from all sources; a bad one ends the process with every problem told.
  func configuration(
    startingFrom base: ServerConfiguration = ServerConfiguration()
  ) throws(CommandFailure) -> ServerConfiguration {
    let sources = ServerConfiguration.Sources(
      file: config, environment: ProcessInfo.processInfo.environment, flags: values)
    do throws(ConfigurationProblems) {
      return try ServerConfiguration(sources, startingFrom: base)
    } catch {
      var failure = CommandFailure(
        .usage, code: "BAD_CONFIGURATION", message: "the configuration is not valid")
      failure.details = error.problems
      throw failure
    }
  }
}

extension String {
  fileprivate var capitalizedSentence: String { prefix(1).uppercased() + dropFirst() }
}
