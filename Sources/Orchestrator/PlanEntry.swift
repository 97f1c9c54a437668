internal import Engine
internal import HeapModule
internal import Plan

/// A plan in memory: its machine and what only the runner knows.
final class PlanEntry {
  var machine: PlanMachine
  /// Hand-outs of tasks that are out, by ordinal.
  var sends: [Int: Send] = [:]
  /// What runs said of their usage and what is not written yet, by ordinal.
  var unwrittenUsage: [Int: (lease: TaskLease, usage: Usage)] = [:]
  /// Outputs that other tasks read; the others stay in the store.
  var outputs: [Int: [UInt8]] = [:]
  /// What mapped tasks run over, by ordinal; for as long as they do.
  var items: [Int: MapItems] = [:]
  /// What attempts have asked and were told, by ordinal; the others stay in the store.
  var dialogs: [Int: TaskDialog] = [:]
  /// Conditions and lists that are to be evaluated, in the order in which they were asked for.
  var questions: [Int] = []
  var isAnswering = false
  /// Committed events, the newest last.
  var events: [TraceEvent] = []
  /// `seq` of the last committed event and the revision of the last commit.
  var committedSeq: Int64
  var watchers: [UInt64: Watcher] = [:]
  var progress: [ProgressNote] = []
  /// Number of the first note in `progress`.
  var progressStart: Int64 = 0
  /// Nobody has asked for progress that comes after this time.
  var progressWantedUntil: Int64 = .min
  var timers = Heap<PlanTimer>()
  /// When the shard looks at `timers` next.
  var armedDueAt: Int64?
  /// As the last decision said.
  var wantsPlaces = false
  /// In the shard's list of plans to be tried.
  var wantsTurn = false
  /// Where it stands in the shard's line of plans that wait for places.
  var placeInLine: WaitingLine.Mark?

  init(machine: PlanMachine) {
    self.machine = machine
    committedSeq = machine.plan.lastSeq
  }

  var id: PlanID { machine.id }

  /// The plan's end is committed.
  var hasEnded: Bool {
    machine.plan.finishedAt != nil && machine.plan.lastSeq <= committedSeq
  }

  /// The lease of a task that is out.
  func lease(_ ordinal: Int) -> TaskLease {
    TaskLease(
      ordinal: ordinal, attempt: machine.rows[ordinal].attempt,
      token: machine.rows[ordinal].token)
  }

  func run(_ ordinal: Int) -> RunName {
    let key = IdempotencyKey(
      planID: id, taskID: machine.compiled.plan.tasks[home(ordinal)].id,
      index: index(of: ordinal) ?? 0)
    return RunName(
      key: key, attempt: machine.rows[ordinal].attempt, token: machine.rows[ordinal].token)
  }

  // What the machine could answer itself; but a call into another module copies all of it.

  /// The plan's task that an ordinal belongs to: itself, or the one that an instance is of.
  func home(_ ordinal: Int) -> Int {
    let count = machine.compiled.taskCount
    return ordinal < count ? ordinal : machine.instances[ordinal - count].task
  }

  /// Nil for tasks of the plan itself.
  func index(of ordinal: Int) -> Int32? {
    let count = machine.compiled.taskCount
    return ordinal < count ? nil : machine.instances[ordinal - count].index
  }

  /// Ordinals of a mapped task's instances; nil before they are known.
  func items(of task: Int) -> Range<Int>? { machine.rows[task].items }

  func schema(of ordinal: Int) -> OutputSchema? {
    let compiled = machine.compiled
    return compiled.schemas.isEmpty ? nil : compiled.schemas[home(ordinal)]
  }

  /// What an adapter's key names; nil where there is no such task, or no such instance.
  func ordinal(of key: IdempotencyKey) -> Int? {
    let compiled = machine.compiled
    guard compiled.maps.isEmpty else { return machine.ordinal(of: key) }
    return key.index == 0 ? compiled.ordinals[key.taskID] : nil
  }

  /// The sub-plan of a task's current attempt; nil where it has none.
  func subPlan(of ordinal: Int) -> PlanID? { machine.rows[ordinal].subPlan }

  /// Whether the task's sub-plan is under way under `lease`.
  func isDelegated(_ lease: TaskLease) -> Bool {
    !machine.plan.status.isFinal && machine.rows[lease.ordinal].status == .delegated
      && self.lease(lease.ordinal) == lease
  }

  /// Whether `lease` is what the task is out under.
  func isOut(_ lease: TaskLease) -> Bool {
    machine.rows[lease.ordinal].status.isOut && self.lease(lease.ordinal) == lease
  }
}

/// A timer of a task; the machine says whether it still counts.
struct PlanTimer: Comparable {
  var dueAt: Int64
  var ordinal: Int
  var generation: UInt32

  static func < (left: PlanTimer, right: PlanTimer) -> Bool {
    (left.dueAt, left.ordinal, left.generation) < (right.dueAt, right.ordinal, right.generation)
  }
}

/// Where the sending of one hand-out stands.
struct Send {
  enum Phase: Equatable {
    /// Committed; its hint is under way.
    case queued
    /// Its instance is not there now.
    case waitingForSession
    case calling
    /// Between two tries.
    case backingOff
    case answered
  }

  let lease: TaskLease
  let instance: String
  /// Tells this sending from one of the same lease before a reload.
  let number: UInt64
  var phase = Phase.queued
  /// An earlier call may have arrived: no answer but the adapter's own says that it did not (P1).
  var mayHaveArrived = false
  var failures = 0
  /// When the run last said something.
  var lastSignAt: Int64 = 0
  /// When its usage was last written.
  var usageWrittenAt: Int64?
  /// GetTaskResult is open or about to be sent again.
  var isPolling = false
}
