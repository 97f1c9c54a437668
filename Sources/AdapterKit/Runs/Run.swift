/// Names one attempt of one task.
struct RunReference: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The task's idempotency key.
  var key: String
  /// From 1.
  var attempt: Int32

  static func < (left: RunReference, right: RunReference) -> Bool {
    (left.key, left.attempt) < (right.key, right.attempt)
  }

  var description: String { "\(key)#\(attempt)" }
}

/// One DispatchTask, as the rules see it.
struct HandOut: Sendable, Equatable {
  var run: RunReference
  var token: Int64
  var delivery: Int32 = 1
  var planID = ""
  var taskID = ""
  /// ResumeTask: only for the run that is parked.
  var resumes = false
  /// Questions that the attempt has asked and that are answered.
  var answerCount: Int32 = 0
}

/// One row of the table.
struct Run: Sendable, Equatable {
  /// Where the run stands. `unknown` is a row that does not exist.
  ///
  /// ```
  /// unknown --hand-out--> running --finish--> finished --settled--> ended --expire--> unknown
  ///                          | process died                           ^
  ///                          v                                        |
  ///                        lost --hand-out, higher token--> running   |
  ///                          \------------- cancel ------------------/
  /// ```
  ///
  /// A result that is a question goes finished --settled--> waiting --resume, higher token--> running.
  enum State: Sendable, Equatable {
    /// Its task is alive in this process. Can transition to finished, lost.
    case running(hasStarted: Bool)
    /// The result, a serialized `baton.v1.TaskResult`, is not yet acknowledged; parked: its delivery
    /// waits for a higher token. Can transition to ended.
    case finished(result: [UInt8], isParked: Bool)
    /// It ran in a process that has died, or was handed back. Can transition to running, ended,
    /// unknown.
    case lost(until: Int64)
    /// Its question is taken over there; the run goes on with the answer. Can transition to running,
    /// ended, unknown.
    case waiting(until: Int64)
    /// A tombstone: settled, or cancelled before it was known. Can transition to unknown.
    case ended(until: Int64)
  }

  /// The record of its latest hand-out with the highest token.
  var handOut: HandOut
  /// This adapter's name of the run.
  var handle: String
  var state: State
  /// A cancel was asked for: a later hand-out of this attempt is refused.
  var isCancelled = false
  /// Number of the question that it has asked, from 1; 0: its result is the attempt's end.
  var question: Int32 = 0

  var reference: RunReference { handOut.run }
  var token: Int64 { handOut.token }

  var isRunning: Bool {
    if case .running = state { true } else { false }
  }

  var result: [UInt8]? {
    if case .finished(let result, _) = state { result } else { nil }
  }

  /// A result that is to be reported now.
  var isDue: Bool {
    if case .finished(_, isParked: false) = state { true } else { false }
  }

  var hasStarted: Bool {
    switch state {
    case .running(let hasStarted): hasStarted
    case .finished: true
    case .lost, .waiting, .ended: false
    }
  }
}

/// What is to be answered to DispatchTask.
enum HandOutVerdict: Sendable, Equatable {
  /// A run begins.
  case start
  /// The run is known and alive or finished.
  case same
  case noRoom
  /// The run was lost; only a higher token starts it again (P2).
  case lost
  /// A later attempt is known (P9).
  case superseded
  case cancelled
  /// Its result was acknowledged (P9).
  case ended
}

/// What is to be answered to CancelTask.
enum CancelVerdict: Sendable, Equatable {
  case accepted
  case alreadyFinished
  case notFound
}

/// What the orchestrator said to a reported result.
enum ReportVerdict: Sendable, Equatable {
  /// OK: the result may go; a run that asks waits for its answer.
  case settled
  /// ALREADY_TERMINAL: the result may go, and nothing follows.
  case terminal
  /// STALE_LEASE or any other final refusal: kept, and delivered again under a higher token.
  case refused
}
