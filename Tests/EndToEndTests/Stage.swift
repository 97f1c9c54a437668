import Foundation
import GRPC
import JSON
import Messages
import Plan
import PlanMapping
import Stubs
import Testing

/// A server with adapters around it, in a folder of its own.
final class Stage {
  let folder: URL
  private(set) var server: Program
  private(set) var adapters: [Program] = []
  private(set) var orchestrator: OrchestratorClient
  private(set) var registry: AdapterRegistryClient
  /// Flags of the server; what is changed holds from its next start on.
  var arguments: [String]

  /// Where the server listens; kept over restarts.
  let address: String

  /// - Parameters:
  ///   - arguments: Flags of `baton serve` beside addresses and store.
  ///   - socket: It listens on a Unix domain socket in the folder.
  init(_ arguments: [String] = [], store: String? = nil, socket: Bool = false) async throws {
    folder = FileManager.default.temporaryDirectory
      .appending(path: "baton-e2e-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let store = store ?? "sqlite:\(folder.appending(path: "baton.db").path)"
    self.arguments = ["--store", store, "--http", "127.0.0.1:0"] + arguments
    let listen = socket ? "unix:\(folder.appending(path: "baton.sock").path)" : "127.0.0.1:0"
    server = try await Self.serve(self.arguments, listen, folder)
    address = server.field("grpc")
    (orchestrator, registry) = try Self.clients(address)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func serve(
    _ arguments: [String], _ listen: String, _ folder: URL
  ) async throws -> Program {
    try await Program(
      Program.built("baton"), ["serve", "--listen", listen] + arguments,
      log: folder.appending(path: "server.log"), folder: folder)
  }

  private static func clients(
    _ address: String
  ) throws -> (OrchestratorClient, AdapterRegistryClient) {
    let channel = try ClientChannel(target: address)
    return (OrchestratorClient(channel), AdapterRegistryClient(channel))
  }

  /// Kills the server without warning and starts it again on the same store.
  func crash() async throws {
    await server.kill()
    try await start()
  }

  func start() async throws {
    server = try await Self.serve(arguments, address, folder)
    orchestrator.channel.close()
    (orchestrator, registry) = try Self.clients(address)
  }

  /// Ends the server in good order; answers its exit code.
  func stopServer() async -> Int32 { await server.terminate() }

  func close() async {
    for adapter in adapters { await adapter.terminate() }
    await server.terminate()
    orchestrator.channel.close()
  }

  // MARK: Adapters

  var ledgerURL: URL { folder.appending(path: "ledger.jsonl") }

  @discardableResult
  func mock(_ arguments: [String] = [], instance: String = "mock-1") async throws -> Program {
    let program = try await Program(
      Program.built("baton-mock-adapter"),
      [
        "--orchestrator", address, "--instance", instance, "--ledger", ledgerURL.path,
      ] + arguments, log: folder.appending(path: "\(instance).log"), folder: folder)
    adapters.append(program)
    try await registered(instance)
    return program
  }

  /// A real sidecar on a real model.
  @discardableResult
  func sidecar(
    _ adapter: String, results: String, model: String, listen: String = "127.0.0.1:0"
  ) async throws -> Program {
    let configuration = folder.appending(path: "\(adapter).yaml")
    try """
    orchestrator: \(address)
    instance: \(adapter)-1
    listen: \(listen)
    data: \(folder.appending(path: "\(adapter)-data").path)
    results: \(results)
    max_concurrency: 2
    models: {default: {model: openai/smollm2, base_url: "\(model)", api_key: none, \
    temperature: 0, max_tokens: 24, timeout: 60s}}
    entrypoints: ["examples.*"]
    """.write(to: configuration, atomically: true, encoding: .utf8)
    let program = try await Program(
      Program.sidecar(adapter), ["--config", configuration.path],
      log: folder.appending(path: "\(adapter).log"))
    adapters.append(program)
    try await registered("\(adapter)-1")
    return program
  }

  /// Waits until an instance is registered.
  func registered(_ instance: String) async throws {
    try await eventually("\(instance) registers") {
      try await self.registry.listAdapters(BatonV1.ListAdaptersRequest()).adapters.contains {
        $0.instance == instance && $0.health == .alive
      }
    }
  }

  // MARK: Plans

  /// Runs a command of `baton` against the server; answers its exit code and output.
  func baton(_ arguments: [String]) throws -> (Int32, String) {
    let process = Process()
    process.executableURL = try Program.built("baton")
    process.arguments = arguments + ["--server", address]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self))
  }

  func submit(_ plan: Plan, key: String = "") async throws -> String {
    try await orchestrator.submitPlan(
      BatonV1.SubmitPlanRequest(plan: BatonV1.Plan(plan), requestKey: key)
    ).planId
  }

  func state(_ planID: String) async throws -> BatonV1.PlanState {
    let reply = try await orchestrator.getPlan(
      BatonV1.GetPlanRequest(planId: planID, view: .full))
    return try #require(reply.state)
  }

  /// Follows a plan over lost connections; `each` sees every event once. Answers all events.
  @discardableResult
  func follow(
    _ planID: String, from seq: Int64 = 1,
    each: (BatonV1.PlanEvent) async throws -> Bool = { _ in true }
  ) async throws -> [BatonV1.PlanEvent] {
    var events: [BatonV1.PlanEvent] = []
    let stream = try await orchestrator.streamPlanEvents(
      BatonV1.StreamPlanEventsRequest(planId: planID, fromSeq: seq))
    for try await response in stream {
      guard case .event(let event)? = response.item else { continue }
      events.append(event)
      if try await !each(event) { break }
    }
    return events
  }

  /// The mock adapters' own record.
  func ledger() throws -> [LedgerLine] {
    try String(contentsOf: ledgerURL, encoding: .utf8).split(separator: "\n").map {
      let line = try JSONValue(parsing: String($0))
      return LedgerLine(
        event: line["event"]?.stringValue ?? "", taskID: line["task_id"]?.stringValue ?? "",
        attempt: line["attempt"]?.integerValue ?? 0, token: line["token"]?.integerValue ?? 0)
    }
  }
}

/// A line of the mock adapter's ledger.
struct LedgerLine: Sendable, Hashable {
  var event: String
  var taskID: String
  var attempt: Int64
  var token: Int64
}

/// Something did not come about in time.
struct TimedOut: Error, CustomStringConvertible {
  var description: String
}

/// Asks again until `condition` holds; for what no event announces.
func eventually(
  _ what: String, within limit: Duration = .seconds(60),
  _ condition: () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return }
    await Task.yield()
  }
  throw TimedOut(description: "in \(limit): \(what)")
}

extension Plan {
  /// A plan document in YAML's JSON form.
  static func reading(_ json: String) throws -> Plan {
    try Plan(document: try JSONValue(parsing: json))
  }
}
