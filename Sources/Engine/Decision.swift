public import Plan

/// Something that happened to a plan.
public enum PlanEvent: Sendable, Equatable {
  /// The plan was submitted; first event of its life.
  case submitted
  /// The plan was loaded from the store. Changes nothing: a load can be repeated until the store
  /// works, and what other plans have out is counted before anything is handed out.
  case recovered
  /// It is the plan's turn: at most so many hand-outs.
  case schedule(most: Int)
  /// A bulk transition goes on.
  case more
  case pause(reason: String)
  case resume
  case cancel(reason: String)
  /// A failed plan runs again.
  case retry(reason: String)
  case update(PlanUpdate)
  /// The time of the plan's deadline may have come.
  case deadline
  /// The adapter took the hand-out. `isPolled`: the handle must be durable before the first poll.
  case accepted(TaskLease, handle: Handle, isPolled: Bool)
  /// The adapter, or the way to it, refused the hand-out; nothing of it was taken.
  case refused(TaskLease)
  /// The adapter will never take this task, or its payload cannot be rendered.
  case rejected(TaskLease, TaskError)
  /// The adapter says that the run began.
  case started(TaskLease)
  /// The run is gone: no such run, absent from a list, session expired, handed back.
  case lost(TaskLease, code: String, message: String)
  /// We take the run back, to hand it out again later: never the end of a poisoned task.
  case withdrawn(TaskLease, code: String, message: String)
  case result(TaskLease, ResultSummary)
  /// What the run has used so far, as it says itself.
  case used(TaskLease, Usage)
  /// The run has said nothing for its heartbeat timeout.
  case silent(TaskLease)
  /// Somebody settles a task that waits for input, or answers its run; attempt 0: whichever waits.
  case complete(ordinal: Int, attempt: Int32, Completion)
  /// The sub-plan of a task has ended.
  case subPlanEnded(TaskLease, ResultSummary)
  case timer(ordinal: Int, generation: UInt32)
  /// Answers to `Decision.questions`.
  case decided([Verdict])
}

/// The answer to one question.
public struct Verdict: Sendable, Equatable {
  public enum Outcome: Sendable, Equatable {
    /// The task may run.
    case run
    /// Its condition is false.
    case skip
    /// The task may run, once for each of so many elements of its list.
    case expand(Int32)
    /// There is no answer: the task fails for good.
    case fail(TaskError)
  }

  public var ordinal: Int
  public var outcome: Outcome

  public init(ordinal: Int, _ outcome: Outcome) {
    self.ordinal = ordinal
    self.outcome = outcome
  }
}

/// Names one hand-out of a task.
public struct TaskLease: Sendable, Hashable {
  public var ordinal: Int
  public var attempt: Int32
  public var token: Int64

  public init(ordinal: Int, attempt: Int32, token: Int64) {
    self.ordinal = ordinal
    self.attempt = attempt
    self.token = token
  }
}

/// An adapter's answer to a hand-out.
public struct Handle: Sendable, Equatable {
  public var text: String
  public var epoch: String
  public var answered: Int64

  public init(text: String, epoch: String, answered: Int64) {
    self.text = text
    self.epoch = epoch
    self.answered = answered
  }
}

/// A result without its output's bytes, which the engine never sees.
public struct ResultSummary: Sendable, Equatable {
  public var outcome: Outcome
  /// For anything but success.
  public var error: TaskError?
  public var digest: Digest
  public var outputBytes: Int64
  public var usage: Usage

  public init(
    outcome: Outcome, error: TaskError? = nil, digest: Digest, outputBytes: Int64 = 0,
    usage: Usage = Usage()
  ) {
    self.outcome = outcome
    self.error = error
    self.digest = digest
    self.outputBytes = outputBytes
    self.usage = usage
  }
}

/// What somebody decided on a task that waits for input.
public struct Completion: Sendable, Equatable {
  /// Nil: a value is given, `outputBytes` of it.
  public var rejection: String?
  public var digest: Digest
  public var outputBytes: Int64
  /// Which of the attempt's questions is meant; 0: whichever waits.
  public var question: Int32

  public init(
    rejection: String?, digest: Digest, outputBytes: Int64 = 0, question: Int32 = 0
  ) {
    self.rejection = rejection
    self.digest = digest
    self.outputBytes = outputBytes
    self.question = question
  }
}

/// What the engine decided on one event.
public struct Decision: Sendable, Equatable {
  /// What to commit; nil where nothing durable changed.
  public var change: PlanChange?
  /// What to do after the commit, in order.
  public var commands: [Command] = []
  public var answer = Answer.done
  /// The result's output is to be stored with the change.
  public var storesOutput = false
  /// What came with the event is part of the task's dialog, which is to be stored with the change.
  public var storesTurn: TurnPart?
  /// A bulk transition goes on with `.more`.
  public var hasMore = false
  /// More could be handed out if there were places; a plan at its own limit waits for its own runs.
  public var wantsPlaces = false
  /// Tasks whose `when` and `map` are to be evaluated now, since the engine sees no outputs:
  /// `.decided` answers, in the same commit where that can be. Asked again after a load.
  public var questions: [Int] = []
  /// What sub-plans that are under way are to be told, in the same commit.
  public var orders: [SubPlanOrder] = []

  /// A part of one turn of a dialog.
  public enum TurnPart: Sendable, Equatable {
    /// A new question, the first of its attempt or not.
    case question(isFirst: Bool)
    /// The answer to the last one.
    case answer
  }

  public enum Answer: Sendable, Equatable {
    case done
    /// The same result had been accepted before.
    case alreadyRecorded
    case refused(Refusal)
  }
}

/// What a sub-plan is told because of the plan around it.
public struct SubPlanOrder: Sendable, Equatable {
  public var planID: PlanID
  /// A cancel, pause or resume.
  public var event: PlanEvent

  public init(planID: PlanID, _ event: PlanEvent) {
    self.planID = planID
    self.event = event
  }
}

/// Why a result (S4) or a change of a plan is not accepted.
public enum Refusal: String, Sendable, CaseIterable {
  case staleLease = "STALE_LEASE"
  case alreadyTerminal = "ALREADY_TERMINAL"
  case conflictingResult = "CONFLICTING_RESULT"
  case unknownTask = "UNKNOWN_TASK"
  case unknownToken = "UNKNOWN_TOKEN"
  /// The plan did not fail, or ended for good.
  case notFailed = "NOT_FAILED"
  /// The plan has changed since the revision that was named.
  case revisionMismatch = "REVISION_MISMATCH"
  /// The plan ended for good.
  case planEnded = "PLAN_ENDED"
  /// The plan would have more labels than it may.
  case tooManyLabels = "TOO_MANY_LABELS"
  /// The task does not wait for input.
  case notWaiting = "NOT_WAITING"
  /// The plan has used up its budget.
  case budgetExhausted = "BUDGET_EXHAUSTED"
  /// The plan's deadline lies in the past.
  case deadlinePassed = "DEADLINE_PASSED"
  /// The plan is a sub-plan; the plan around it can be retried.
  case isSubPlan = "IS_SUB_PLAN"
}

/// What is to be done after a commit.
public enum Command: Sendable, Equatable {
  /// The hand-out in the task's row is to be sent.
  case handOut(ordinal: Int)
  /// The hand-out in the row may have been sent before a restart: the same again (P1).
  case resume(ordinal: Int)
  /// The task's sub-plan is to be made.
  case beginSubPlan(ordinal: Int)
  /// The sub-plan may have been made before a restart, and may have ended.
  case findSubPlan(ordinal: Int)
  /// The task waits for input: what it asks for must be there.
  case ask(ordinal: Int)
  /// A run is to be ended on its instance.
  case cancelRun(ordinal: Int, attempt: Int32, instance: String, reason: String)
  /// The task's timer; an earlier generation no longer counts.
  case arm(ordinal: Int, generation: UInt32, dueAt: Int64)
  /// `.deadline` is to come at this time.
  case armDeadline(dueAt: Int64)
  /// The plan has reached its end, or stays there.
  case ended
}
