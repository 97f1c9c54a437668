internal import GRPC
internal import Messages
internal import Plan
internal import Stubs

/// Follows a plan to its end, over lost connections.
struct PlanFollower: Sendable {
  let connection: Connection
  let planID: String
  var includesProgress = true

  /// What a follower hears.
  enum News: Sendable {
    case event(BatonV1.PlanEvent)
    case progress(BatonV1.TaskProgress)
    /// The connection is lost and made again; why.
    case interrupted(String)
    case connected
  }

  /// How often a connection is tried again: for about five minutes.
  private static let maxFailures = 60
  private static let pause = Duration.seconds(5)
  /// Most interruptions are restarts, which are over soon.
  private static let firstPause = Duration.milliseconds(250)

  /// Calls `hear` for everything from the first event on; returns after the plan's last event.
  func follow(
    _ hear: @Sendable (News) async -> Void
  ) async throws {
    var position = Position()
    var failures = 0
    while true {
      let before = position.nextSeq
      let failure: CommandFailure
      do {
        try await read(from: &position, afterInterruption: failures > 0, hear)
        if position.isEnd { return }
        failure = CommandFailure(
          .unavailable, code: "UNAVAILABLE",
          message: "the server at \(connection.address) ended the stream of plan \(planID) early")
        await hear(.interrupted("the server ended the stream"))
      } catch let error as RPCError {
        if position.isEnd { return }
        failure = CommandFailure(error, server: connection.address, planID: planID)
        guard Self.isPassing(error), position.nextSeq > 1 || failures > 0 || !error.neverSent
        else { throw failure }
        await hear(.interrupted(error.message))
      }
      if position.nextSeq > before { failures = 0 }
      guard failures < Self.maxFailures else { throw failure }
      failures += 1
      try await Task.sleep(for: failures < 8 ? Self.firstPause * failures : Self.pause)
    }
  }

  /// Reads until the server ends the stream.
  private func read(
    from position: inout Position, afterInterruption: Bool, _ hear: @Sendable (News) async -> Void
  ) async throws {
    var request = BatonV1.StreamPlanEventsRequest()
    request.planId = planID
    request.fromSeq = position.nextSeq
    request.includeProgress = includesProgress
    var isConnected = !afterInterruption
    let responses = try await connection.orchestrator.streamPlanEvents(request)
    for try await response in responses {
      if !isConnected { await hear(.connected) }
      isConnected = true
      switch response.item {
      case .event(let event):
        position.pass(event)
        await hear(.event(event))
      case .progress(let progress):
        await hear(.progress(progress))
      case nil:
        break
      }
    }
  }

  /// How far the plan's events were read.
  struct Position: Sendable, Equatable {
    private(set) var nextSeq: Int64 = 1
    /// Whether the plan ended. Events may follow its end, such as a late result that is refused.
    private(set) var isEnd = false

    mutating func pass(_ event: BatonV1.PlanEvent) {
      nextSeq = event.seq + 1
      if event.kind == "plan_retried" { isEnd = false }
      isEnd = isEnd || Self.endKinds.contains(event.kind)
    }

    private static let endKinds: Set<String> = ["plan_completed", "plan_failed", "plan_cancelled"]
  }

  /// Whether asking again may help.
  private static func isPassing(_ error: RPCError) -> Bool {
    error.code == .unavailable || error.code == .deadlineExceeded
      || (error.code == .cancelled && !Task.isCancelled)
  }
}
