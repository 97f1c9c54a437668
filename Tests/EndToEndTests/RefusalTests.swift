import GRPC
import Messages
import Plan
import PlanMapping
import Stubs
import Testing

@Suite("Refusals", .timeLimit(.minutes(2)))
struct RefusalTests {
  private struct Case: Sendable {
    var json: String
    var reason: String
    var field: String
  }

  private static let cases = [
    Case(
      json: """
        {"tasks":[{"id":"a","type":"prompt","depends_on":["b"]},
        {"id":"b","type":"prompt","depends_on":["a"]}]}
        """, reason: "CYCLE", field: "tasks[0].depends_on"),
    Case(
      json: #"{"tasks":[{"id":"a","type":"prompt","depends_on":["nobody"]}]}"#,
      reason: "UNKNOWN_DEPENDENCY", field: "tasks[0].depends_on[0]"),
    Case(
      json: #"{"tasks":[{"id":"-a","type":"prompt"}]}"#, reason: "BAD_ID", field: "tasks[0].id"),
    Case(
      json: #"{"tasks":[{"id":"a","type":"prompt","retry":{"max_attempts":-1}}]}"#,
      reason: "OUT_OF_RANGE", field: "tasks[0].retry.max_attempts"),
    Case(
      json: """
        {"tasks":[{"id":"a","type":"prompt"},{"id":"b","type":"prompt",
        "payload":{"prompt":"${{ tasks.a.output.text }}"}}]}
        """, reason: "NOT_UPSTREAM", field: "tasks[1].payload"),
  ]

  @Test("a plan that is wrong is refused naming the field, and nothing is stored")
  func refused() async throws {
    let stage = try await Stage(store: "memory")
    for wrong in Self.cases {
      let plan = try Plan.reading(wrong.json)
      let error = await #expect(throws: RPCError.self) { _ = try await stage.submit(plan) }
      #expect(error?.code == .invalidArgument)
      #expect(error?.reason == wrong.reason)
      #expect(error?.errorInfo?.metadata["field"] == wrong.field)
      #expect(error?.message.hasPrefix(wrong.field) == true)
      let problems = try await stage.orchestrator.validatePlan(
        BatonV1.ValidatePlanRequest(plan: BatonV1.Plan(plan))
      ).problems
      #expect(problems.map(\.reason).contains(wrong.reason))
    }
    let listed = try await stage.orchestrator.listPlans(BatonV1.ListPlansRequest())
    #expect(listed.plans.isEmpty)
    await stage.close()
  }

  @Test("what is too large or unknown is refused by code and reason")
  func limits() async throws {
    let stage = try await Stage(store: "memory")
    var plan = Plan()
    plan.tasks = (0...20_000).map {
      var task = PlanTask()
      task.id = "t\($0)"
      task.type = "prompt"
      return task
    }
    let tooMany = await #expect(throws: RPCError.self) { _ = try await stage.submit(plan) }
    #expect(tooMany?.code == .resourceExhausted && tooMany?.reason == "TOO_MANY_TASKS")
    let unknown = await #expect(throws: RPCError.self) {
      _ = try await stage.state("01890000-0000-7000-8000-000000000000")
    }
    #expect(unknown?.code == .notFound && unknown?.reason == "PLAN_NOT_FOUND")
    #expect(unknown?.errorInfo?.metadata["plan_id"] == "01890000-0000-7000-8000-000000000000")
    let noID = await #expect(throws: RPCError.self) { _ = try await stage.state("nonsense") }
    #expect(noID?.code == .invalidArgument && noID?.reason == "BAD_ID")
    await stage.close()
  }

  @Test("a client that sends more than http2.ping_rate allows is cut off")
  func floods() async throws {
    let stage = try await Stage(
      [
        "--http2-ping-interval", "0s", "--http2-ping-interval-idle", "0s",
        "--http2-ping-rate", "{burst: 3, per_second: 1}",
      ], store: "memory")
    // Within what is allowed without that setting.
    let configuration = ChannelConfiguration(keepalive: Keepalive(time: .milliseconds(60)))
    let channel = try ClientChannel(target: stage.address, configuration: configuration)
    let error = await #expect(throws: RPCError.self) {
      let states = try await HealthClient(channel).watch(
        GrpcHealthV1.HealthCheckRequest(), options: CallOptions(timeout: .seconds(30)))
      for try await _ in states {}
    }
    #expect(error?.code == .unavailable)
    channel.close()
    await stage.close()
  }

  @Test("S12: GetServerInfo says what the store promises", arguments: ["memory", nil])
  func durability(store: String?) async throws {
    let stage = try await Stage(store: store)
    let info = try await stage.orchestrator.getServerInfo(BatonV1.GetServerInfoRequest())
    #expect(info.store == (store ?? "sqlite"))
    #expect(info.durability == (store == "memory" ? "none" : "durable"))
    #expect(info.limits["max_tasks"] == 20_000)
    await stage.close()
  }

  @Test("a page of outputs ends at 1 MiB and goes on where it ended")
  func pages() async throws {
    let stage = try await Stage(["--routes", "{default: [mock]}"])
    try await stage.mock()
    var plan = Plan()
    let text = String(repeating: "x", count: 400_000)
    plan.tasks = (0..<7).map {
      var task = PlanTask()
      task.id = "t\($0)"
      task.type = "prompt"
      task.metadata = ["mock.output": "\"\(text)\""]
      return task
    }
    let planID = try await stage.submit(plan)
    try await stage.follow(planID)
    var seen: [String] = []
    var request = BatonV1.GetPlanRequest(planId: planID, view: .full)
    repeat {
      let page = try await stage.orchestrator.getPlan(request)
      let tasks = try #require(page.state).tasks
      #expect(tasks.reduce(0) { $0 + $1.outputJson.count } <= 1 << 20)
      seen += tasks.map(\.id)
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    #expect(seen == plan.tasks.map(\.id))
    await stage.close()
  }
}
