import Foundation
import GRPC
import Messages
import Stubs

/// The calls, spread over as many connections as they need.
struct Load: Sendable {
  struct Outcome: Sendable {
    var seconds: Double
    var planIDs: [String]
  }

  struct Wrong: Error, CustomStringConvertible {
    var description: String
  }

  let plan: BatonV1.Plan
  private let arguments: Arguments
  private let clients: [OrchestratorClient]
  private let options = CallOptions(timeout: .seconds(600), waitForReady: true)
  /// The server takes 100 calls at a time on one connection.
  private static let callsPerConnection = 90
  /// No plan has so many events: who asks for these hears of the plan's end and of nothing else.
  private static let afterTheLast = Int64.max - 1

  init(_ arguments: Arguments) throws {
    self.arguments = arguments
    var plan = arguments.shape.plan(taskCount: arguments.taskCount, metadata: arguments.metadata)
    if let delay = arguments.firstDelay { plan.tasks[0].metadata["mock.delay"] = delay }
    self.plan = plan
    let calls = min(arguments.planCount, 1_000) + arguments.watcherCount
    clients = try (0...(calls / Self.callsPerConnection)).map { _ in
      OrchestratorClient(try ClientChannel(target: arguments.server))
    }
  }

  func run() async throws -> Outcome {
    // The connections are there before the clock runs.
    for client in clients {
      _ = try await client.getServerInfo(BatonV1.GetServerInfoRequest(), options: options)
    }
    let run = UUID().uuidString
    let clock = ContinuousClock()
    let start = clock.now
    let planIDs = try await everyPlan { try await submit($0, key: "\(run)/\($0)") }
    if arguments.submitsOnly {
      return Outcome(seconds: (clock.now - start) / .seconds(1), planIDs: planIDs)
    }
    let watchers = try await openWatchers(of: planIDs[0])
    let ids = try await everyPlan {
      try await end(planIDs[$0], $0)
      return planIDs[$0]
    }
    let seconds = (clock.now - start) / .seconds(1)
    withExtendedLifetime(watchers) {}
    guard arguments.firstDelay != nil else { return Outcome(seconds: seconds, planIDs: ids) }
    return Outcome(seconds: try await secondsAfterFirst(planIDs[0]), planIDs: ids)
  }

  /// Does `body` for the number of every plan, 1,000 at a time.
  private func everyPlan(
    _ body: @escaping @Sendable (Int) async throws -> String
  ) async throws -> [String] {
    var found: [String] = []
    try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<arguments.planCount {
        if number >= 1_000, let text = try await group.next() { found.append(text) }
        group.addTask { try await body(number) }
      }
      for try await text in group { found.append(text) }
    }
    return found
  }

  private func submit(_ number: Int, key: String) async throws -> String {
    if arguments.spreadMilliseconds > 0 {
      let share = arguments.spreadMilliseconds * number / arguments.planCount
      try await Task.sleep(for: .milliseconds(share))
    }
    let request = BatonV1.SubmitPlanRequest(plan: plan, requestKey: key)
    return try await clients[number % clients.count].submitPlan(request, options: options).planId
  }

  /// Returns when the plan has ended.
  private func end(_ planID: String, _ number: Int) async throws {
    let request = BatonV1.StreamPlanEventsRequest(planId: planID, fromSeq: Self.afterTheLast)
    let client = clients[number % clients.count]
    for try await _ in try await client.streamPlanEvents(request, options: options) {}
  }

  /// Streams of the plan's events that nobody reads.
  private func openWatchers(
    of planID: String
  ) async throws -> [ResponseStream<BatonV1.StreamPlanEventsResponse>] {
    var streams: [ResponseStream<BatonV1.StreamPlanEventsResponse>] = []
    let request = BatonV1.StreamPlanEventsRequest(planId: planID, fromSeq: 1)
    for number in 0..<arguments.watcherCount {
      let client = clients[number % clients.count]
      streams.append(try await client.streamPlanEvents(request, options: options))
    }
    return streams
  }

  /// From the end of the first task to that of the plan, on the server's clock.
  private func secondsAfterFirst(_ planID: String) async throws -> Double {
    let request = BatonV1.GetPlanRequest(planId: planID, pageSize: 1)
    guard let state = try await clients[0].getPlan(request, options: options).state,
      let first = state.tasks.first
    else { throw Wrong(description: "plan \(planID) has no tasks") }
    return Double(state.finishedAtMs - first.finishedAtMs) / 1_000
  }

  // MARK: Answers

  /// Throws `Wrong` where a plan is not complete or an output is not its task's.
  func check(_ planIDs: [String]) async throws {
    guard !arguments.submitsOnly else { return }
    guard Set(planIDs).count == arguments.planCount else {
      throw Wrong(description: "\(Set(planIDs).count) of \(arguments.planCount) plans are there")
    }
    for planID in planIDs { try await check(planID) }
  }

  private func check(_ planID: String) async throws {
    var request = BatonV1.GetPlanRequest(planId: planID, view: .full)
    var seen: Set<String> = []
    repeat {
      let page = try await clients[0].getPlan(request, options: options)
      guard let state = page.state, state.status == .completed else {
        throw Wrong(description: "plan \(planID) is \(page.state?.status, default: "absent")")
      }
      for task in state.tasks {
        try check(task, of: planID)
        seen.insert(task.id)
      }
      request.pageToken = page.nextPageToken
    } while !request.pageToken.isEmpty
    guard seen == Set(plan.tasks.map(\.id)) else {
      throw Wrong(description: "plan \(planID) has \(seen.count) of \(plan.tasks.count) tasks")
    }
  }

  private func check(_ task: BatonV1.TaskState, of planID: String) throws {
    let output = String(decoding: task.outputJson, as: UTF8.self)
    guard task.status == .succeeded, output.contains("\"\(task.id), attempt 1\"") else {
      throw Wrong(
        description: "task \(task.id) of plan \(planID) is \(task.status) with output \(output)")
    }
  }
}
