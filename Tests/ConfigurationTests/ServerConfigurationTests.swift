import Foundation
import JSON
import Plan
import Testing

@testable import Configuration

@Suite struct ServerConfigurationTests {
  /// A file that is gone when the test ends.
  private func withFile<Result>(
    _ text: String, _ body: (String) throws -> Result
  ) throws -> Result {
    let path = FileManager.default.temporaryDirectory.path + "/baton-\(UUID().uuidString).yaml"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }

  private func load(
    _ text: String = "", _ environment: [String: String] = [:], _ flags: [String: String] = [:]
  ) throws -> ServerConfiguration {
    try withFile(text) {
      try ServerConfiguration(.init(file: $0, environment: environment, flags: flags))
    }
  }

  /// What is refused, with the file's name taken out.
  private func problems(
    _ text: String = "", _ environment: [String: String] = [:], _ flags: [String: String] = [:]
  ) throws -> [String] {
    try withFile(text) { path in
      do throws(ConfigurationProblems) {
        _ = try ServerConfiguration(.init(file: path, environment: environment, flags: flags))
        return []
      } catch {
        return error.problems.map { $0.replacingOccurrences(of: path, with: "FILE") }
      }
    }
  }

  private static let full = """
    listen: "[::1]:9000"
    http: 127.0.0.1:0
    insecure: true
    tls: {certificate: a.pem, key: a.key, client_ca: b.pem, require_client_certificate: false, \
    ca: c.pem, adapter_name: adapters.test, reload: 1m}
    store: sqlite:/var/lib/baton/plans.db
    queue: memory
    routes: {default: [langchain], crew: [crewai, "crewai.spare"]}
    reflection: false
    limits: {in_flight: 7, per_plan: 3, per_adapter: {crewai: 2}, connections: 20, request_bytes: 1000000, \
    response_bytes: 2000000, calls: 70, tasks: 9, dependencies: 11}
    budgets: {namespaces: {research: {tokens: 1000, soft_tasks: 5, period: 1d}}}
    auth: {tokens_file: tokens}
    adapters: {keepalive: 3s, keepalive_timeout: 1s}
    http2:
      concurrent_streams: 10
      header_list_bytes: 8192
      headers_timeout: 1s
      body_timeout: 2s
      write_timeout: 3s
      idle_timeout: 4s
      age: 5s
      age_grace: 6s
      keepalive: 7s
      keepalive_timeout: 8s
      ping_interval: 9s
      ping_interval_idle: 0s
      ping_rate: {burst: 11, per_second: 12}
      settings_rate: {burst: 13, per_second: 14}
      priority_rate: {burst: 15, per_second: 16}
      window_update_rate: {burst: 17, per_second: 18}
      empty_rate: {burst: 19, per_second: 20}
      reset_rate: {burst: 21, per_second: 22}
    max_deliveries: 4
    lease: 500ms
    sweep: 100ms
    poll: 250ms
    timeouts: {schedule_to_start: 5m, start_to_close: 90s, heartbeat: 20s}
    retry: {max_attempts: 5, initial: 10ms, multiplier: 1.5, max: 2s, jitter: 0}
    shutdown: {grace: 5s, in_flight: cancel}
    log: {format: text, level: debug}
    dev:
      - {name: one, command: [./one, --port, 7]}
    """

  private var fullConfiguration: ServerConfiguration {
    var wanted = ServerConfiguration()
    wanted.listen = "[::1]:9000"
    wanted.http = "127.0.0.1:0"
    wanted.insecure = true
    wanted.tls.certificate = "a.pem"
    wanted.tls.key = "a.key"
    wanted.tls.clientCA = "b.pem"
    wanted.tls.requiresClientCertificate = false
    wanted.tls.ca = "c.pem"
    wanted.tls.adapterName = "adapters.test"
    wanted.tls.reloadMilliseconds = 60_000
    wanted.store = .sqlite(path: "/var/lib/baton/plans.db")
    wanted.routes = ["default": ["langchain"], "crew": ["crewai", "crewai.spare"]]
    wanted.reflection = false
    wanted.inFlight = 7
    wanted.perPlan = 3
    wanted.tasksMax = 9
    wanted.dependenciesMax = 11
    wanted.perAdapter = ["crewai": 2]
    var budget = NamespaceBudget()
    budget.budget.tokens = 1_000
    budget.budget.softTasks = 5
    budget.periodMilliseconds = 86_400_000
    wanted.namespaceBudgets = ["research": budget]
    wanted.clients.connections = 20
    wanted.clients.concurrentStreams = 10
    wanted.clients.headerListBytes = 8_192
    wanted.clients.requestBytes = 1_000_000
    wanted.clients.responseBytes = 2_000_000
    wanted.clients.calls = 70
    wanted.tokensFile = "tokens"
    wanted.adapterKeepaliveMilliseconds = 3_000
    wanted.adapterKeepaliveTimeoutMilliseconds = 1_000
    wanted.clients.headersMilliseconds = 1_000
    wanted.clients.bodyMilliseconds = 2_000
    wanted.clients.writeMilliseconds = 3_000
    wanted.clients.idleMilliseconds = 4_000
    wanted.clients.ageMilliseconds = 5_000
    wanted.clients.ageGraceMilliseconds = 6_000
    wanted.clients.keepaliveMilliseconds = 7_000
    wanted.clients.keepaliveTimeoutMilliseconds = 8_000
    wanted.clients.pingIntervalMilliseconds = 9_000
    wanted.clients.pingIntervalIdleMilliseconds = 0
    wanted.clients.floods.ping = .init(burst: 11, perSecond: 12)
    wanted.clients.floods.settings = .init(burst: 13, perSecond: 14)
    wanted.clients.floods.priority = .init(burst: 15, perSecond: 16)
    wanted.clients.floods.windowUpdate = .init(burst: 17, perSecond: 18)
    wanted.clients.floods.empty = .init(burst: 19, perSecond: 20)
    wanted.clients.floods.reset = .init(burst: 21, perSecond: 22)
    wanted.maxDeliveries = 4
    wanted.leaseMilliseconds = 500
    wanted.sweepMilliseconds = 100
    wanted.pollMilliseconds = 250
    wanted.timeouts.scheduleToStartMilliseconds = 300_000
    wanted.timeouts.startToCloseMilliseconds = 90_000
    wanted.timeouts.heartbeatMilliseconds = 20_000
    wanted.retry.maxAttempts = 5
    wanted.retry.initialDelayMilliseconds = 10
    wanted.retry.multiplier = 1.5
    wanted.retry.maxDelayMilliseconds = 2_000
    wanted.retry.jitter = 0
    wanted.graceMilliseconds = 5_000
    wanted.inFlightAtShutdown = .cancel
    wanted.logFormat = .text
    wanted.logLevel = .debug
    wanted.processes = [DevelopmentProcess(name: "one", command: ["./one", "--port", "7"])]
    return wanted
  }

  /// The full file as variables or flags, from the settings' own names.
  private func fullTexts(_ name: (Setting) -> String) throws -> [String: String] {
    let document = try SourceDocument(text: Self.full, name: "full")
    var texts: [String: String] = [:]
    for setting in ServerSettings.all {
      var value = document.value
      for key in setting.path.split(separator: ".") {
        value = try #require(value[String(key)], "the full file lacks \(setting.path)")
      }
      texts[name(setting)] = value.stringValue ?? value.text
    }
    return texts
  }

  @Test func anEmptyFileGivesTheDefaults() throws {
    #expect(try load() == ServerConfiguration())
    #expect(try load("# nothing but a comment\nretry:\n") == ServerConfiguration())
  }

  @Test func everySettingIsReadFromTheFile() throws {
    #expect(try load(Self.full) == fullConfiguration)
  }

  @Test func everySettingIsReadFromItsVariable() throws {
    let texts = try fullTexts(\.variable)
    #expect(texts["BATON_RETRY_MAX_ATTEMPTS"] == "5")
    #expect(try load("", texts) == fullConfiguration)
  }

  @Test func everySettingIsReadFromItsFlag() throws {
    let texts = try fullTexts(\.flag)
    #expect(texts["limits-in-flight"] == "7")
    #expect(try load("", [:], texts) == fullConfiguration)
  }

  @Test func aRateMayBeGivenInPart() throws {
    let ping = try load("http2: {ping_rate: {burst: 7}}").clients.floods.ping
    #expect(ping == .init(burst: 7, perSecond: 20))
    #expect(
      try problems("http2:\n  reset_rate: {burst: 0, per_minute: 1}") == [
        "FILE:2: http2.reset_rate.burst: expected a whole number from 1 to 1000000, not \"0\"",
        "FILE:2: http2.reset_rate.per_minute: unknown field; known here: burst, per_second",
      ])
  }

  @Test func everySettingIsInTheDocumentation() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/configuration.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    for setting in ServerSettings.all {
      #expect(text.contains("\n| `\(setting.path)` |"), "\(setting.path)")
    }
  }

  @Test func flagsOverrideVariablesAndVariablesTheFile() throws {
    let file = "lease: 1s\nsweep: 1s\npoll: 1s"
    let configuration = try load(
      file, ["BATON_SWEEP": "2s", "BATON_POLL": "2s"], ["poll": "3s"])
    #expect(configuration.leaseMilliseconds == 1_000)
    #expect(configuration.sweepMilliseconds == 2_000)
    #expect(configuration.pollMilliseconds == 3_000)
    // An empty variable is as good as none: that is how a shell takes one back.
    #expect(try load(file, ["BATON_LEASE": ""]).leaseMilliseconds == 1_000)
  }

  @Test func theFileMayBeNamedByAVariable() throws {
    let configuration = try withFile("lease: 3s") {
      try ServerConfiguration(.init(environment: ["BATON_CONFIG": $0]))
    }
    #expect(configuration.leaseMilliseconds == 3_000)
  }

  @Test func aNamedFileMustExist() {
    #expect(throws: ConfigurationProblems(["/nowhere/baton.yaml: there is no such file"])) {
      try ServerConfiguration(.init(file: "/nowhere/baton.yaml"))
    }
  }

  @Test func allProblemsOfAllSourcesAreToldAtOnce() throws {
    let file = """
      lease: 100ms
      colour: red
      retry:
        max_attempts: 0
        max_atempts: 3
      retention: 30d
      routes: {default: [], "a b": [x], crew: crewai}
      limits: {per_adapter: {crewai: many}}
      budgets: {namespaces: {a: {tokens: 0, perod: 1d, period: soon}}}
      log: loud
      """
    let found = try problems(
      file, ["BATON_STORE": "postgres://db", "BATON_ROUTES": "{"], ["poll": "soon"])
    let wanted = [
      "FILE:2: colour: unknown field; known here: listen, http, insecure, tls, auth, store, queue, "
        + "routes, reflection, limits, budgets, max_deliveries, http2, lease, sweep, poll, adapters, "
        + "timeouts, retry, shutdown, log, dev",
      "FILE:5: retry.max_atempts: unknown field; known here: max_attempts, initial, multiplier, "
        + "max, jitter",
      "FILE:6: retention: plans are not deleted in this version; take the line out",
      "FILE:10: log: expected a mapping of format, level, not a string",
      "FILE:7: routes.default: an empty route; name at least one adapter or take the line out",
      "FILE:7: routes.a b: \"a b\" is no name; start with a letter or digit, go on with letters, "
        + "digits and . _ : -",
      "FILE:7: routes.crew: expected a list, not a string",
      "FILE:8: limits.per_adapter.crewai: expected a whole number from 1 to 1000000, not \"many\"",
      "FILE:9: budgets.namespaces.a.tokens: expected a whole number from 1 to 1000000000000000, "
        + "not \"0\"",
      "FILE:9: budgets.namespaces.a.perod: unknown field; known here: tokens, soft_tokens, tasks, "
        + "soft_tasks, period",
      "FILE:9: budgets.namespaces.a.period: \"soon\" is no duration; write a number and a unit, "
        + "such as 500ms, 30s, 5m, 2h or 30d",
      "FILE:1: lease: \"100ms\" is not from 500ms to ten years",
      "FILE:4: retry.max_attempts: expected a whole number from 1 to 100, not \"0\"",
      "BATON_STORE: \"postgres\" is not in this version; write sqlite:PATH or memory",
    ]
    #expect(Array(found.prefix(wanted.count)) == wanted)
    #expect(found.count == wanted.count + 2)
    #expect(found[wanted.count].hasPrefix("BATON_ROUTES: "))
    #expect(found[wanted.count].hasSuffix("write adapters by task type, {default: [NAME, ...]}"))
    #expect(
      found.last == "--poll: \"soon\" is no duration; write a number and a unit, such as 500ms, "
        + "30s, 5m, 2h or 30d")
  }

  @Test(arguments: [
    ("listen", "7420"), ("listen", "host:70000"), ("listen", "::1:80"), ("listen", "unix:"),
    ("http", "unix:/x"), ("insecure", "yes"), ("tls.reload", "1"), ("store", "sqlite:"),
    ("store", "json:dir"), ("reflection", "on"),
    ("store", "redis"), ("queue", "redis://x"), ("max_deliveries", "0"), ("sweep", "99ms"),
    ("poll", "5"), ("retry.multiplier", ".nan"), ("retry.multiplier", "0.5"),
    ("retry.jitter", "1.1"), ("retry.initial", "-1s"), ("retry.max", "11000000d"),
    ("shutdown.in_flight", "kill"), ("log.level", "loud"), ("limits.per_plan", "1.5"),
    ("timeouts.start_to_close", "0ms"), ("dev", "[{name: a}]"), ("dev", "{a: b}"),
    ("http2.ping_rate", "200"), ("http2.empty_rate", "{per_second: many}"),
  ])
  func badValuesAreRefusedWhereverTheyStand(path: String, text: String) throws {
    let setting = try #require(ServerSettings.all.first { $0.path == path })
    let keys = path.split(separator: ".")
    let value = text.hasSuffix(":") ? "'\(text)'" : text
    let line = keys.count == 1 ? "\(path): \(value)" : "\(keys[0]):\n  \(keys[1]): \(value)"
    let inFile = try problems(line)
    #expect(inFile.count >= 1)
    #expect(inFile.allSatisfy { $0.hasPrefix("FILE:\(keys.count): \(path)") })
    let inVariable = try problems("", [setting.variable: text])
    #expect(inVariable.count == inFile.count)
    #expect(inVariable.allSatisfy { $0.hasPrefix(setting.variable) })
    #expect(try problems("", [:], [setting.flag: text]).count == inFile.count)
  }

  @Test(arguments: ["0.0.0.0:1", "10.0.0.1:1", "[::]:1", "127.0.0.1.example.org:1"])
  func addressesThatOthersReachNeedAWord(address: String) throws {
    let found = try problems("listen: \"\(address)\"")
    #expect(found.count == 1)
    #expect(found[0].hasPrefix("FILE:1: listen: other machines can reach"))
    #expect(found[0].contains("set `tls.certificate` and `tls.key`"))
    #expect(try load("listen: \"\(address)\"\ninsecure: true").listen == address)
    #expect(try load("listen: \"\(address)\"\ntls: {certificate: a, key: b}").listen == address)
  }

  @Test func certificatesComeWithTheirKeys() throws {
    #expect(try problems("tls: {certificate: a}") == ["tls.key: missing; tls.certificate is given"])
    #expect(try problems("tls: {key: a}") == ["tls.certificate: missing; tls.key is given"])
    #expect(
      try problems("tls: {client_ca: a}") == [
        "tls.certificate: missing; without it clients are not asked for theirs"
      ])
    #expect(try load("tls: {ca: a}").tls.ca == "a")
  }

  @Test(arguments: ["127.0.0.1:0", "127.8.9.10:1", "localhost:1", "[::1]:1", "unix:/run/b.sock"])
  func addressesOfThisMachineDoNot(address: String) throws {
    #expect(try load("listen: \"\(address)\"").listen == address)
  }
}
