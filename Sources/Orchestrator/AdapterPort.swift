public import Plan

/// The way to adapters: what the orchestrator asks of whoever speaks the adapter RPC.
///
/// No call blocks, and each completion is called once, on any thread. Instances are named as they
/// registered; their addresses come with `connect`.
public protocol AdapterPort: AnyObject, Sendable {
  /// The instance can be reached at `address` from now on; replaces an earlier address.
  func connect(instance: String, address: String)

  /// The instance is gone; open calls end unanswered.
  func disconnect(instance: String)

  /// DispatchTask, or ResumeTask where the run is parked.
  func dispatch(
    _ handOut: HandOut, to instance: String,
    completion: @escaping @Sendable (HandOutReply) -> Void)

  /// GetTaskResult, held by the adapter up to `waitMilliseconds`.
  func poll(
    _ run: RunName, handle: String, waitMilliseconds: Int64, at instance: String,
    completion: @escaping @Sendable (PollReply) -> Void)

  /// CancelTask; best effort, since heartbeats repeat it until the run is gone (P10).
  func cancel(_ run: RunName, reason: String, at instance: String)

  /// CancelTask of a run that is to be handed out again: it ends without a result.
  func takeBack(
    _ run: RunName, reason: String, at instance: String, completion: @escaping @Sendable () -> Void)
}

/// A hand-out as it is sent. The same record gives the same payload every time.
public struct HandOut: Sendable, Equatable {
  public var namespace: String
  public var run: RunName
  public var type: String
  /// The payload, its references resolved.
  public var payload: [UInt8]
  public var delivery: Int32
  /// What the attempt has left of start_to_close.
  public var timeoutMilliseconds: Int64
  /// What was wrong with the output of the attempt before; empty otherwise.
  public var feedback: String
  public var metadata: [String: String]
  /// JSON of the task's output schema; empty where it has none.
  public var outputSchema: [UInt8] = []
  /// What the attempt has asked so far and was told, every question of it answered.
  public var dialog: [DialogTurn] = []
  /// Not nil: the run is parked at the instance under this handle (empty where that is not known), and
  /// is resumed (ResumeTask).
  public var parkedHandle: String?
}

/// Names one hand-out of one run to an adapter.
public struct RunName: Sendable, Hashable {
  public var key: IdempotencyKey
  public var attempt: Int32
  public var token: Int64

  public init(key: IdempotencyKey, attempt: Int32, token: Int64) {
    self.key = key
    self.attempt = attempt
    self.token = token
  }
}

/// How an adapter answered a hand-out.
public enum HandOutReply: Sendable, Equatable {
  case accepted(handle: String, epoch: String, answered: Int64)
  /// Not now; nothing was taken.
  case busy(retryAfterMilliseconds: Int64?)
  /// No byte was sent.
  case unreachable(String)
  /// Never.
  case rejected(TaskError)
  /// The adapter lost the run (P2), or knows that it is over.
  case lost(code: String, message: String)
  /// The call ended without an answer that says whether the hand-out was taken.
  case unanswered(String)
}

/// How an adapter answered a poll.
public enum PollReply: Sendable, Equatable {
  case pending(hasStarted: Bool)
  case finished(AdapterResult)
  /// No such run.
  case notFound
  case unanswered(String)
}

/// A result as an adapter gives it.
public struct AdapterResult: Sendable, Equatable {
  public var outcome: Outcome
  /// As received; for success it should be one JSON value, for a question what is asked.
  public var output: [UInt8]
  public var error: TaskError?
  public var usage: Usage

  public init(
    outcome: Outcome, output: [UInt8] = [], error: TaskError? = nil, usage: Usage = Usage()
  ) {
    self.outcome = outcome
    self.output = output
    self.error = error
    self.usage = usage
  }
}

/// What an adapter registers with.
public struct Registration: Sendable, Equatable {
  public var adapter: String
  public var instance: String
  public var address: String
  public var framework: String
  public var frameworkVersion: String
  public var taskTypes: [String]
  public var capabilities: [String]
  public var maxConcurrency: Int
  public var isPolled: Bool

  public init(
    adapter: String, instance: String, address: String, framework: String = "",
    frameworkVersion: String = "", taskTypes: [String], capabilities: [String] = [],
    maxConcurrency: Int, isPolled: Bool = false
  ) {
    self.adapter = adapter
    self.instance = instance
    self.address = address
    self.framework = framework
    self.frameworkVersion = frameworkVersion
    self.taskTypes = taskTypes
    self.capabilities = capabilities
    self.maxConcurrency = maxConcurrency
    self.isPolled = isPolled
  }
}

/// What an adapter holds at one moment (P3).
public struct RunList: Sendable, Equatable {
  public struct Run: Sendable, Equatable {
    public var key: IdempotencyKey
    public var attempt: Int32
    public var token: Int64
    public var isFinished: Bool

    public init(key: IdempotencyKey, attempt: Int32, token: Int64, isFinished: Bool) {
      self.key = key
      self.attempt = attempt
      self.token = token
      self.isFinished = isFinished
    }
  }

  public var runs: [Run]
  /// Of the adapter's process; a later one sorts higher.
  public var epoch: String
  /// Hand-outs answered when the list was made.
  public var answered: Int64

  public init(runs: [Run], epoch: String, answered: Int64) {
    self.runs = runs
    self.epoch = epoch
    self.answered = answered
  }
}

/// A run in the orchestrator's reply to a list.
public struct RunReference: Sendable, Hashable {
  public var key: IdempotencyKey
  public var attempt: Int32

  public init(key: IdempotencyKey, attempt: Int32) {
    self.key = key
    self.attempt = attempt
  }
}
