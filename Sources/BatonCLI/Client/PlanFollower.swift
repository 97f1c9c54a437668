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
    var nextSeq: Int64 = 1
    var failures = 0
    while true {
      do {
        let before = nextSeq
        let isEnd = try await read(from: &nextSeq, afterInterruption: failures > 0, hear)
        if isEnd { return }
        if nextSeq > before { failures = 0 }
        await hear(.interrupted("the server ended the stream"))
      } catch let error as RPCError {
        guard Self.isPassing(error), nextSeq > 1 || failures > 0 || !error.neverSent else {
          throw CommandFailure(error, server: connection.address, planID: planID)
        }
        guard failures < Self.maxFailures else {
          throw CommandFailure(error, server: connection.address, planID: planID)
        }
        await hear(.interrupted(error.message))
      }
      failures += 1
      try await Task.sleep(for: failures < 8 ? Self.firstPause * failures : Self.pause)
    }
  }

  /// Answers whether the plan's last event was read.
  private func read(
    from nextSeq: inout Int64, afterInterruption: Bool, _ hear: @Sendable (News) async -> Void
  ) async throws -> Bool {
    var request = BatonV1.StreamPlanEventsRequest()
    request.planId = planID
    request.fromSeq = nextSeq
    request.includeProgress = includesProgress
    var isEnd = false
    var isConnected = !afterInterruption
    let responses = try await connection.orchestrator.streamPlanEvents(request)
    for try await response in responses {
      if !isConnected { await hear(.connected) }
      isConnected = true
      switch response.item {
      case .event(let event):
        nextSeq = event.seq + 1
        isEnd = Self.endKinds.contains(event.kind)
        await hear(.event(event))
      case .progress(let progress):
        await hear(.progress(progress))
      case nil:
        break
      }
    }
    return isEnd
  }

  private static let endKinds: Set<String> = ["plan_completed", "plan_failed", "plan_cancelled"]

  /// Whether asking again may help.
  private static func isPassing(_ error: RPCError) -> Bool {
    error.code == .unavailable || error.code == .deadlineExceeded
      || (error.code == .cancelled && !Task.isCancelled)
  }
}
