internal import GRPC
internal import Messages
internal import Stubs

/// `baton.v1.ExecutionAdapter`: translates calls into those of `RunHost`; decides nothing.
struct AdapterService: ExecutionAdapterService {
  let host: RunHost
  let configuration: AdapterConfiguration
  let runner: any TaskRunner
  static let protocolVersion: Int32 = 1
  private static let waitMax = Duration.seconds(300)

  func dispatchTask(
    _ request: BatonV1.DispatchTaskRequest, context: ServerContext
  ) async throws -> BatonV1.TaskHandle {
    try await host.dispatch(request)
  }

  func resumeTask(
    _ request: BatonV1.ResumeTaskRequest, context: ServerContext
  ) async throws -> BatonV1.TaskHandle {
    guard let task = request.task else {
      throw RPCError(code: .invalidArgument, reason: "BAD_REQUEST", message: "task is missing")
    }
    return try await host.dispatch(task, resumes: true)
  }

  func getTaskResult(
    _ request: BatonV1.GetTaskResultRequest, context: ServerContext
  ) async throws -> BatonV1.GetTaskResultResponse {
    let wait = min(.milliseconds(max(0, request.waitMs)), Self.waitMax)
    return try await host.poll(
      RunReference(key: request.idempotencyKey, checked: request.attempt),
      token: request.token, wait: wait)
  }

  func cancelTask(
    _ request: BatonV1.CancelTaskRequest, context: ServerContext
  ) async throws -> BatonV1.CancelTaskResponse {
    let reference = try RunReference(key: request.idempotencyKey, checked: request.attempt)
    return BatonV1.CancelTaskResponse(
      outcome: request.handBack
        ? await host.handBack(reference) : try await host.cancel(reference))
  }

  func adapterHealthCheck(
    _ request: BatonV1.AdapterHealthCheckRequest, context: ServerContext
  ) async throws -> BatonV1.AdapterHealthCheckResponse {
    let problem = await runner.health()
    return BatonV1.AdapterHealthCheckResponse(
      healthy: problem == nil, message: problem?.sendable() ?? "",
      inFlight: Int32(clamping: await host.inFlight), lastError: await host.lastError)
  }

  func getAdapterInfo(
    _ request: BatonV1.GetAdapterInfoRequest, context: ServerContext
  ) async throws -> BatonV1.GetAdapterInfoResponse {
    BatonV1.GetAdapterInfoResponse(
      adapter: configuration.adapter, instance: configuration.instance,
      framework: runner.framework, frameworkVersion: runner.frameworkVersion,
      taskTypes: runner.taskTypes, capabilities: runner.capabilities,
      maxConcurrency: Int32(clamping: configuration.concurrencyMax),
      protocolVersion: Self.protocolVersion)
  }
}
