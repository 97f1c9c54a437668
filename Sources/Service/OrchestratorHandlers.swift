internal import Digests
internal import Engine
internal import GRPC
internal import Messages
internal import Orchestrator
internal import Plan
internal import PlanMapping
internal import Store
internal import Stubs

/// `baton.v1.Orchestrator`: checks what callers say, asks the orchestrator, maps what it answers.
struct OrchestratorHandlers: OrchestratorService {
  let orchestrator: PlanOrchestrator
  let info: ServerInfo
  let reader: StoreReader

  // MARK: Submission

  func submitPlan(
    _ request: BatonV1.SubmitPlanRequest, context: ServerContext
  ) async throws -> BatonV1.SubmitPlanResponse {
    let namespace = try Self.namespace(request.namespace)
    try Self.checkText("request_key", request.requestKey, maxBytes: 255)
    let (compiled, digest) = try await checked(request.plan, namespace)
    let planID = PlanID.random(unixMilliseconds: info.clock.milliseconds())
    let answer = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.submit(
        compiled, planID: planID, namespace: namespace,
        requestKey: request.requestKey.isEmpty ? nil : request.requestKey, requestDigest: digest)
    }
    return BatonV1.SubmitPlanResponse(
      planId: answer.planID.description, created: answer.isNew, warnings: answer.warnings)
  }

  func validatePlan(
    _ request: BatonV1.ValidatePlanRequest, context: ServerContext
  ) async throws -> BatonV1.ValidatePlanResponse {
    let namespace = try Self.namespace(request.namespace)
    var response = BatonV1.ValidatePlanResponse()
    let compiled: CompiledPlan
    do {
      compiled = try await compile(request.plan, namespace).compiled
    } catch let error as PlanProblems {
      response.problems = error.problems.map {
        BatonV1.Problem(field: $0.field, reason: $0.reason.name, message: $0.message)
      }
      return response
    }
    let tasks = compiled.plan.tasks
    response.levels = compiled.graph.levels().map { level in
      BatonV1.TaskLevel(taskIds: level.map { tasks[$0].id })
    }
    response.criticalPath = compiled.graph.criticalPath().map { tasks[$0].id }
    response.warnings = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.warnings(for: compiled)
    }
    return response
  }

  private typealias Checked = (compiled: CompiledPlan, digest: Digest)

  private func checked(_ plan: BatonV1.Plan?, _ namespace: String) async throws -> Checked {
    do {
      return try await compile(plan, namespace)
    } catch let error as PlanProblems {
      throw error.rpcError
    }
  }

  /// Big plans are checked off the event loop, and no further once their call has ended. Throws
  /// `PlanProblems`, or `CancellationError`.
  private func compile(
    _ message: BatonV1.Plan?, _ namespace: String
  ) async throws -> Checked {
    let message = message ?? BatonV1.Plan()
    let work = { @Sendable () throws -> Checked in
      try Task.checkCancellation()
      let plan = try Plan(message)
      try Task.checkCancellation()
      let compiled = try orchestrator.compile(plan)
      try Task.checkCancellation()
      var hasher = SHA256Hasher()
      hasher.update(namespace + "\n")
      hasher.update(message.serializedBytes())
      return (compiled, hasher.finalize())
    }
    guard message.tasks.count > 50 else { return try work() }
    let task = Task.detached { try work() }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      task.cancel()
    }
  }

  // MARK: Reading

  func getPlan(
    _ request: BatonV1.GetPlanRequest, context: ServerContext
  ) async throws -> BatonV1.GetPlanResponse {
    let id = try Self.planID(request.planId)
    let from = try Self.place(request.pageToken)
    let isFull = request.view == .full
    let snapshot = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.read(
        id, from: from, count: Page.size(request.pageSize), withOutputs: isFull)
    }
    var (state, next) = Self.state(snapshot)
    let plan = snapshot.creation.plan
    if isFull && from == 0 && plan.byteCount <= Page.bytesMax {
      state.plan = BatonV1.Plan(plan)
    }
    return BatonV1.GetPlanResponse(state: state, nextPageToken: next.map(String.init) ?? "")
  }

  /// A page ends at 500 tasks or 1 MiB; answers where the next one starts.
  private static func state(_ snapshot: PlanSnapshot) -> (BatonV1.PlanState, next: Int?) {
    let plan = snapshot.creation.plan
    var state = BatonV1.PlanState(
      planID: snapshot.planID, namespace: snapshot.creation.namespace, name: plan.name,
      owner: plan.owner, labels: plan.labels, taskCount: plan.tasks.count, plan: snapshot.plan,
      parent: snapshot.creation.parent)
    state.metadata = plan.metadata
    state.priority = plan.priority
    state.budget = plan.budget.map { BatonV1.Budget($0) }
    if let hold = snapshot.namespaceHold { state.hold = BatonV1.PlanHold(hold) }
    state.counts = TaskStatus.allCases.compactMap { status in
      snapshot.counts[status].map {
        BatonV1.TaskCount(status: status.message, count: Int32($0))
      }
    }
    var page = Page(holding: state)
    for task in snapshot.tasks {
      let ordinal = task.row.ordinal
      let item = BatonV1.TaskState(
        plan.tasks[task.home], task.row, index: task.index, endedItems: task.endedItems,
        status: task.status, output: snapshot.outputs[ordinal], prompt: snapshot.prompts[ordinal])
      guard page.takes(item) else { return (state, ordinal) }
      state.tasks.append(item)
    }
    return (state, snapshot.next)
  }

  func listPlans(
    _ request: BatonV1.ListPlansRequest, context: ServerContext
  ) async throws -> BatonV1.ListPlansResponse {
    var filter = PlanFilter()
    filter.namespace = request.namespace
    filter.owner = request.owner
    filter.labels = request.labels
    filter.namePrefix = request.namePrefix
    if !request.parentPlanId.isEmpty {
      filter.parent = try Self.planID(request.parentPlanId, "parent_plan_id")
    }
    filter.createdAfter = request.createdAfterMs == 0 ? nil : request.createdAfterMs
    filter.createdBefore = request.createdBeforeMs == 0 ? nil : request.createdBeforeMs
    for status in request.statuses {
      guard let known = PlanStatus(status) else {
        throw badArgument("statuses", "OUT_OF_RANGE", "\(status.rawValue) is no plan status")
      }
      filter.statuses.insert(known)
    }
    let before = request.pageToken.isEmpty ? nil : try Self.planID(request.pageToken, "page_token")
    let size = Page.size(request.pageSize, default: 50)
    let found = try await reader.list(filter, before: before, limit: size + 1)
    var response = BatonV1.ListPlansResponse()
    var page = Page()
    for summary in found.prefix(size) {
      let state = BatonV1.PlanState(
        planID: summary.planID, namespace: summary.namespace, name: summary.name,
        owner: summary.owner, labels: summary.labels, taskCount: summary.taskCount,
        plan: summary.plan, parent: summary.parent)
      guard page.takes(state) else { break }
      response.plans.append(state)
    }
    if found.count > response.plans.count {
      response.nextPageToken = response.plans.last?.planId ?? ""
    }
    return response
  }

  // MARK: Steering

  func cancelPlan(
    _ request: BatonV1.CancelPlanRequest, context: ServerContext
  ) async throws -> BatonV1.CancelPlanResponse {
    try Self.checkText("reason", request.reason, maxBytes: 1_024)
    return BatonV1.CancelPlanResponse(
      state: try await steer(request.planId, .cancel(reason: request.reason)))
  }

  func pausePlan(
    _ request: BatonV1.PausePlanRequest, context: ServerContext
  ) async throws -> BatonV1.PausePlanResponse {
    try Self.checkText("reason", request.reason, maxBytes: 1_024)
    return BatonV1.PausePlanResponse(
      state: try await steer(request.planId, .pause(reason: request.reason)))
  }

  func resumePlan(
    _ request: BatonV1.ResumePlanRequest, context: ServerContext
  ) async throws -> BatonV1.ResumePlanResponse {
    BatonV1.ResumePlanResponse(state: try await steer(request.planId, .resume))
  }

  func retryPlan(
    _ request: BatonV1.RetryPlanRequest, context: ServerContext
  ) async throws -> BatonV1.RetryPlanResponse {
    let id = try Self.planID(request.planId)
    try Self.checkText("reason", request.reason, maxBytes: 1_024)
    let snapshot = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.retry(id, reason: request.reason, pageSize: 500)
    }
    return BatonV1.RetryPlanResponse(state: Self.state(snapshot).0)
  }

  func updatePlan(
    _ request: BatonV1.UpdatePlanRequest, context: ServerContext
  ) async throws -> BatonV1.UpdatePlanResponse {
    let id = try Self.planID(request.planId)
    let update = PlanUpdate(request)
    do throws(PlanProblems) { try update.check(limits: orchestrator.options.limits) } catch {
      throw error.rpcError
    }
    let snapshot = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.update(id, update, pageSize: 500)
    }
    return BatonV1.UpdatePlanResponse(state: Self.state(snapshot).0)
  }

  func completeTask(
    _ request: BatonV1.CompleteTaskRequest, context: ServerContext
  ) async throws -> BatonV1.CompleteTaskResponse {
    let id = try Self.planID(request.planId)
    let decision: TaskDecision
    switch request.decision {
    case .rejection(let message)?:
      try Self.checkText("rejection", message, maxBytes: 4_096)
      decision = .reject(message)
    case .valueJson(let value)?: decision = .value(value)
    case nil: decision = .value([])
    }
    let result = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.complete(
        id, task: request.taskId, index: request.index, attempt: request.attempt,
        question: request.question, decision)
    }
    switch result {
    case .success(let answer):
      return BatonV1.CompleteTaskResponse(
        alreadyRecorded: answer.isRepeated,
        task: BatonV1.TaskState(
          answer.definition, answer.task.row, index: answer.task.index,
          status: answer.task.status, output: nil))
    case .failure(let problems): throw problems.rpcError
    }
  }

  private func steer(_ planID: String, _ event: PlanEvent) async throws -> BatonV1.PlanState {
    let id = try Self.planID(planID)
    let snapshot = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.steer(id, event, pageSize: Page.itemsMax)
    }
    return Self.state(snapshot).0
  }

  // MARK: Events

  func streamPlanEvents(
    _ request: BatonV1.StreamPlanEventsRequest,
    responses: ResponseWriter<BatonV1.StreamPlanEventsResponse>, context: ServerContext
  ) async throws {
    let id = try Self.planID(request.planId)
    var cursor = WatchCursor(
      seq: request.fromSeq, progress: request.includeProgress ? WatchCursor.live : nil)
    while true {
      let batch = try await answering { [cursor] () async throws(OrchestratorError) in
        try await orchestrator.watch(id, cursor)
      }
      for note in batch.progress {
        try await responses.write(
          BatonV1.StreamPlanEventsResponse(item: .progress(BatonV1.TaskProgress(note))))
      }
      for event in batch.events {
        try await responses.write(
          BatonV1.StreamPlanEventsResponse(item: .event(BatonV1.PlanEvent(event))))
      }
      if batch.isEnd { return }
      cursor = batch.next
    }
  }

  func getPlanTrace(
    _ request: BatonV1.GetPlanTraceRequest, context: ServerContext
  ) async throws -> BatonV1.GetPlanTraceResponse {
    let id = try Self.planID(request.planId)
    let size = Page.size(request.pageSize)
    let events = try await reader.events(id, from: max(1, request.fromSeq), maxCount: size)
    var response = BatonV1.GetPlanTraceResponse()
    var page = Page()
    for event in events {
      let message = BatonV1.PlanEvent(event)
      guard page.takes(message) else { break }
      response.events.append(message)
    }
    if let last = response.events.last {
      let more = try await reader.events(id, from: last.seq + 1, maxCount: 1)
      response.nextSeq = more.first?.seq ?? 0
    } else {
      // An empty page of a plan that exists, or no plan at all.
      _ = try await answering { () async throws(OrchestratorError) in
        try await orchestrator.read(id, from: 0, count: 0, withOutputs: false)
      }
    }
    return response
  }

  func explainPlan(
    _ request: BatonV1.ExplainPlanRequest, context: ServerContext
  ) async throws -> BatonV1.ExplainPlanResponse {
    let id = try Self.planID(request.planId)
    let from = try Self.place(request.pageToken)
    let explanation = try await answering { () async throws(OrchestratorError) in
      try await orchestrator.explain(id, from: from, count: Page.size(request.pageSize))
    }
    return Explanations(explanation: explanation).response
  }

  func getServerInfo(
    _ request: BatonV1.GetServerInfoRequest, context: ServerContext
  ) async throws -> BatonV1.GetServerInfoResponse {
    info.message
  }

  // MARK: Arguments

  private static func planID(
    _ text: String, _ field: String = "plan_id"
  ) throws(RPCError) -> PlanID {
    guard let id = PlanID(text) else {
      throw badArgument(
        field, "BAD_ID", "\"\(text.clipped(toBytes: 64))\" is no plan id; a plan id is a UUID")
    }
    return id
  }

  private static func namespace(_ text: String) throws(RPCError) -> String {
    if text.isEmpty { return "default" }
    if let mistake = Identifier.mistake(in: text) {
      throw badArgument("namespace", "BAD_ID", mistake)
    }
    return text
  }

  private static func checkText(
    _ field: String, _ text: String, maxBytes: Int
  ) throws(RPCError) {
    if text.utf8.count > maxBytes {
      throw badArgument(
        field, "BAD_TEXT", "\(text.utf8.count) bytes; the limit is \(maxBytes)")
    }
    if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
      throw badArgument(field, "BAD_TEXT", "holds a control character")
    }
  }

  private static func place(_ token: String) throws(RPCError) -> Int {
    if token.isEmpty { return 0 }
    guard let place = Int(token), place >= 0 else {
      throw badArgument("page_token", "BAD_PAGE_TOKEN", "is not from an earlier reply")
    }
    return place
  }
}

extension Plan {
  /// About how much room the definition takes.
  fileprivate var byteCount: Int {
    tasks.reduce(inputs.count) { $0 + $1.payload.count + 128 }
  }
}

extension BatonV1.PlanHold {
  init(_ hold: NamespaceHold) {
    self.init(
      code: "NAMESPACE_BUDGET_EXHAUSTED", message: hold.message, untilMs: hold.until ?? 0)
  }
}

extension PlanID {
  /// A new id with the system's randomness.
  static func random(unixMilliseconds: Int64) -> PlanID {
    var generator = SystemRandomNumberGenerator()
    return PlanID(
      unixMilliseconds: unixMilliseconds, randomness: (generator.next(), generator.next()))
  }
}

extension BatonV1.TaskProgress {
  init(_ note: ProgressNote) {
    self.init()
    taskId = note.taskID
    index = note.index
    attempt = note.attempt
    timeMs = note.time
    usage = note.usage.map { BatonV1.Usage($0) }
    switch note.body {
    case .chunk(let offset, let text):
      body = .chunk(BatonV1.OutputChunk(offset: offset, text: text))
    case .message(let agent, let role, let content):
      body = .message(BatonV1.AgentMessage(agent: agent, role: role, content: content))
    case .log(let severity, let text):
      body = .log(BatonV1.LogLine(severity: severity, text: text))
    case .usage: break
    }
  }
}
