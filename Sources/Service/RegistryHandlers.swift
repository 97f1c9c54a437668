internal import GRPC
internal import Messages
internal import Orchestrator
internal import Plan
internal import PlanMapping
internal import Stubs

/// `baton.v1.AdapterRegistry`: adapters come, stay, report.
struct RegistryHandlers: AdapterRegistryService {
  let orchestrator: PlanOrchestrator
  /// Whether adapters on other machines may be called without TLS.
  let allowsCleartext: Bool

  func registerAdapter(
    _ request: BatonV1.RegisterAdapterRequest, context: ServerContext
  ) async throws -> BatonV1.RegisterAdapterResponse {
    let registration = try Self.registration(request)
    try checkReach(request.address)
    let list = try Self.list(request.runs)
    let sessionID = PlanID.random(unixMilliseconds: 0).description
    let answer = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.register(registration, list, sessionID: sessionID)
    }
    return BatonV1.RegisterAdapterResponse(
      sessionId: answer.sessionID, leaseMs: orchestrator.options.leaseMilliseconds,
      heartbeatIntervalMs: orchestrator.options.heartbeatMilliseconds,
      cancel: answer.cancel.map { BatonV1.RunRef($0) },
      forget: answer.forget.map { BatonV1.RunRef($0) })
  }

  private static func registration(
    _ request: BatonV1.RegisterAdapterRequest
  ) throws(RPCError) -> Registration {
    for (field, id) in [("adapter", request.adapter), ("instance", request.instance)] {
      if let mistake = Identifier.mistake(in: id) { throw badArgument(field, "BAD_ID", mistake) }
    }
    do throws(AddressError) { _ = try Endpoint(request.address) } catch {
      throw badArgument("address", "BAD_ADDRESS", error.message)
    }
    for type in request.taskTypes {
      if let mistake = Identifier.mistake(in: type) {
        throw badArgument("task_types", "BAD_ID", mistake)
      }
    }
    guard !request.taskTypes.isEmpty else {
      throw badArgument("task_types", "OUT_OF_RANGE", "name at least one type")
    }
    guard request.maxConcurrency >= 1 else {
      throw badArgument(
        "max_concurrency", "OUT_OF_RANGE", "\(request.maxConcurrency) is below 1")
    }
    guard request.protocolVersion == AdapterProtocol.version else {
      throw RPCError(
        code: .failedPrecondition, reason: "PROTOCOL_VERSION",
        message: "adapter \"\(request.adapter)\" speaks protocol \(request.protocolVersion), "
          + "this server speaks \(AdapterProtocol.version); update the older one")
    }
    return Registration(
      adapter: request.adapter, instance: request.instance, address: request.address,
      framework: request.framework, frameworkVersion: request.frameworkVersion,
      taskTypes: request.taskTypes, capabilities: request.capabilities,
      maxConcurrency: Int(request.maxConcurrency), isPolled: request.resultMode == .poll)
  }

  /// What adapters are handed, others on the way could read and change.
  private func checkReach(_ address: String) throws(RPCError) {
    guard !allowsCleartext, let endpoint = try? Endpoint(address), !endpoint.isProtected else {
      return
    }
    throw RPCError(
      code: .failedPrecondition, reason: "INSECURE_ADDRESS",
      message: "the adapter at \(address) is on another machine and has no TLS; give it "
        + "`tls.certificate` and `tls.key`, or set `insecure: true` here where the network is "
        + "trusted")
  }

  func heartbeat(
    _ request: BatonV1.HeartbeatRequest, context: ServerContext
  ) async throws -> BatonV1.HeartbeatResponse {
    let list = try Self.list(request.runs)
    let answer = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.heartbeat(
        sessionID: request.sessionId, list,
        lastError: request.lastError.clipped(toBytes: 1_024))
    }
    return BatonV1.HeartbeatResponse(
      leaseMs: orchestrator.options.leaseMilliseconds,
      cancel: answer.cancel.map { BatonV1.RunRef($0) },
      forget: answer.forget.map { BatonV1.RunRef($0) })
  }

  func reportTaskResult(
    _ request: BatonV1.ReportTaskResultRequest, context: ServerContext
  ) async throws -> BatonV1.ReportTaskResultResponse {
    let key = try Self.key(request.idempotencyKey)
    guard let message = request.result, let result = AdapterResult(message) else {
      throw badArgument("result", "BAD_FIELD", "needs an outcome")
    }
    let report = { @Sendable () async throws -> Bool in
      try await answering { () async throws(OrchestratorError) in
        try await orchestrator.report(
          key, attempt: request.attempt, token: request.token, result)
      }
    }
    // Big outputs are read and hashed off the event loop.
    let isBig = result.output.count > 64 << 10
    let wasRecorded =
      isBig ? try await Task.detached { try await report() }.value : try await report()
    return BatonV1.ReportTaskResultResponse(
      alreadyRecorded: wasRecorded, attempt: request.attempt, token: request.token)
  }

  func reportTaskProgress(
    _ request: BatonV1.ReportTaskProgressRequest, context: ServerContext
  ) async throws -> BatonV1.ReportTaskProgressResponse {
    for item in request.items {
      let key = try Self.key(item.idempotencyKey)
      orchestrator.progress(
        RunName(key: key, attempt: item.attempt, token: item.token), started: item.started,
        item.progress.flatMap { ProgressNote($0, key: key, attempt: item.attempt) })
    }
    return BatonV1.ReportTaskProgressResponse()
  }

  func deregisterAdapter(
    _ request: BatonV1.DeregisterAdapterRequest, context: ServerContext
  ) async throws -> BatonV1.DeregisterAdapterResponse {
    let inFlight = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.deregister(
        sessionID: request.sessionId, handsBack: request.handBack)
    }
    return BatonV1.DeregisterAdapterResponse(inFlight: Int32(inFlight))
  }

  func listAdapters(
    _ request: BatonV1.ListAdaptersRequest, context: ServerContext
  ) async throws -> BatonV1.ListAdaptersResponse {
    let adapters = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.adapters()
    }
    return BatonV1.ListAdaptersResponse(adapters: adapters.map { BatonV1.AdapterState($0) })
  }

  // MARK: Arguments

  private static func key(_ text: String) throws(RPCError) -> IdempotencyKey {
    guard let key = IdempotencyKey(text) else {
      throw badArgument(
        "idempotency_key", "BAD_ID",
        "\"\(text.clipped(toBytes: 64))\" is no key of this orchestrator")
    }
    return key
  }

  private static func list(_ message: BatonV1.RunList?) throws(RPCError) -> RunList {
    guard let message, !message.epoch.isEmpty else {
      throw badArgument("runs.epoch", "BAD_FIELD", "is missing")
    }
    var list = RunList(runs: [], epoch: message.epoch, answered: message.answered)
    for run in message.runs {
      list.runs.append(
        RunList.Run(
          key: try key(run.idempotencyKey), attempt: run.attempt, token: run.token,
          isFinished: run.state == .finished))
    }
    return list
  }
}

extension BatonV1.RunRef {
  init(_ reference: RunReference) {
    self.init(idempotencyKey: reference.key.description, attempt: reference.attempt)
  }
}

extension AdapterResult {
  /// Nil where the outcome is not set or not known.
  init?(_ message: BatonV1.TaskResult) {
    let outcome: Outcome
    switch message.outcome {
    case .succeeded: outcome = .succeeded
    case .failed: outcome = .failed
    case .cancelled: outcome = .cancelled
    case .waitingInput: outcome = .waitingInput
    case .unspecified, .unrecognized: return nil
    }
    var error = message.error.map { TaskError($0) }
    if let full = error {
      error?.code = full.code.clipped(toBytes: 128)
      error?.message = full.message.clipped(toBytes: 4 << 10)
      error?.diagnostics = full.diagnostics.clipped(toBytes: 64 << 10)
    }
    self.init(
      outcome: outcome,
      output: outcome == .waitingInput ? message.promptJson : message.outputJson, error: error,
      usage: Usage(message.usage))
  }
}

extension ProgressNote {
  /// More of one text is cut off: progress is for people, and kept in memory.
  private static let textBytes = 16 << 10

  /// Nil where it says nothing.
  init?(_ message: BatonV1.TaskProgress, key: IdempotencyKey, attempt: Int32) {
    let body: Body
    switch message.body {
    case .chunk(let chunk):
      body = .chunk(
        offset: chunk.offset, text: chunk.text.clipped(toBytes: Self.textBytes))
    case .message(let said):
      body = .message(
        agent: said.agent.clipped(toBytes: 255), role: said.role.clipped(toBytes: 255),
        content: said.content.clipped(toBytes: Self.textBytes))
    case .log(let line):
      body = .log(
        severity: line.severity.clipped(toBytes: 255),
        text: line.text.clipped(toBytes: Self.textBytes))
    case nil:
      guard message.usage != nil else { return nil }
      body = .usage
    }
    self.init(
      taskID: key.taskID, index: key.index, attempt: attempt, time: message.timeMs, body: body,
      usage: message.usage.map { Usage($0) })
  }
}

extension BatonV1.AdapterState {
  init(_ snapshot: AdapterSnapshot) {
    let registration = snapshot.registration
    self.init()
    adapter = registration.adapter
    instance = registration.instance
    address = registration.address
    framework = registration.framework
    frameworkVersion = registration.frameworkVersion
    taskTypes = registration.taskTypes
    capabilities = registration.capabilities
    maxConcurrency = Int32(clamping: registration.maxConcurrency)
    inFlight = Int32(clamping: snapshot.inFlight)
    registeredAtMs = snapshot.registeredAt
    lastHeartbeatAtMs = snapshot.lastHeartbeatAt
    lastError = snapshot.lastError
    resultMode = registration.isPolled ? .poll : .callback
    switch snapshot.health {
    case .alive: health = .alive
    case .draining: health = .draining
    case .lost: health = .lost
    }
  }
}
