internal import Plan

/// Runs that ask for input: parked without a place, then resumed in the same attempt.
///
/// Asking settles the hand-out under its token; the question has a token of its own, under which only
/// its answer counts; the hand-out that gives the answer has the next one.
extension PlanMachine {
  /// The run asks, and waits as long as it takes.
  mutating func park(_ ordinal: Int) {
    rows[ordinal].question += 1
    rows[ordinal].resumes = false
    rows[ordinal].token += 1
    rows[ordinal].status = .waitingInput
    if !hasFeedback(ordinal) { rows[ordinal].error = nil }
    // A parked run is in no list (P3).
    rows[ordinal].handleEpoch = ""
    rows[ordinal].handleAnswered = 0
    rows[ordinal].dispatchedAt = draft.now
    arm(ordinal, afterMilliseconds: nil)
    touch(ordinal)
    draft.storesTurn = .question(isFirst: rows[ordinal].question == 1)
    record(.taskWaitingInput, task: ordinal)
  }

  /// The question is answered: the run goes on as soon as there is a place for it.
  mutating func answer(_ ordinal: Int) {
    rows[ordinal].resumes = true
    rows[ordinal].status = .ready
    arm(
      ordinal, afterMilliseconds: compiled.timeouts[home(ordinal)].scheduleToStartMilliseconds)
    touch(ordinal)
    draft.storesTurn = .answer
    enterLane(ordinal)
  }

  /// Whether the task's next hand-out gives its parked run an answer.
  func goesOn(_ ordinal: Int) -> Bool {
    rows[ordinal].resumes && !rows[ordinal].tokenClosed
  }

  /// Whether an adapter keeps a run for the task that waits.
  func isParked(_ ordinal: Int) -> Bool {
    switch rows[ordinal].status {
    case .waitingInput: rows[ordinal].question > 0
    case .ready: goesOn(ordinal)
    default: false
    }
  }

  /// Hands answers to the instances that keep the runs, at most `most`; where one is gone, the attempt
  /// goes to another from its beginning, with what it has asked so far.
  ///
  /// - Returns: How many were handed out.
  mutating func handOutAnswers(_ pool: inout AdapterPool, most: Int) -> Int {
    guard !toResume.isEmpty else { return 0 }
    let ordinals = toResume
    toResume = []
    var count = 0
    for ordinal in ordinals where status(of: ordinal) == .ready && goesOn(ordinal) {
      let row = rows[ordinal]
      let task = compiled.plan.tasks[home(ordinal)]
      // An attempt that has no delivery left can only go on where it is.
      let isBound =
        pool.isServing(row.instance) || row.delivery >= compiled.maxDeliveries(home(ordinal))
      guard count < most, outCount < Int(compiled.maxParallel),
        let instance = pool.take(
          type: task.type, adapter: task.adapter ?? compiled.plan.adapter,
          only: isBound ? row.instance : nil, now: draft.now)
      else {
        toResume.append(ordinal)
        continue
      }
      count += 1
      if instance.name != row.instance { loseParked(ordinal) }
      handOut(ordinal, to: instance)
    }
    return count
  }

  private mutating func loseParked(_ ordinal: Int) {
    rows[ordinal].resumes = false
    rows[ordinal].handle = ""
    guard !hasFeedback(ordinal) else { return }
    rows[ordinal].error = TaskError(
      .transient, code: "INSTANCE_LOST",
      message: "instance \(rows[ordinal].instance), which kept the run, is gone")
  }

  /// What was wrong with the output of the attempt before is told in every hand-out of this one.
  private func hasFeedback(_ ordinal: Int) -> Bool {
    rows[ordinal].error?.errorClass == .invalidOutput
  }
}
