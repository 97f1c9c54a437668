public import Plan

/// Something a running task said, for watchers; never stored.
public struct ProgressNote: Sendable, Equatable {
  public enum Body: Sendable, Equatable {
    case chunk(offset: Int64, text: String)
    case message(agent: String, role: String, content: String)
    case log(severity: String, text: String)
    case usage
  }

  public var taskID: String
  /// Place among the instances of a mapped task; 0 otherwise.
  public var index: Int32
  public var attempt: Int32
  /// Milliseconds since the Unix epoch, on the adapter's clock.
  public var time: Int64
  public var body: Body
  public var usage: Usage?

  public init(
    taskID: String, index: Int32 = 0, attempt: Int32, time: Int64, body: Body, usage: Usage? = nil
  ) {
    self.taskID = taskID
    self.index = index
    self.attempt = attempt
    self.time = time
    self.body = body
    self.usage = usage
  }
}
