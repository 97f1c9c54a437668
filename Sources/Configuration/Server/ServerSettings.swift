internal import JSON
internal import Plan

/// Everything that can be set, in the order of the file.
enum ServerSettings {
  static let all: [Setting] =
    places + certificates + stores + work + connections + times + retries + ending

  private static let places: [Setting] = [
    scalar("listen", "where gRPC is served: host:port or unix:PATH") { value, settings, reader in
      reader.address(value).map { settings.listen = $0 }
    },
    scalar("http", "where health is served: host:port") { value, settings, reader in
      reader.hostAndPort(value).map { settings.http = $0 }
    },
    scalar("insecure", "serve, and call adapters, beyond this machine without TLS") {
      value, settings, reader in
      reader.truth(value).map { settings.insecure = $0 }
    },
  ]

  private static let certificates: [Setting] = [
    scalar("tls.certificate", "PEM file of the server's certificate") { value, settings, reader in
      reader.path(value).map { settings.tls.certificate = $0 }
    },
    scalar("tls.key", "PEM file of the certificate's key") { value, settings, reader in
      reader.path(value).map { settings.tls.key = $0 }
    },
    scalar("tls.client_ca", "PEM file of the authorities that sign clients' certificates") {
      value, settings, reader in
      reader.path(value).map { settings.tls.clientCA = $0 }
    },
    scalar("tls.require_client_certificate", "whether a client needs one, with tls.client_ca") {
      value, settings, reader in
      reader.truth(value).map { settings.tls.requiresClientCertificate = $0 }
    },
    scalar("tls.ca", "PEM file of the authorities that sign adapters' certificates") {
      value, settings, reader in
      reader.path(value).map { settings.tls.ca = $0 }
    },
    scalar("tls.adapter_name", "name of adapters' certificates, if not their host") {
      value, settings, reader in
      reader.path(value).map { settings.tls.adapterName = $0 }
    },
    scalar("auth.tokens_file", "file of the tokens that callers must show one of") {
      value, settings, reader in
      reader.path(value).map { settings.tokensFile = $0 }
    },
    scalar("tls.reload", "how often these files are looked at for a change") {
      value, settings, reader in
      reader.duration(value, atLeast: 10).map { settings.tls.reloadMilliseconds = $0 }
    },
  ]

  private static let stores: [Setting] = [
    scalar("store", "where plans are kept: sqlite:PATH or memory") { value, settings, reader in
      reader.store(value).map { settings.store = $0 }
    },
    scalar("queue", "what carries hints: memory") { value, settings, reader in
      reader.word(value).map { settings.queue = $0 }
    },
    structured("routes", "adapters by task type, {default: [NAME, ...]}") {
      value, settings, reader in
      if let routes = reader.routes(value) { settings.routes = routes }
    },
    scalar("reflection", "whether clients may ask what is served: true or false") {
      value, settings, reader in
      reader.truth(value).map { settings.reflection = $0 }
    },
  ]

  private static let work: [Setting] = [
    scalar("limits.in_flight", "tasks with adapters at one time") { value, settings, reader in
      reader.integer(value, in: 1...1_000_000).map { settings.inFlight = Int($0) }
    },
    scalar("limits.per_plan", "tasks of one plan with adapters at one time") {
      value, settings, reader in
      reader.integer(value, in: 1...1_000_000).map { settings.perPlan = Int32($0) }
    },
    structured("limits.per_adapter", "tasks with one adapter at one time, {NAME: N}") {
      value, settings, reader in
      if let limits = reader.perAdapter(value) { settings.perAdapter = limits }
    },
    scalar("limits.tasks", "tasks that one plan may have") { value, settings, reader in
      reader.integer(value, in: 1...1_000_000).map { settings.tasksMax = Int($0) }
    },
    scalar("limits.dependencies", "dependencies that the tasks of one plan may have") {
      value, settings, reader in
      reader.integer(value, in: 1...10_000_000).map { settings.dependenciesMax = Int($0) }
    },
    structured(
      "budgets.namespaces",
      "what namespaces may use, {NAME: {tokens, soft_tokens, tasks, soft_tasks, period}}"
    ) { value, settings, reader in
      if let budgets = reader.budgets(value) { settings.namespaceBudgets = budgets }
    },
    scalar("max_deliveries", "hand-outs of one attempt before its task is given up") {
      value, settings, reader in
      reader.integer(value, in: 1...1_000).map { settings.maxDeliveries = Int32($0) }
    },
  ]

  private static let times: [Setting] = [
    scalar("lease", "an adapter's session ends this long after its last heartbeat") {
      value, settings, reader in
      reader.duration(value, atLeast: 500).map { settings.leaseMilliseconds = $0 }
    },
    scalar("sweep", "how often everything is looked over for lost hints") {
      value, settings, reader in
      reader.duration(value, atLeast: 100).map { settings.sweepMilliseconds = $0 }
    },
    scalar("poll", "how long an adapter may hold one poll for a result") {
      value, settings, reader in
      reader.duration(value, atLeast: 10).map { settings.pollMilliseconds = $0 }
    },
    scalar("adapters.keepalive", "silence after which an adapter is asked for a sign of life") {
      value, settings, reader in
      reader.duration(value, atLeast: 0).map { settings.adapterKeepaliveMilliseconds = $0 }
    },
    scalar("adapters.keepalive_timeout", "how long that sign may take") {
      value, settings, reader in
      reader.duration(value, atLeast: 10).map {
        settings.adapterKeepaliveTimeoutMilliseconds = $0
      }
    },
    scalar("timeouts.schedule_to_start", "from the moment a task is ready to its hand-out") {
      value, settings, reader in
      reader.duration(value, atLeast: 1).map { settings.timeouts.scheduleToStartMilliseconds = $0 }
    },
    scalar("timeouts.start_to_close", "from a task's hand-out to its result") {
      value, settings, reader in
      reader.duration(value, atLeast: 1).map { settings.timeouts.startToCloseMilliseconds = $0 }
    },
    scalar("timeouts.heartbeat", "how long a run may say nothing; 0: as long as it likes") {
      value, settings, reader in
      reader.duration(value, atLeast: 0).map { settings.timeouts.heartbeatMilliseconds = $0 }
    },
  ]

  private static let retries: [Setting] = [
    scalar("retry.max_attempts", "tries of a task") { value, settings, reader in
      reader.integer(value, in: 1...100).map { settings.retry.maxAttempts = Int32($0) }
    },
    scalar("retry.initial", "pause after the first failure") { value, settings, reader in
      reader.duration(value, atLeast: 0).map { settings.retry.initialDelayMilliseconds = $0 }
    },
    scalar("retry.multiplier", "how much longer each further pause is") { value, settings, reader in
      reader.number(value, in: 1...Double.infinity).map { settings.retry.multiplier = $0 }
    },
    scalar("retry.max", "longest pause") { value, settings, reader in
      reader.duration(value, atLeast: 0).map { settings.retry.maxDelayMilliseconds = $0 }
    },
    scalar("retry.jitter", "part of a pause that varies at random, 0 to 1") {
      value, settings, reader in
      reader.number(value, in: 0...1).map { settings.retry.jitter = $0 }
    },
  ]

  private static let ending: [Setting] = [
    scalar("shutdown.grace", "how long a shutdown may take") { value, settings, reader in
      reader.duration(value, atLeast: 0).map { settings.graceMilliseconds = $0 }
    },
    scalar("shutdown.in_flight", "what becomes of running tasks at a shutdown: continue, cancel") {
      value, settings, reader in
      reader.word(value).map { settings.inFlightAtShutdown = $0 }
    },
    scalar("log.format", "json or text") { value, settings, reader in
      reader.word(value).map { settings.logFormat = $0 }
    },
    scalar("log.level", "trace, debug, info, notice, warning, error or critical") {
      value, settings, reader in
      reader.word(value).map { settings.logLevel = $0 }
    },
    structured("dev", "what baton dev starts, [{name: NAME, command: [PROGRAM, ...]}]") {
      value, settings, reader in
      if let processes = reader.processes(value) { settings.processes = processes }
    },
  ]

  typealias Read =
    @Sendable (JSONValue, inout ServerConfiguration, inout SettingReader) -> Void?

  static func scalar(_ path: String, _ help: String, _ read: @escaping Read) -> Setting {
    Setting(path: path, help: help, isScalar: true) { _ = read($0, &$1, &$2) }
  }

  static func structured(
    _ path: String, _ help: String, _ read: @escaping Read
  ) -> Setting {
    Setting(path: path, help: help, isScalar: false) { _ = read($0, &$1, &$2) }
  }

  /// Fields that other versions have, so that a file for one of them is told what it meets here.
  static let later: [String: String] = [
    "retention": "plans are not deleted in this version; take the line out",
    "limits.per_key": "concurrency keys are not in this version; take the line out",
  ]
}
