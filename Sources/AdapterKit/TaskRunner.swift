public import JSON
public import Messages

/// What a framework has to offer to be an adapter. Everything else (registration, heartbeats,
/// deduplication, deadlines, delivery of results) is `AdapterHost`'s.
public protocol TaskRunner: Sendable {
  /// Name and version of what runs the tasks, for people.
  var framework: String { get }
  var frameworkVersion: String { get }
  /// The task types it serves: prompt, agent ...
  var taskTypes: [String] { get }
  /// Free words: cancel, progress ...
  var capabilities: [String] { get }

  /// Whether `run` never blocks its thread, neither by waiting nor by working for long. It then runs
  /// on the event loop of the adapter's calls, without a change of threads.
  var neverBlocks: Bool { get }

  /// Refuses a task before it is accepted. Fast; called only where the task would start.
  func validate(_ request: TaskRequest) throws(TaskRejection)

  /// Runs one attempt to its end.
  ///
  /// It ends early by Swift's task cancellation: on a cancel, at the deadline (`timeout`), when the
  /// adapter shuts down. What it then throws does not matter; an output it still returns stands.
  /// Once it has returned, nothing of the attempt may run any more. A run that needs input returns
  /// `TaskOutput(asking:)` and is called again, with the answer in the request's `dialog`. `TaskFailure`
  /// says how it failed;
  /// any other error is reported as TRANSIENT with code UNKNOWN.
  func run(_ request: TaskRequest, progress: RunProgress) async throws -> TaskOutput

  /// Nil where all is well, otherwise a sentence for people.
  func health() async -> String?
}

extension TaskRunner {
  public var neverBlocks: Bool { false }
  public func validate(_ request: TaskRequest) throws(TaskRejection) {}
  public func health() async -> String? { nil }
}

/// One attempt of one task, its references resolved.
public struct TaskRequest: Sendable {
  public var namespace: String
  public var planID: String
  public var taskID: String
  /// Place among the instances of a mapped task; 0 otherwise.
  public var index: Int32
  public var type: String
  /// A JSON object.
  public var payload: JSONValue
  /// Stable for the task. With `attempt` it names what the run keeps: a redelivery of an attempt
  /// resumes, a new attempt starts fresh.
  public var idempotencyKey: String
  public var attempt: Int32
  public var delivery: Int32
  /// Of the hand-out that started the run.
  public var token: Int64
  /// How long the attempt has at most; nil: no limit.
  public var timeout: Duration?
  /// What was wrong with the output of the attempt before; empty otherwise.
  public var feedback: String
  /// W3C trace context; empty where the caller sent none.
  public var traceparent: String
  public var metadata: [String: String]
  /// What the output must look like, by a schema that the orchestrator checks; nil: anything.
  public var outputSchema: JSONValue?
  /// What the attempt has asked so far and was told, in order.
  public var dialog: [TaskTurn] = []
  /// The last answer is for the run that asked; otherwise the attempt begins anew and finds here what
  /// it need not ask again.
  public var resumes = false
}

/// A question of a run and its answer.
public struct TaskTurn: Sendable {
  public var prompt: JSONValue
  public var value: JSONValue
}

/// The output of an attempt that succeeded, or what it asks.
public struct TaskOutput: Sendable {
  /// JSON; for the portable types {"text": string, "json": null or value}.
  public var json: JSONValue
  public var usage: BatonV1.Usage?
  /// `json` is a question: the run is to be parked until somebody answers it.
  public let asks: Bool

  public init(_ json: JSONValue, usage: BatonV1.Usage? = nil) {
    self.json = json
    self.usage = usage
    asks = false
  }

  /// A question, at most 64 KiB, and what asking it has used.
  public init(asking prompt: JSONValue, usage: BatonV1.Usage? = nil) {
    json = prompt
    self.usage = usage
    asks = true
  }
}

/// Why an attempt failed.
public struct TaskFailure: Error, Sendable {
  public var errorClass: BatonV1.ErrorClass
  /// Stable and machine-readable, in capitals.
  public var code: String
  /// A sentence for people.
  public var message: String
  /// Detail for those who debug.
  public var diagnostics: String
  /// How long the provider asks to wait before the next attempt.
  public var retryAfter: Duration?
  public var usage: BatonV1.Usage?

  public init(
    _ errorClass: BatonV1.ErrorClass, code: String, message: String, diagnostics: String = "",
    retryAfter: Duration? = nil, usage: BatonV1.Usage? = nil
  ) {
    self.errorClass = errorClass
    self.code = code
    self.message = message
    self.diagnostics = diagnostics
    self.retryAfter = retryAfter
    self.usage = usage
  }
}

/// Why a hand-out is not accepted.
public struct TaskRejection: Error, Sendable {
  /// What the orchestrator is to make of it.
  public enum Kind: Sendable, Hashable {
    /// The payload will never do (INVALID_ARGUMENT): the task fails as PERMANENT.
    case invalidPayload
    /// The type, alias or capability is not here (UNIMPLEMENTED): the task fails as UNSUPPORTED.
    case unsupported
    /// Not now (RESOURCE_EXHAUSTED): it is handed out again after that time.
    case busy(retryAfter: Duration)
  }

  public var kind: Kind
  /// Stable and machine-readable, in capitals.
  public var code: String
  /// A sentence for people.
  public var message: String

  public init(_ kind: Kind, code: String, message: String) {
    self.kind = kind
    self.code = code
    self.message = message
  }
}
