import Engine
import JSON
import NIOConcurrencyHelpers
import Plan
import Queue
import Store
import Testing

@testable import Orchestrator

/// A clock that the test moves.
final class ManualClock: EngineClock {
  private let now = NIOLockedValueBox<Int64>(1_000_000)

  func milliseconds() -> Int64 { now.withLockedValue { $0 } }
  func advance(_ milliseconds: Int64) { now.withLockedValue { $0 += milliseconds } }
}

/// Keeps what adapters are asked, for the test to answer.
final class RecordingPort: AdapterPort {
  struct Call: Sendable {
    var handOut: HandOut
    var instance: String
    var reply: @Sendable (HandOutReply) -> Void
  }

  struct Poll: Sendable {
    var run: RunName
    var instance: String
    var reply: @Sendable (PollReply) -> Void
  }

  private struct State {
    var calls: [Call] = []
    var polls: [Poll] = []
    var cancelled: [RunName] = []
    var takenBack: [(run: RunName, reply: @Sendable () -> Void)] = []
    var connected: [String: String] = [:]
  }

  private let state = NIOLockedValueBox(State())

  func connect(instance: String, address: String) {
    state.withLockedValue { $0.connected[instance] = address }
  }

  func disconnect(instance: String) {
    state.withLockedValue { _ = $0.connected.removeValue(forKey: instance) }
  }

  func dispatch(
    _ handOut: HandOut, to instance: String, completion: @escaping @Sendable (HandOutReply) -> Void
  ) {
    state.withLockedValue {
      $0.calls.append(Call(handOut: handOut, instance: instance, reply: completion))
    }
  }

  func poll(
    _ run: RunName, handle: String, waitMilliseconds: Int64, at instance: String,
    completion: @escaping @Sendable (PollReply) -> Void
  ) {
    state.withLockedValue { $0.polls.append(Poll(run: run, instance: instance, reply: completion)) }
  }

  func cancel(_ run: RunName, reason: String, at instance: String) {
    state.withLockedValue { $0.cancelled.append(run) }
  }

  func takeBack(
    _ run: RunName, reason: String, at instance: String, completion: @escaping @Sendable () -> Void
  ) {
    state.withLockedValue { $0.takenBack.append((run, completion)) }
  }

  func takeTakenBack() -> [(run: RunName, reply: @Sendable () -> Void)] {
    state.withLockedValue { exchange(&$0.takenBack) }
  }

  /// The calls since the last time they were taken.
  func takeCalls() -> [Call] { state.withLockedValue { exchange(&$0.calls) } }
  func takePolls() -> [Poll] { state.withLockedValue { exchange(&$0.polls) } }
  func takeCancelled() -> [RunName] { state.withLockedValue { exchange(&$0.cancelled) } }

  private func exchange<T>(_ list: inout [T]) -> [T] {
    defer { list = [] }
    return list
  }
}

/// A memory store whose commits can be made to fail.
final class FlakyStore: PlanStore {
  enum Fault: Sendable {
    case none
    /// Nothing is written.
    case before
    /// Everything is written, but the caller is not told.
    case after
  }

  let base = MemoryStore()
  private let faults = NIOLockedValueBox<[Fault]>([])
  private let commits = NIOLockedValueBox(0)

  var name: String { base.name }
  var isDurable: Bool { base.isDurable }
  var commitCount: Int { commits.withLockedValue { $0 } }

  private let isFailing = NIOLockedValueBox(false)

  /// Every commit fails until it is told otherwise.
  func fail(_ fails: Bool) { isFailing.withLockedValue { $0 = fails } }

  /// The next commits go this way.
  func plan(_ next: Fault...) { plan(faults: next) }

  func plan(faults next: [Fault]) { faults.withLockedValue { $0 = next } }

  func commit(_ group: [PlanChange]) throws(StoreError) {
    commits.withLockedValue { $0 += 1 }
    if isFailing.withLockedValue({ $0 }) { throw StoreError(.unavailable, "the disk is away") }
    switch faults.withLockedValue({ $0.isEmpty ? .none : $0.removeFirst() }) {
    case .none: try base.commit(group)
    case .before: throw StoreError(.unavailable, "the disk is away")
    case .after:
      try base.commit(group)
      throw StoreError(.outcomeUnknown, "the disk did not answer")
    }
  }

  func load(_ id: PlanID) throws(StoreError) -> StoredPlan? { try base.load(id) }
  func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch? {
    try base.find(namespace: namespace, requestKey: requestKey)
  }
  func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID] {
    try base.unfinished(after: id, limit: limit)
  }
  func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput] {
    try base.outputs(id, ordinals: ordinals)
  }
  func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog] {
    try base.dialogs(id, ordinals: ordinals)
  }
  func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent] {
    try base.events(id, from: seq, maxCount: maxCount, maxBytes: maxBytes)
  }
  func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending? {
    try base.spending(namespace: namespace, periodStart: periodStart)
  }
  func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary] {
    try base.list(filter, before: before, limit: limit)
  }
  func close() { base.close() }
}

/// A shard turned by hand, with everything around it in the test's hands.
final class Bench {
  let clock: ManualClock
  let store: FlakyStore
  let port = RecordingPort()
  let options: OrchestratorOptions
  private let inbox: Inbox
  private(set) var shard: Shard

  private final class Inbox: Sendable {
    let work = NIOLockedValueBox<[Shard.Work]>([])
    let dropsHints = NIOLockedValueBox(false)
  }

  init(
    store: FlakyStore = FlakyStore(), clock: ManualClock = ManualClock(),
    configure: (inout OrchestratorOptions) -> Void = { _ in }
  ) throws {
    var options = OrchestratorOptions(seed: 7)
    options.routes = AdapterPool.Routes(fallback: ["mock"])
    configure(&options)
    let inbox = Inbox()
    let queue = MemoryQueue()
    let post: @Sendable (@escaping Shard.Work) -> Void = { work in
      inbox.work.withLockedValue { $0.append(work) }
    }
    try queue.subscribe { hints in
      guard !inbox.dropsHints.withLockedValue({ $0 }) else { return }
      post { $0.take(hints) }
    }
    self.inbox = inbox
    self.store = store
    self.clock = clock
    self.options = options
    shard = Shard(
      store: store, queue: queue, port: port, clock: clock, options: options,
      onProblem: { _ in }, post: post)
  }

  /// The queue loses everything.
  var dropsHints: Bool {
    get { inbox.dropsHints.withLockedValue { $0 } }
    set { inbox.dropsHints.withLockedValue { $0 = newValue } }
  }

  /// Turns until nothing is left to do now.
  func settle() {
    repeat {
      shard.turn(
        inbox.work.withLockedValue { work in
          defer { work = [] }
          return work
        })
    } while inbox.work.withLockedValue({ !$0.isEmpty })
  }

  func advance(_ milliseconds: Int64) {
    clock.advance(milliseconds)
    settle()
  }

  /// Turns with one piece of work and gives back what it answered, if it has.
  func ask<T>(_ body: (Shard, @escaping (T) -> Void) -> Void) -> T? {
    var answer: T?
    body(shard) { answer = $0 }
    settle()
    return answer
  }

  // MARK: Steps

  /// Submits tasks written as "b<a" (b depends on a), all of type mock.
  @discardableResult
  func submit(
    _ tasks: [String], number: UInt64 = 1, key: String? = nil, digest: UInt8 = 0,
    namespace: String = "default", edit: (inout Plan) -> Void = { _ in }
  ) throws -> Result<SubmitAnswer, OrchestratorError>? {
    var submission = try submission(tasks, number: number, key: key, digest: digest, edit: edit)
    submission.creation.namespace = namespace
    return ask { shard, reply in shard.submit(submission, reply) }
  }

  /// A submission that is not made yet.
  func submission(
    _ tasks: [String], number: UInt64, key: String?, digest: UInt8,
    edit: (inout Plan) -> Void = { _ in }
  ) throws -> Shard.Submission {
    var plan = Plan()
    for text in tasks {
      let parts = text.split(separator: "<")
      var task = PlanTask()
      task.id = String(parts[0])
      task.type = "mock"
      task.dependsOn = parts.count > 1 ? parts[1].split(separator: "+").map(String.init) : []
      plan.tasks.append(task)
    }
    edit(&plan)
    let compiled = try CompiledPlan(plan, defaults: options.defaults, limits: options.limits)
    let creation = PlanCreation(
      namespace: "default", requestKey: key,
      requestDigest: try #require(Digest([UInt8](repeating: digest, count: 32))), plan: plan,
      defaults: compiled.defaults)
    return Shard.Submission(
      planID: Self.planID(number), compiled: compiled, creation: creation)
  }

  static func planID(_ number: UInt64) -> PlanID { PlanID(high: 0x7000, low: number) }

  @discardableResult
  func register(
    _ instance: String = "mock-1", adapter: String = "mock", places: Int = 100,
    isPolled: Bool = false, runs: [RunList.Run] = [], epoch: String = "e1", answered: Int64 = 0,
    session: String = "s1"
  ) -> Shard.ListReply? {
    ask { shard, reply in
      reply(
        shard.register(
          Registration(
            adapter: adapter, instance: instance, address: "127.0.0.1:1",
            taskTypes: ["mock"], maxConcurrency: places, isPolled: isPolled),
          RunList(runs: runs, epoch: epoch, answered: answered), sessionID: session))
    }
  }

  func heartbeat(
    session: String = "s1", runs: [RunList.Run] = [], epoch: String = "e1", answered: Int64 = 0
  ) throws -> Shard.ListReply {
    let list = RunList(runs: runs, epoch: epoch, answered: answered)
    let reply = try shard.heartbeat(sessionID: session, list, lastError: "")
    settle()
    return reply
  }

  /// Accepts a hand-out as the adapter's process `epoch` would.
  func accept(_ call: RecordingPort.Call, epoch: String = "e1", answered: Int64 = 1) {
    call.reply(.accepted(handle: "h", epoch: epoch, answered: answered))
    settle()
  }

  func report(
    _ run: RunName, output: String = #"{"text":"ok"}"#, error: TaskError? = nil,
    asks: Bool = false
  ) -> Result<Decision.Answer, OrchestratorError>? {
    let outcome: Outcome = asks ? .waitingInput : error == nil ? .succeeded : .failed
    let result = AdapterResult(outcome: outcome, output: Array(output.utf8), error: error)
    let intake = ResultIntake(result, limits: options.limits)
    return ask { shard, reply in
      shard.report(run.key, run.attempt, run.token, intake, reply)
    }
  }

  // MARK: Looking

  /// Task states as "a:succeeded b:ready".
  func states(_ number: UInt64 = 1) throws -> String {
    let snapshot = try read(number)
    return snapshot.tasks.map {
      "\(snapshot.creation.plan.tasks[$0.row.ordinal].id):\($0.status.rawValue)"
    }.joined(separator: " ")
  }

  func read(_ number: UInt64 = 1) throws -> PlanSnapshot {
    let answer: Result<PlanSnapshot, OrchestratorError>? = ask { shard, reply in
      shard.read(Self.planID(number), from: 0, count: 500, withOutputs: true, reply)
    }
    guard let answer else { throw OrchestratorError(.stopping, "no answer") }
    return try answer.get()
  }

  /// Kinds of the committed events.
  func kinds(_ number: UInt64 = 1) throws -> [EventKind] {
    try store.events(Self.planID(number), from: 1, maxCount: 10_000, maxBytes: .max).map(\.kind)
  }
}

/// Answers that may come from any thread.
final class Answers<Value: Sendable>: Sendable {
  private let values = NIOLockedValueBox<[Value]>([])

  var all: [Value] { values.withLockedValue { $0 } }

  func add(_ result: Result<Value, OrchestratorError>) {
    if case .success(let value) = result { values.withLockedValue { $0.append(value) } }
  }
}
