import GRPC
import Messages
import NIOConcurrencyHelpers
import Stubs

/// An orchestrator's registry: a real server that says what a test tells it to.
final class TestRegistry: AdapterRegistryService {
  typealias ResultAnswer =
    @Sendable (BatonV1.ReportTaskResultRequest) throws ->
    BatonV1.ReportTaskResultResponse

  struct Script: Sendable {
    var leaseMilliseconds: Int64 = 500
    var heartbeatMilliseconds: Int64 = 20
    var cancel: [BatonV1.RunRef] = []
    var forget: [BatonV1.RunRef] = []
    /// Answers to the next reports; after that all are accepted.
    var answers: [ResultAnswer] = []
    /// The session that is known; nil: the latest.
    var session: String?
  }

  let registrations = Mailbox<BatonV1.RegisterAdapterRequest>()
  let heartbeats = Mailbox<BatonV1.HeartbeatRequest>()
  let results = Mailbox<BatonV1.ReportTaskResultRequest>()
  /// How long each report's caller would wait.
  let resultTimes = Mailbox<Duration>()
  let progress = Mailbox<BatonV1.RunProgress>()
  let deregistrations = Mailbox<BatonV1.DeregisterAdapterRequest>()
  private let script = NIOLockedValueBox(Script())
  private let server = NIOLockedValueBox<GRPCServer?>(nil)

  func change(_ body: (inout Script) -> Void) { script.withLockedValue { body(&$0) } }

  /// Listens; answers where.
  @discardableResult
  func start(on address: String = "127.0.0.1:0") async throws -> String {
    let server = GRPCServer(services: [self])
    self.server.withLockedValue { $0 = server }
    return try await server.start(on: Address(address)).description
  }

  func stop() async throws {
    try await server.withLockedValue { $0.take() }?.shutdown(grace: .zero)
  }

  // MARK: Service

  func registerAdapter(
    _ request: BatonV1.RegisterAdapterRequest, context: ServerContext
  ) async throws -> BatonV1.RegisterAdapterResponse {
    registrations.add(request)
    return script.withLockedValue { script in
      let session = "session-\(registrations.items.count)"
      script.session = session
      return BatonV1.RegisterAdapterResponse(
        sessionId: session, leaseMs: script.leaseMilliseconds,
        heartbeatIntervalMs: script.heartbeatMilliseconds, cancel: script.cancel,
        forget: script.forget)
    }
  }

  func heartbeat(
    _ request: BatonV1.HeartbeatRequest, context: ServerContext
  ) async throws -> BatonV1.HeartbeatResponse {
    let script = script.withLockedValue { $0 }
    guard script.session == request.sessionId else {
      throw RPCError(code: .notFound, reason: "UNKNOWN_SESSION", message: "register again")
    }
    heartbeats.add(request)
    return BatonV1.HeartbeatResponse(
      leaseMs: script.leaseMilliseconds, cancel: script.cancel, forget: script.forget)
  }

  func reportTaskResult(
    _ request: BatonV1.ReportTaskResultRequest, context: ServerContext
  ) async throws -> BatonV1.ReportTaskResultResponse {
    let answer = script.withLockedValue { $0.answers.isEmpty ? nil : $0.answers.removeFirst() }
    results.add(request)
    resultTimes.add(context.deadline?.remaining ?? .zero)
    if let answer { return try answer(request) }
    return BatonV1.ReportTaskResultResponse(attempt: request.attempt, token: request.token)
  }

  func reportTaskProgress(
    _ request: BatonV1.ReportTaskProgressRequest, context: ServerContext
  ) async throws -> BatonV1.ReportTaskProgressResponse {
    for item in request.items { progress.add(item) }
    return BatonV1.ReportTaskProgressResponse()
  }

  func deregisterAdapter(
    _ request: BatonV1.DeregisterAdapterRequest, context: ServerContext
  ) async throws -> BatonV1.DeregisterAdapterResponse {
    deregistrations.add(request)
    return BatonV1.DeregisterAdapterResponse()
  }

  func listAdapters(
    _ request: BatonV1.ListAdaptersRequest, context: ServerContext
  ) async throws -> BatonV1.ListAdaptersResponse {
    BatonV1.ListAdaptersResponse()
  }

  /// An answer that is a refusal.
  static func refuse(
    _ code: StatusCode, _ reason: String, retryDelay: Duration? = nil
  ) -> ResultAnswer {
    { _ in throw RPCError(code: code, reason: reason, message: reason, retryDelay: retryDelay) }
  }
}
