internal import Messages
internal import Plan
internal import PlanMapping

/// What a watcher knows of a plan: the tasks it has, and what events and progress said since.
///
/// Everything but the list of tasks comes from events, so that the view is right whatever the first
/// event it is given.
struct PlanView: Sendable {
  let planID: String
  let name: String
  private(set) var status = PlanStatus.created
  private(set) var startedAt: Int64?
  private(set) var finishedAt: Int64?
  /// Why the plan ended other than well.
  private(set) var reason = ""
  /// Why it is paused, or what it was last warned of.
  private(set) var hold = ""
  private(set) var tasks: [Line] = []
  private(set) var finishedCount = 0
  /// Said above the table while it lasts: that the connection is lost.
  var notice = ""
  private var ordinals: [String: Int] = [:]
  private var dependents: [[Int]] = []
  /// How many tasks each one still waits for.
  private var openDependencies: [Int] = []

  /// A task as it stands.
  struct Line: Sendable, Equatable {
    let id: String
    let type: String
    let dependsOn: [String]
    var status = TaskStatus.pending
    var adapter = ""
    var attempt: Int32 = 0
    /// First hand-out and end, in milliseconds since the Unix epoch.
    var startedAt: Int64?
    var finishedAt: Int64?
    var retryAt: Int64?
    /// The last error, kept until the task goes well.
    var error = ""
    /// The end of what the current attempt said, in chunks and messages.
    var words = ""
    /// Its last warning or error in a log.
    var note = ""
    var outputTokens: Int64 = 0
    /// Of a mapped task: its instances, and those that have ended.
    var itemCount: Int32 = 0
    var endedItems: Int32 = 0
    var succeededItems: Int32 = 0
    /// What a task of type `plan` runs.
    var subPlanID = ""
  }

  /// `state` with all its tasks, in whatever view and state.
  init(_ state: BatonV1.PlanState) {
    planID = state.planId
    name = state.name
    // What instances come to is told with their task.
    let tasks = state.tasks.filter { $0.instanceIndex == nil }
    self.tasks = tasks.map { Line(id: $0.id, type: $0.type, dependsOn: $0.dependsOn) }
    for (ordinal, task) in tasks.enumerated() { ordinals[task.id] = ordinal }
    dependents = tasks.map { _ in [] }
    openDependencies = tasks.map { _ in 0 }
    for (ordinal, task) in tasks.enumerated() {
      for dependency in Set(task.dependsOn.compactMap { ordinals[$0] }) {
        dependents[dependency].append(ordinal)
        openDependencies[ordinal] += 1
      }
      if openDependencies[ordinal] == 0 { self.tasks[ordinal].status = .ready }
    }
  }

  /// Whether the plan has ended.
  var isFinal: Bool { status.isFinal }

  mutating func apply(_ event: BatonV1.PlanEvent) {
    guard let kind = EventKind(rawValue: event.kind) else { return }
    if event.taskId.isEmpty { return applyToPlan(event, kind) }
    guard let ordinal = ordinals[event.taskId] else { return }
    guard event.instanceIndex == nil else { return applyToInstance(kind, &tasks[ordinal]) }
    let wasFinal = tasks[ordinal].status.isFinal
    applyToTask(event, kind, &tasks[ordinal])
    if tasks[ordinal].status.isFinal && !wasFinal { freeDependents(of: ordinal) }
  }

  private func applyToInstance(_ kind: EventKind, _ task: inout Line) {
    switch kind {
    case .taskSucceeded:
      task.endedItems += 1
      task.succeededItems += 1
    case .taskFailed, .taskSkipped, .taskCancelled: task.endedItems += 1
    default: break
    }
  }

  private mutating func applyToPlan(_ event: BatonV1.PlanEvent, _ kind: EventKind) {
    switch kind {
    case .planCreated: status = .created
    case .planStarted:
      status = .running
      startedAt = startedAt ?? event.timeMs
    case .planResumed:
      status = .running
      hold = ""
    case .planRetried: retry()
    case .planPaused:
      status = .paused
      hold = "paused: \(TaskWords.error(event.code, event.message))"
    case .budgetWarning: hold = event.message
    case .planCompleted: end(.completed, event)
    case .planFailed: end(.failed, event)
    case .planCancelled: end(.cancelled, event)
    default: break
    }
  }

  private mutating func end(_ status: PlanStatus, _ event: BatonV1.PlanEvent) {
    self.status = status
    hold = ""
    finishedAt = event.timeMs
    reason = TaskWords.error(event.code, event.message)
  }

  /// What failed and what it blocked waits again, but for failures that the plan went on with: a task
  /// that depends on those was not skipped.
  private mutating func retry() {
    (status, finishedAt, reason) = (.running, nil, "")
    let again = tasks.indices.filter { ordinal in
      switch tasks[ordinal].status {
      case .skipped, .cancelled: true
      case .failed:
        dependents[ordinal].isEmpty || dependents[ordinal].contains { tasks[$0].status == .skipped }
      default: false
      }
    }
    for ordinal in again {
      tasks[ordinal].finishedAt = nil
      tasks[ordinal].error = ""
      finishedCount -= 1
      for dependent in dependents[ordinal] { openDependencies[dependent] += 1 }
    }
    for ordinal in again {
      tasks[ordinal].status = openDependencies[ordinal] == 0 ? .ready : .pending
    }
  }

  private func applyToTask(_ event: BatonV1.PlanEvent, _ kind: EventKind, _ task: inout Line) {
    switch kind {
    case .taskDispatched, .taskRedelivered, .taskResumed:
      if event.attempt != task.attempt { (task.words, task.note, task.outputTokens) = ("", "", 0) }
      task.status = .dispatched
      task.attempt = event.attempt
      task.adapter = event.adapter
      task.subPlanID = event.subPlanId
      task.startedAt = task.startedAt ?? event.timeMs
      task.retryAt = nil
    case .taskExpanded:
      task.status = .running
      task.startedAt = task.startedAt ?? event.timeMs
      // After a RetryPlan those that succeeded stay.
      (task.itemCount, task.endedItems) = (event.itemCount, task.succeededItems)
    case .taskRunning:
      task.status = .running
    case .taskWaitingInput:
      task.status = .waitingInput
      task.attempt = event.attempt
      task.startedAt = task.startedAt ?? event.timeMs
    case .taskSucceeded:
      task.status = .succeeded
      task.finishedAt = event.timeMs
      task.error = ""
    case .taskFailed:
      task.status = .failed
      task.finishedAt = event.timeMs
      task.error = TaskWords.error(event.code, event.message)
    case .taskRetryScheduled:
      task.status = .waitingRetry
      task.retryAt = event.timeMs + event.delayMs
      task.error = TaskWords.error(event.code, event.message)
    case .taskCancelled:
      task.status = .cancelled
      task.finishedAt = event.timeMs
    case .taskSkipped:
      task.status = .skipped
      task.finishedAt = event.timeMs
      task.error = TaskWords.error("", event.message)
    default:
      break
    }
  }

  /// Being ready is no event: it follows from the tasks it waited for.
  private mutating func freeDependents(of ordinal: Int) {
    finishedCount += 1
    for dependent in dependents[ordinal] {
      openDependencies[dependent] -= 1
      if openDependencies[dependent] == 0, tasks[dependent].status == .pending {
        tasks[dependent].status = .ready
      }
    }
  }

  /// Ids of the tasks that `task` still waits for.
  func open(_ task: Line) -> [String] {
    task.dependsOn.filter { id in ordinals[id].map { !tasks[$0].status.isFinal } ?? false }
  }

  /// Less is for logs, not for people who watch.
  private static let notedSeverities: Set<String> = ["warning", "error"]

  mutating func apply(_ progress: BatonV1.TaskProgress) {
    guard let ordinal = ordinals[progress.taskId], progress.attempt >= tasks[ordinal].attempt
    else { return }
    if let usage = progress.usage { tasks[ordinal].outputTokens = usage.outputTokens }
    switch progress.body {
    case .chunk(let chunk): tasks[ordinal].hear(chunk.text)
    case .message(let message):
      let speaker = message.agent.isEmpty ? message.role : message.agent
      tasks[ordinal].words = ""
      tasks[ordinal].hear("\(speaker): \(message.content)")
    case .log(let line) where Self.notedSeverities.contains(line.severity):
      tasks[ordinal].note = TerminalText.clean(line.text)
    case .log: break
    case nil: break
    }
  }
}

extension PlanView.Line {
  /// Keeps the end of what was said.
  mutating func hear(_ text: String) {
    words = String((words + TerminalText.clean(text)).suffix(Self.keptCharacters))
  }

  /// More than any terminal is wide.
  private static let keptCharacters = 400
}

/// Words that several views share.
enum TaskWords {
  /// `find`, or `find[3]` for an instance.
  static func name(_ task: BatonV1.TaskState) -> String {
    guard case .index(let index)? = task.instanceIndex else { return task.id }
    return "\(task.id)[\(index)]"
  }

  static func error(_ code: String, _ message: String) -> String {
    if message.isEmpty { return code }
    return code.isEmpty ? message : "\(code): \(message)"
  }
}
