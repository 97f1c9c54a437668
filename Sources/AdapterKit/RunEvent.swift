public import Messages

/// Something that happened to a run, for ledgers and figures.
public struct RunEvent: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    /// A DispatchTask arrived, whatever becomes of it.
    case received
    /// It was answered with something other than OK; `code` is the reason.
    case refused
    /// The run's code begins.
    case started
    /// The run's code has ended; `code` is SUCCEEDED or the error's code.
    case finished
    /// The result left: the answer to ReportTaskResult, or a poll took it. `code` is OK,
    /// ALREADY_RECORDED, the reason of a refusal, or POLLED.
    case reported
    /// A run was told to end: `code` is CANCELLED, START_TO_CLOSE or HANDED_BACK.
    case cancelled
  }

  public var kind: Kind
  public var planID: String
  public var taskID: String
  public var idempotencyKey: String
  public var attempt: Int32
  public var delivery: Int32
  /// Of the hand-out (received, refused), otherwise the highest the run was given.
  public var token: Int64
  public var code: String
  /// For `finished` and `reported`.
  public var result: BatonV1.TaskResult?
}

/// Told of every event, in order, on no particular thread; must not block for long.
public typealias RunObserver = @Sendable (RunEvent) -> Void

extension RunEvent {
  init(_ kind: Kind, _ handOut: HandOut, code: String = "", result: BatonV1.TaskResult? = nil) {
    self.init(
      kind: kind, planID: handOut.planID, taskID: handOut.taskID,
      idempotencyKey: handOut.run.key, attempt: handOut.run.attempt, delivery: handOut.delivery,
      token: handOut.token, code: code, result: result)
  }
}
