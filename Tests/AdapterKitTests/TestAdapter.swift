import AdapterKit
import GRPC
import JSON
import Logging
import Messages
import Stubs

/// A run that waits for a test to say how it ends.
final class GatedRun: Sendable {
  let request: TaskRequest
  let progress: RunProgress
  private let orders = AsyncStream.makeStream(of: Result<TaskOutput, any Error>.self)
  /// Of the call that it runs in.
  let deadline = CallScope.deadline
  /// Whether it hears its cancellation.
  private let isDeaf: Bool
  let ended = Mailbox<Bool>()

  init(_ request: TaskRequest, _ progress: RunProgress) {
    self.request = request
    self.progress = progress
    isDeaf = request.metadata["deaf"] != nil
  }

  var name: String { "\(request.idempotencyKey)#\(request.attempt)" }

  func succeed(_ text: String = "tea") {
    end(.success(TaskOutput(.object([JSONMember("text", .string(text))]))))
  }

  func fail(_ error: any Error) { end(.failure(error)) }

  func end(_ outcome: Result<TaskOutput, any Error>) { orders.continuation.yield(outcome) }

  func outcome() async throws -> TaskOutput {
    defer { ended.add(true) }
    let wait = { @Sendable [orders] in
      for await order in orders.stream { return try order.get() }
      throw CancellationError()
    }
    return isDeaf ? try await Task.detached { try await wait() }.value : try await wait()
  }
}

final class GatedRunner: TaskRunner {
  let framework = "gated"
  let frameworkVersion = "7"
  let taskTypes = ["prompt"]
  let capabilities = ["cancel"]
  let runs = Mailbox<GatedRun>()

  func validate(_ request: TaskRequest) throws(TaskRejection) {
    switch request.metadata["reject"] {
    case "tool": throw TaskRejection(.unsupported, code: "TOOL_UNKNOWN", message: "no such tool")
    case "payload": throw TaskRejection(.invalidPayload, code: "BAD_PROMPT", message: "no prompt")
    case "busy":
      throw TaskRejection(.busy(retryAfter: .milliseconds(250)), code: "QUOTA", message: "later")
    default: break
    }
  }

  func run(_ request: TaskRequest, progress: RunProgress) async throws -> TaskOutput {
    let run = GatedRun(request, progress)
    runs.add(run)
    return try await run.outcome()
  }
}

/// An adapter in this process, and a client of it.
final class TestAdapter: Sendable {
  let runner = GatedRunner()
  let events = Mailbox<RunEvent>()
  let address: String
  let epoch: String
  let client: ExecutionAdapterClient
  private let host: AdapterHost
  private let running: Task<Result<Void, AdapterError>, Never>

  /// - Parameter orchestrator: where the registry listens.
  init(
    _ orchestrator: String, results: AdapterConfiguration.ResultMode = .callback,
    data: String? = nil, _ configure: (inout AdapterConfiguration) -> Void = { _ in }
  ) async throws {
    var configuration = AdapterConfiguration(
      adapter: "gated", instance: "gated-1", orchestrator: orchestrator, concurrencyMax: 2,
      results: results, dataFolder: data)
    configuration.backoffFirst = .milliseconds(10)
    configuration.backoffLast = .milliseconds(50)
    configuration.progressInterval = .milliseconds(10)
    configuration.shutdown = .handBack
    configure(&configuration)
    let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let host = AdapterHost(configuration, runner: runner, log: log) { [events] in events.add($0) }
    self.host = host
    let ready = Mailbox<AdapterHost.Ready?>()
    running = Task {
      do throws(AdapterError) {
        try await host.run { ready.add($0) }
        return .success(())
      } catch {
        ready.add(nil)
        return .failure(error)
      }
    }
    guard let ready = try await ready.item(0) else {
      try await running.value.get()
      throw AdapterError(.cannotListen, "it ended at once")
    }
    address = ready.address
    epoch = ready.epoch
    client = ExecutionAdapterClient(try ClientChannel(target: ready.address))
  }

  func stop() async throws {
    host.stop()
    try await running.value.get()
  }

  @discardableResult
  func dispatch(
    _ key: String, _ attempt: Int32 = 1, token: Int64, timeoutMilliseconds: Int64 = 0,
    metadata: [String: String] = [:], options: CallOptions = CallOptions(),
    _ change: (inout BatonV1.DispatchTaskRequest) -> Void = { _ in }
  ) async throws -> BatonV1.TaskHandle {
    var request = BatonV1.DispatchTaskRequest()
    request.planId = "plan"
    request.taskId = "task-\(key)"
    request.type = "prompt"
    request.attempt = attempt
    request.delivery = 1
    request.token = token
    request.idempotencyKey = key
    request.timeoutMs = timeoutMilliseconds
    request.metadata = metadata
    change(&request)
    return try await client.dispatchTask(request, options: options)
  }

  func poll(
    _ key: String, _ attempt: Int32 = 1, token: Int64, waitMilliseconds: Int64 = 0
  ) async throws -> BatonV1.GetTaskResultResponse {
    try await client.getTaskResult(
      BatonV1.GetTaskResultRequest(
        idempotencyKey: key, attempt: attempt, token: token, waitMs: waitMilliseconds))
  }

  /// The result, once it is there.
  func result(_ key: String, _ attempt: Int32 = 1, token: Int64) async throws -> BatonV1.TaskResult?
  {
    let response = try await poll(key, attempt, token: token, waitMilliseconds: 30_000)
    guard case .result(let result) = response.state else { return nil }
    return result
  }

  func cancel(
    _ key: String, _ attempt: Int32 = 1, handBack: Bool = false
  ) async throws -> BatonV1.CancelOutcome {
    try await client.cancelTask(
      BatonV1.CancelTaskRequest(idempotencyKey: key, attempt: attempt, handBack: handBack)
    ).outcome
  }
}

/// "CODE REASON" of the refusal of a call, or "OK".
func refusal<T>(_ body: () async throws -> T) async -> String {
  do {
    _ = try await body()
    return "OK"
  } catch let error as RPCError {
    return "\(error.code) \(error.reason ?? "")"
  } catch {
    return "\(error)"
  }
}

extension BatonV1.RunList {
  /// Each run as KEY#ATTEMPT:TOKEN:STATE.
  var texts: [String] {
    runs.map {
      "\($0.idempotencyKey)#\($0.attempt):\($0.token):"
        + ($0.state == .running ? "RUNNING" : "FINISHED")
    }
  }
}
