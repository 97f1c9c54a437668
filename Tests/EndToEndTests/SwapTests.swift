import Foundation
import Messages
import Plan
import Testing

/// S13: the same plan behaves the same with any adapter; only the route is another one.
@Suite("Swap", .timeLimit(.minutes(5)))
struct SwapTests {
  /// The plan of the kill test and two agents: a chain, a fan-out, a fan-in, both portable types.
  private static func plan() throws -> Plan {
    var plan = KillTests.plan()
    let agents = try Plan.reading(
      """
      {"tasks":[
        {"id":"teacher","type":"agent",
         "payload":{"role":"Teacher","goal":"Explain tea","instructions":"Say one thing about tea.",
         "expected_output":"one sentence"}},
        {"id":"cook","type":"agent","depends_on":["teacher"],
         "payload":{"role":"Cook","goal":"Explain tea",
         "instructions":"Sum up: ${{ tasks.teacher.output.text }}",
         "expected_output":"one sentence"}}]}
      """)
    plan.tasks += agents.tasks
    return plan
  }

  /// Only the mock adapter can be told to fail, so the retry is left out of what is compared.
  private static let scripted = "flaky"

  /// What callers can see of a run, without text, ids and times.
  private struct Seen: Equatable {
    var states: [String]
    var kinds: [String: Int]
    var orderIsRight: Bool
    var shapes: [Bool]
  }

  private func run(_ adapter: String, _ start: (Stage) async throws -> Void) async throws -> Seen {
    let stage = try await Stage(["--routes", "{default: [\(adapter)]}"])
    try await start(stage)
    let planID = try await stage.submit(try Self.plan())
    let events = try await stage.follow(planID)
    let state = try await stage.state(planID)
    var ends: [String: Int64] = [:]
    for event in events where event.kind == "task_succeeded" { ends[event.taskId] = event.seq }
    let plan = try Self.plan()
    let orderIsRight = plan.tasks.allSatisfy { task in
      let begin = events.first { $0.kind == "task_dispatched" && $0.taskId == task.id }?.seq ?? 0
      return task.dependsOn.allSatisfy { (ends[$0] ?? .max) < begin }
    }
    let seen = Seen(
      states: state.tasks.map {
        "\($0.id) \($0.status)" + ($0.id == Self.scripted ? "" : " \($0.attempt)")
      },
      kinds: Dictionary(
        grouping: events.filter { $0.taskId != Self.scripted },
        by: { "\($0.kind) \($0.taskId)" }
      ).mapValues(\.count),
      orderIsRight: orderIsRight,
      shapes: try state.tasks.map { try hasPortableShape($0.outputJson) })
    await stage.close()
    return seen
  }

  /// `{"text": string, "json": value or null}`.
  private func hasPortableShape(_ bytes: [UInt8]) throws -> Bool {
    let object = try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    return object?["text"] is String && object?.keys.contains("json") == true
  }

  @Test("the same plan has the same states and events on mock, crewai and langchain")
  func threeAdapters() async throws {
    let model = try await Program(
      Program.root.appending(path: ".venv-model/bin/python"),
      [Program.root.appending(path: "adapters/model/serve.py").path, "--port", "0"],
      log: FileManager.default.temporaryDirectory.appending(
        path: "baton-model-\(UUID().uuidString.prefix(8)).log"))
    let url = model.field("url")
    let mock = try await run("mock") { try await $0.mock() }
    #expect(mock.orderIsRight && mock.shapes.allSatisfy { $0 })
    for (adapter, results) in [("langchain", "poll"), ("crewai", "callback")] {
      let real = try await run(adapter) { stage in
        try await stage.sidecar(adapter, results: results, model: url)
      }
      #expect(real == mock, "\(adapter) behaves as mock does")
    }
    await model.terminate()
  }
}
