import Foundation
import GRPC
import Messages
import Stubs

/// Calls Baton from Swift: submits a plan, follows it, cancels one, reads refusals.
///
/// usage: baton-example-client HOST:PORT
@main
struct Client {
  let orchestrator: OrchestratorClient
  /// Every call has a deadline: without one it may wait for ever.
  let options = CallOptions(timeout: .seconds(30))

  static func main() async {
    guard CommandLine.arguments.count == 2 else {
      FileHandle.standardError.write(Data("usage: baton-example-client HOST:PORT\n".utf8))
      exit(64)
    }
    do {
      try await run(server: CommandLine.arguments[1])
    } catch {
      FileHandle.standardError.write(Data("client: \(error)\n".utf8))
      exit(1)
    }
  }

  static func run(server: String) async throws {
    let channel = try ClientChannel(target: server)
    defer { channel.close() }
    let client = Client(orchestrator: OrchestratorClient(channel))
    let info = try await client.orchestrator.getServerInfo(
      BatonV1.GetServerInfoRequest(), options: client.options)
    print("server: max_tasks", info.limits["max_tasks"] ?? 0)
    try await client.follow(client.submit())
    try await client.cancel()
    try await client.refusals()
  }

  func submit() async throws -> String {
    // With a key of our own a submission can be repeated, whatever became of the first one.
    var request = BatonV1.SubmitPlanRequest(plan: .note, requestKey: UUID().uuidString)
    let first = try await orchestrator.submitPlan(request, options: options)
    print("submitted: created", first.created)
    let second = try await orchestrator.submitPlan(request, options: options)
    print("again: created", second.created, "same", second.planId == first.planId)
    request.plan?.name = "another"
    do {
      _ = try await orchestrator.submitPlan(request, options: options)
    } catch let error as RPCError {
      showRefusal(error, "namespace")
    }
    return first.planId
  }

  /// Every event from the first one on; the stream ends with the plan.
  func follow(_ planID: String) async throws {
    let following = BatonV1.StreamPlanEventsRequest(planId: planID)
    for try await item in try await orchestrator.streamPlanEvents(following, options: options) {
      if case .event(let event) = item.item { show(event) }
    }
    let request = BatonV1.GetPlanRequest(planId: planID, view: .full)
    guard let state = try await orchestrator.getPlan(request, options: options).state else {
      return
    }
    print("plan:", name("PLAN_STATUS", state.status))
    for task in state.tasks {
      let output = String(decoding: task.outputJson, as: UTF8.self)
      print("task:", task.id, name("TASK_STATUS", task.status), output)
    }
  }

  func cancel() async throws {
    let request = BatonV1.SubmitPlanRequest(plan: .endless)
    let planID = try await orchestrator.submitPlan(request, options: options).planId
    let following = BatonV1.StreamPlanEventsRequest(planId: planID)
    await stopWatching(following)
    for try await item in try await orchestrator.streamPlanEvents(following, options: options) {
      guard case .event(let event) = item.item else { continue }
      show(event)
      guard event.kind == "task_running" else { continue }
      let ending = BatonV1.CancelPlanRequest(planId: planID, reason: "no longer needed")
      let state = try await orchestrator.cancelPlan(ending, options: options).state
      print("cancelled:", name("PLAN_STATUS", state?.status ?? .unspecified))
    }
  }

  /// Cancelling the task that calls ends the watching, not the plan.
  func stopWatching(_ following: BatonV1.StreamPlanEventsRequest) async {
    let watching = Task {
      let responses = try await orchestrator.streamPlanEvents(following, options: options)
      var events = responses.makeAsyncIterator()
      if case .event(let event) = try await events.next()?.item { show(event) }
      withUnsafeCurrentTask { $0?.cancel() }
      while try await events.next() != nil {}
    }
    if case .failure(let error as RPCError) = await watching.result {
      print("stopped watching:", error.code)
    }
  }

  func refusals() async throws {
    do {
      _ = try await orchestrator.submitPlan(
        BatonV1.SubmitPlanRequest(plan: .circle), options: options)
    } catch let error as RPCError {
      showRefusal(error, "field")
    }
    let nobody = "01890000-0000-7000-8000-000000000000"
    do {
      _ = try await orchestrator.getPlan(BatonV1.GetPlanRequest(planId: nobody), options: options)
    } catch let error as RPCError {
      showRefusal(error, "plan_id")
    }
  }

  /// A value of an enum as the .proto file writes it.
  func name(_ prefix: String, _ value: some MessageEnum) -> String {
    "\(prefix)_\(value)".uppercased()
  }

  func show(_ event: BatonV1.PlanEvent) {
    print(event.seq, event.kind, event.taskId.isEmpty ? "-" : event.taskId)
  }

  /// The code, and from google.rpc.ErrorInfo the stable reason and what it is about.
  func showRefusal(_ error: RPCError, _ about: String) {
    guard let info = error.errorInfo else { return print("refused:", error.code) }
    print("refused:", error.code, info.reason, info.metadata[about] ?? "-")
  }
}

extension BatonV1.Plan {
  /// Two tasks; the second one reads what the first one wrote.
  static var note: Self {
    BatonV1.Plan(
      name: "note",
      tasks: [
        task("draft", #"{"prompt": "Write a note about tea."}"#),
        task(
          "review", #"{"prompt": "Shorten: ${{ tasks.draft.output.text }}"}"#,
          dependsOn: ["draft"]),
      ])
  }

  /// A task that the mock adapter runs until it is cancelled.
  static var endless: Self {
    var wait = task("wait", #"{"prompt": "Wait."}"#)
    wait.metadata["mock.hang"] = "true"
    return BatonV1.Plan(name: "endless", tasks: [wait])
  }

  /// Two tasks that wait for each other.
  static var circle: Self {
    BatonV1.Plan(
      name: "circle",
      tasks: [
        task("a", #"{"prompt": "A"}"#, dependsOn: ["b"]),
        task("b", #"{"prompt": "B"}"#, dependsOn: ["a"]),
      ])
  }

  private static func task(
    _ id: String, _ payload: String, dependsOn: [String] = []
  ) -> BatonV1.Task {
    BatonV1.Task(
      id: id, type: "prompt", payloadJson: Array(payload.utf8), dependsOn: dependsOn)
  }
}
