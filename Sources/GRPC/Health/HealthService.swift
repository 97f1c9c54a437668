public import Messages
internal import NIOConcurrencyHelpers

/// grpc.health.v1.Health with a status per service, set from anywhere
/// (github.com/grpc/grpc, doc/health-checking.md).
public final class HealthService: GRPCService {
  public typealias Status = GrpcHealthV1.HealthCheckResponse.ServingStatus

  private let state: NIOLockedValueBox<State>

  private struct State {
    var statuses: [String: Status]
    var watchers: [Int: Watcher] = [:]
    var nextWatcher = 0
    var isShutDown = false

    mutating func set(_ status: Status, for service: String) {
      guard !isShutDown, statuses.updateValue(status, forKey: service) != status else { return }
      for watcher in watchers.values where watcher.service == service {
        watcher.statuses.yield(status)
      }
    }
  }

  private struct Watcher {
    let service: String
    let statuses: AsyncStream<Status>.Continuation
  }

  /// - Parameter statuses: by full name of the service; "" is the server as a whole.
  public init(statuses: [String: Status] = ["": .serving]) {
    state = NIOLockedValueBox(State(statuses: statuses))
  }

  /// The server as a whole and each of the services with the same status.
  public convenience init(_ status: Status, for services: [any GRPCService]) {
    let names = services.flatMap(\.methods).map(\.descriptor.service) + [""]
    self.init(statuses: Dictionary(names.map { ($0, status) }, uniquingKeysWith: { $1 }))
  }

  /// Sets a service's status and tells whoever watches it. Does nothing after `shutdown`.
  public func set(_ status: Status, for service: String = "") {
    state.withLockedValue { $0.set(status, for: service) }
  }

  /// Sets the status of all services that are known.
  public func setAll(_ status: Status) {
    state.withLockedValue { state in
      for service in state.statuses.keys { state.set(status, for: service) }
    }
  }

  /// Tells every watcher NOT_SERVING for good, and ends its stream with UNAVAILABLE: a server that
  /// shuts down must not wait for those who ask whether it does. `GRPCServer.shutdown` calls it.
  public func shutdown() {
    let watchers = state.withLockedValue { state in
      for service in state.statuses.keys { state.set(.notServing, for: service) }
      state.isShutDown = true
      return state.watchers.values
    }
    for watcher in watchers { watcher.statuses.finish() }
  }

  /// Nil for a service that is not known here.
  public func status(of service: String) -> Status? {
    state.withLockedValue { $0.statuses[service] }
  }

  public var methods: [MethodHandler] {
    let name = "grpc.health.v1.Health"
    return [
      .unary(MethodDescriptor(service: name, method: "Check")) { request, _ in
        try self.check(request)
      },
      .unary(MethodDescriptor(service: name, method: "List")) {
        (_: GrpcHealthV1.HealthListRequest, _) in self.list()
      },
      .serverStreaming(MethodDescriptor(service: name, method: "Watch")) {
        request, responses, _ in
        try await self.watch(request, responses)
      },
    ]
  }

  private func check(
    _ request: GrpcHealthV1.HealthCheckRequest
  ) throws -> GrpcHealthV1.HealthCheckResponse {
    guard let status = status(of: request.service) else {
      throw RPCError(
        code: .notFound, reason: "UNKNOWN_SERVICE",
        message: "no health is known of \"\(request.service)\"",
        metadata: ["service": request.service])
    }
    return Self.response(status)
  }

  private func list() -> GrpcHealthV1.HealthListResponse {
    var response = GrpcHealthV1.HealthListResponse()
    response.statuses = state.withLockedValue { $0.statuses }.mapValues(Self.response)
    return response
  }

  private func watch(
    _ request: GrpcHealthV1.HealthCheckRequest,
    _ responses: ResponseWriter<GrpcHealthV1.HealthCheckResponse>
  ) async throws {
    // Only the newest status matters to a watcher that reads slowly.
    let (statuses, continuation) = AsyncStream.makeStream(
      of: Status.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLockedValue { state in
      state.nextWatcher += 1
      state.watchers[state.nextWatcher] = Watcher(
        service: request.service, statuses: continuation)
      continuation.yield(state.statuses[request.service] ?? .serviceUnknown)
      if state.isShutDown { continuation.finish() }
      return state.nextWatcher
    }
    defer { _ = state.withLockedValue { $0.watchers.removeValue(forKey: id) } }
    for await status in statuses { try await responses.write(Self.response(status)) }
    try Task.checkCancellation()
    throw RPCError.shuttingDown
  }

  private static func response(_ status: Status) -> GrpcHealthV1.HealthCheckResponse {
    var response = GrpcHealthV1.HealthCheckResponse()
    response.status = status
    return response
  }
}
