import Engine
import Plan

/// A plan as it was committed.
final class LedgerPlan {
  let id: PlanID
  let number: Int
  private(set) var creation: PlanCreation
  let blueprint: Blueprint
  private(set) var row = PlanRow()
  private(set) var tasks: [TaskRow]
  private(set) var outputs: [Int: [UInt8]] = [:]
  private(set) var events: [TraceEvent] = []
  private(set) var unmet: [Int]
  /// Every hand-out by token, per task.
  private(set) var handOuts: [[Int64: HandOutRecord]]
  /// How each attempt ended, per task, as committed.
  private(set) var ends: [[AttemptEnd]]
  /// When what now waits began to wait, in true time.
  private(set) var readySince: [Marker]
  private(set) var retryAfter: [Marker]
  /// Pause or cancel was answered, and nobody has asked for more since.
  var stopAnswered = false
  /// A person asked for it.
  var cancelAsked = false
  /// When the deadline comes, in true time.
  private(set) var deadline: Marker?
  /// When a call that steers it was taken last, and how many came at that moment.
  private(set) var askedAt: Int64 = 0
  private(set) var askedCount = 0
  /// What the next attempt of each task is to hear about the last one's output.
  private var feedback: [String]
  unowned let world: World
  /// The process that committed last, and when.
  var committer = 0
  var committedAt: Int64 = 0
  /// Tokens whose hand-out may be given up: task, token.
  var causes: Set<TaskToken> = []
  /// What adapters answered to hand-outs: their epoch, and how many they had answered.
  var answers: [TaskToken: [(epoch: String, answered: Int64)]] = [:]

  struct TaskToken: Hashable {
    var ordinal: Int
    var token: Int64
  }

  struct HandOutRecord {
    var attempt: Int32
    var delivery: Int32
    var instance: String
    var at: Marker
    /// What was wrong with the output before.
    var feedback: String
    /// What was sent first under it.
    var payload: [UInt8]?
  }

  /// A moment: the true time, and how far clocks had been set forward by then.
  struct Marker {
    var time: Int64 = 0
    var steps: Int64 = 0
  }

  struct AttemptEnd: Equatable {
    var attempt: Int32
    /// Nil: success.
    var errorClass: ErrorClass?
    var code = ""
  }

  init(_ id: PlanID, _ creation: PlanCreation, _ blueprint: Blueprint, number: Int, _ world: World)
  {
    self.world = world
    self.id = id
    self.creation = creation
    self.blueprint = blueprint
    self.number = number
    let count = blueprint.plan.tasks.count
    tasks = (0..<count).map { TaskRow(ordinal: $0) }
    unmet = blueprint.compiled.graph.dependencies.map(\.count)
    handOuts = Array(repeating: [:], count: count)
    ends = Array(repeating: [], count: count)
    readySince = Array(repeating: Marker(), count: count)
    retryAfter = readySince
    feedback = Array(repeating: "", count: count)
  }

  func ordinal(_ taskID: String) -> Int? { blueprint.compiled.ordinals[taskID] }

  /// A call that steers it is being taken.
  func asked() {
    if askedAt != world.now { askedCount = 0 }
    askedAt = world.now
    askedCount += 1
  }

  /// A status as people see it; whether a condition has been decided is not known here.
  func status(_ ordinal: Int) -> TaskStatus {
    let status = tasks[ordinal].status
    if status.isFinal { return status }
    if row.status.isFinal { return .cancelled }
    return status == .pending && isMet(ordinal) && blueprint.gates[ordinal] == nil ? .ready : status
  }

  func endedWell(_ ordinal: Int) -> Bool {
    switch tasks[ordinal].status {
    case .succeeded: true
    case .failed: blueprint.plan.tasks[ordinal].onFailure == .continue
    case .skipped: tasks[ordinal].isDeclined
    default: false
    }
  }

  /// All that the task depends on has ended well.
  private func isMet(_ ordinal: Int) -> Bool { unmet[ordinal] == 0 && row.status != .created }

  /// Another owner has committed since the process began: what it knows may be old.
  func isNews(to process: OrchestratorProcess) -> Bool {
    process.isRival || (committer != process.number && committedAt >= process.startedAt)
  }

  /// Nothing more is wanted of the attempt.
  func isOver(_ ordinal: Int, attempt: Int32) -> Bool {
    let task = tasks[ordinal]
    return status(ordinal).isFinal || row.status.isFinal || attempt < task.attempt
      || (attempt == task.attempt && task.tokenClosed)
  }

  func setPayload(_ ordinal: Int, _ token: Int64, _ payload: [UInt8]) {
    handOuts[ordinal][token]?.payload = payload
  }

  // MARK: Changing

  func apply(_ change: PlanChange, _ world: World) {
    let marker = Marker(time: world.now, steps: world.forwardSteps)
    let resumes = row.status != .running && change.plan.status == .running
    for task in change.tasks { apply(task, marker, change.events) }
    follow(change, marker, world)
    row = change.plan
    for output in change.outputs { outputs[output.ordinal] = output.json }
    events += change.events
    if change.events.contains(where: { $0.kind == .planRetried }) { stopAnswered = false }
    // A resume gives everything that is ready its whole time again.
    guard resumes else { return }
    for ordinal in tasks.indices
    where [.pending, .ready].contains(tasks[ordinal].status) && isMet(ordinal) {
      readySince[ordinal] = marker
    }
  }

  /// What may change of a plan beside its tasks.
  private func follow(_ change: PlanChange, _ marker: Marker, _ world: World) {
    if let amendment = change.amendment { creation.plan.amend(amendment) }
    guard change.plan.deadlineAt != row.deadlineAt else { return }
    let engineNow = world.committing?.clock.milliseconds() ?? world.now
    deadline = change.plan.deadlineAt.map {
      Marker(time: marker.time + $0 - engineNow, steps: marker.steps)
    }
  }

  private func apply(_ task: TaskRow, _ marker: Marker, _ events: [TraceEvent]) {
    let ordinal = task.ordinal
    let before = tasks[ordinal]
    let wasWell = endedWell(ordinal)
    tasks[ordinal] = task
    if before.status.isFinal, !task.status.isFinal {
      // A retry: a new count, and nothing to wait for.
      ends[ordinal] = []
      retryAfter[ordinal] = Marker()
      if before.status != .failed { feedback[ordinal] = "" }
    }
    if task.token > before.token {
      handOuts[ordinal][task.token] = HandOutRecord(
        attempt: task.attempt, delivery: task.delivery, instance: task.instance, at: marker,
        feedback: feedback[ordinal])
    }
    // A refused hand-out goes on with what it had left; everything else begins anew.
    let isRefused = before.status.isOut && task.delivery < before.delivery
    if task.status == .ready, before.status != .ready, !isRefused { readySince[ordinal] = marker }
    if task.status == .waitingRetry {
      retryAfter[ordinal] = Marker(
        time: marker.time + task.timerDelayMilliseconds, steps: marker.steps)
    }
    settle(ordinal, events)
    guard !wasWell, endedWell(ordinal) else { return }
    for dependent in blueprint.compiled.graph.dependents[ordinal] {
      unmet[dependent] -= 1
      if unmet[dependent] == 0 { readySince[dependent] = marker }
    }
  }

  private func settle(_ ordinal: Int, _ events: [TraceEvent]) {
    let taskID = blueprint.plan.tasks[ordinal].id
    for event in events where event.taskID == taskID {
      switch event.kind {
      case .taskSucceeded: ends[ordinal].append(AttemptEnd(attempt: event.attempt))
      case .taskFailed, .taskRetryScheduled:
        ends[ordinal].append(
          AttemptEnd(
            attempt: event.attempt, errorClass: event.errorClass, code: event.code))
        feedback[ordinal] = event.errorClass == .invalidOutput ? event.message : ""
      default: break
      }
    }
  }
}

extension TaskRow {
  /// Its own condition said no.
  var isDeclined: Bool { status == .skipped && error?.code == "CONDITION_FALSE" }
}
