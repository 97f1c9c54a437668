public import Plan

/// A change of state that there may be, and what brings it about.
public struct StateChange<State: Hashable & Sendable>: Sendable {
  public let from: State
  public let to: State
  /// For people: what may have happened.
  public let cause: String

  init(_ from: State, _ to: State, _ cause: String) {
    self.from = from
    self.to = to
    self.cause = cause
  }
}

/// Every change of state that there may be; docs/state-machine.md shows it.
///
/// The machine does not read it: the simulation holds the machine to it, and has to take every change.
public enum StateTable {
  public static let plan: [StateChange<PlanStatus>] = [
    StateChange(.created, .running, "SubmitPlan, in the commit that makes the plan"),
    StateChange(.running, .paused, "PausePlan; a limit of its budget was reached"),
    StateChange(.running, .completed, "the last task ended"),
    StateChange(.running, .failed, "the last task ended and one had failed; the deadline passed"),
    StateChange(.running, .cancelled, "CancelPlan"),
    StateChange(.paused, .running, "ResumePlan"),
    StateChange(.paused, .completed, "the last result came in"),
    StateChange(
      .paused, .failed, "the last result came in and a task had failed; the deadline passed"),
    StateChange(.paused, .cancelled, "CancelPlan"),
    StateChange(.failed, .running, "RetryPlan"),
  ]

  public static let task: [StateChange<TaskStatus>] =
    withoutMaps + ofMaps + ofSubPlans + ofQuestions

  /// Of all tasks, a map's instances among them.
  public static let withoutMaps: [StateChange<TaskStatus>] =
    waiting + out + lost + asked + ending + again

  /// Of tasks with `map` alone.
  public static let ofMaps: [StateChange<TaskStatus>] = [
    StateChange(.pending, .expanded, "the list of a task with a map is known"),
    StateChange(.pending, .succeeded, "that list is empty"),
    StateChange(.expanded, .succeeded, "its last instance ended"),
    StateChange(.expanded, .failed, "its last instance ended, and one had failed"),
    StateChange(.expanded, .cancelled, "CancelPlan; the plan's deadline passed"),
    StateChange(.failed, .expanded, "RetryPlan of a task whose list is known"),
    StateChange(.cancelled, .expanded, "the same"),
  ]

  /// Of tasks of type `plan` alone.
  public static let ofSubPlans: [StateChange<TaskStatus>] = [
    StateChange(.ready, .delegated, "a task of type plan begins its sub-plan"),
    StateChange(.delegated, .succeeded, "its sub-plan completed"),
    StateChange(
      .delegated, .failed, "its sub-plan did not complete; it cannot be made; no attempt is left"
    ),
    StateChange(.delegated, .waitingRetry, "its sub-plan failed or took too long"),
    StateChange(.delegated, .cancelled, "CancelPlan; the plan's deadline passed"),
  ]

  /// Of tasks whose runs ask for input.
  public static let ofQuestions: [StateChange<TaskStatus>] = [
    StateChange(.running, .waitingInput, "the run asks for input"),
    StateChange(.waitingInput, .ready, "CompleteTask answers what a run asked"),
  ]

  private static let waiting: [StateChange<TaskStatus>] = [
    StateChange(
      .pending, .ready, "all it depends on ended well, and its condition is true; its turn in a map"
    ),
    StateChange(
      .pending, .skipped,
      "something upstream failed; its condition is false; another instance failed"),
    StateChange(.pending, .failed, "its condition has no answer; what it maps over is no list"),
    StateChange(.ready, .dispatched, "a hand-out is recorded"),
    StateChange(.ready, .waitingInput, "an approval asks"),
    StateChange(.waitingRetry, .ready, "the delay has passed"),
  ]

  private static let out: [StateChange<TaskStatus>] = [
    StateChange(.dispatched, .running, "the run began"),
    StateChange(.dispatched, .ready, "the hand-out was refused, lost or taken back"),
    StateChange(.dispatched, .waitingRetry, "start_to_close passed"),
    StateChange(
      .dispatched, .failed,
      "the adapter will never take it; its payload cannot be made; poisoned; timed out for good"),
    StateChange(.running, .succeeded, "a result"),
    StateChange(.running, .failed, "a result, a timeout or a loss, and no attempt is left"),
    StateChange(.running, .waitingRetry, "a failure or a timeout that is tried again"),
    StateChange(.running, .ready, "the run was lost or taken back"),
  ]

  /// READY again, with a token that is still open.
  private static let lost: [StateChange<TaskStatus>] = [
    StateChange(.ready, .running, "a result of a hand-out that had been given up as lost"),
    StateChange(.ready, .succeeded, "such a result of a run that was known to have begun"),
    StateChange(.ready, .waitingRetry, "such a result, a failure that is tried again"),
    StateChange(.ready, .failed, "schedule_to_start passed; such a result"),
  ]

  private static let asked: [StateChange<TaskStatus>] = [
    StateChange(.waitingInput, .succeeded, "CompleteTask with a value"),
    StateChange(
      .waitingInput, .failed,
      "CompleteTask with a rejection; nobody answered in time; there is no prompt to show"),
  ]

  /// CancelPlan, or the plan's deadline.
  private static let ending: [StateChange<TaskStatus>] = [
    .pending, .ready, .dispatched, .running, .waitingRetry, .waitingInput,
  ].map { StateChange($0, .cancelled, "CancelPlan; the plan's deadline passed") }

  /// RetryPlan.
  private static let again: [StateChange<TaskStatus>] = [
    StateChange(.failed, .ready, "RetryPlan"),
    StateChange(.failed, .pending, "RetryPlan; its condition is evaluated again"),
    StateChange(.skipped, .pending, "RetryPlan"),
    StateChange(.cancelled, .pending, "RetryPlan"),
    StateChange(.cancelled, .ready, "RetryPlan; nothing upstream was left"),
  ]
}
