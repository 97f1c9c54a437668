import Engine
import Plan

@testable import Orchestrator

/// The network from one orchestrator process to the adapters.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class SimulatedPort: AdapterPort, @unchecked Sendable {
  private unowned let world: World
  weak var process: OrchestratorProcess?
  /// Counts connections: a call of an earlier one ends unanswered.
  private var connections: [String: Int] = [:]
  private var connectionCount = 0
  private static let timeout: Int64 = 2_000

  init(_ world: World) { self.world = world }

  func connect(instance: String, address: String) {
    guard connections[instance] == nil else { return }
    connectionCount += 1
    connections[instance] = connectionCount
  }

  func disconnect(instance: String) { connections[instance] = nil }

  private func adapter(_ instance: String) -> SimulatedAdapter? {
    guard connections[instance] != nil else { return nil }
    return world.adapters.first { $0.instance == instance }
  }

  /// Ends one call, the first time it is told to; a process that has died hears nothing.
  private func once<Reply>(
    _ completion: @escaping @Sendable (Reply) -> Void, _ heard: @escaping (Reply) -> Void
  ) -> (Reply) -> Bool {
    var isOver = false
    return { [weak process] reply in
      guard !isOver, process?.isAlive == true else { return false }
      isOver = true
      heard(reply)
      completion(reply)
      return true
    }
  }

  // MARK: Hand-outs

  func dispatch(
    _ handOut: HandOut, to instance: String,
    completion: @escaping @Sendable (HandOutReply) -> Void
  ) {
    guard let process, process.isAlive else { return }
    var handOut = handOut
    if world.mutates(.tokenInvented) { handOut.run.token += 1 }
    if world.mutates(.payloadTorn) { handOut.payload.removeLast() }
    if world.mutates(.feedbackLost) { handOut.feedback = "" }
    if world.mutates(.timeOverspent) { handOut.timeoutMilliseconds += 60_000 }
    if world.strikes(.crashWhileSending) {
      process.die("before a hand-out was sent")
      return
    }
    check(handOut, instance)
    let run = handOut.run
    let reply = once(completion) { [world] (reply: HandOutReply) in
      world.heard(reply, to: run)
    }
    world.note(
      "  hand-out \(run.key.taskID) \(run.attempt)/\(run.token) to \(instance)", Int(run.token),
      instance.utf8.count)
    guard let adapter = adapter(instance), adapter.isUp else {
      world.after(world.hop()) { _ = reply(.unreachable("nobody listens")) }
      return
    }
    world.deadline(Self.timeout) { [world, weak process] in
      if process?.isAlive == true, world.mutates(.noAnswerTakenForLoss) {
        completion(.lost(code: "RUN_LOST", message: "a mutant"))
      }
      return reply(.unanswered("no answer in time"))
    }
    if !world.strikes(.handOutLost) { arrive(handOut, adapter, world.strikes(.handOutLate), reply) }
    if world.strikes(.handOutRepeated) { arrive(handOut, adapter, true) { _ in false } }
  }

  private func arrive(
    _ handOut: HandOut, _ adapter: SimulatedAdapter, _ isLate: Bool,
    _ reply: @escaping (HandOutReply) -> Bool
  ) {
    world.after(isLate ? world.late() : world.hop()) { [world] in
      adapter.receive {
        let answer = adapter.dispatch(handOut)
        guard !world.strikes(.handOutAnswerLost) else { return }
        let delay = world.strikes(.handOutAnswerLate) ? world.late() : world.hop()
        world.after(delay) { _ = reply(answer) }
      }
    }
  }

  /// Recorded before sent (S3); the same token is the same record, to the byte, at the same instance (P1).
  private func check(_ handOut: HandOut, _ instance: String) {
    let run = handOut.run
    guard let plan = world.ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID),
      let record = plan.handOuts[ordinal][run.token]
    else {
      world.violate(.recorded, "a hand-out of \(run.key) was sent and never committed")
      return
    }
    world.require(
      record.attempt == run.attempt && record.delivery == handOut.delivery
        && record.instance == instance,
      .recorded, "token \(run.token) of \(run.key) was sent to \(instance) as \(run.attempt)")
    world.require(
      !plan.blueprint.isApproval(ordinal), .decisions, "approval \(run.key) is sent to an adapter")
    world.require(
      handOut.feedback == record.feedback, .schemas,
      "\(run.key) \(run.attempt) hears \"\(handOut.feedback)\", not \"\(record.feedback)\"")
    checkTime(handOut, plan)
    guard let first = record.payload else {
      plan.setPayload(ordinal, run.token, handOut.payload)
      world.require(
        handOut.payload == world.scripts.payload(plan, ordinal), .payload,
        "task \(ordinal) got \(String(decoding: handOut.payload, as: UTF8.self))")
      return
    }
    world.require(first == handOut.payload, .payload, "task \(ordinal) got another payload")
  }

  /// A run gets no more time than its plan has left.
  private func checkTime(_ handOut: HandOut, _ plan: LedgerPlan) {
    // An update of this turn may count already.
    guard let due = plan.row.deadlineAt, plan.askedAt != world.now, let process,
      !plan.isNews(to: process)
    else { return }
    let rest = max(1, due - process.clock.milliseconds())
    world.require(
      handOut.timeoutMilliseconds <= rest, .deadlines,
      "\(handOut.run.key) gets \(handOut.timeoutMilliseconds) ms, its plan has \(rest)")
  }

  // MARK: Polls and cancels

  func poll(
    _ run: RunName, handle: String, waitMilliseconds: Int64, at instance: String,
    completion: @escaping @Sendable (PollReply) -> Void
  ) {
    guard let process, process.isAlive else { return }
    let reply = once(completion) { [world] (reply: PollReply) in
      if reply == .notFound { world.giveUp(run) }
    }
    guard let adapter = adapter(instance), adapter.isUp else {
      world.after(world.hop()) { _ = reply(.unanswered("nobody listens")) }
      return
    }
    world.deadline(waitMilliseconds + Self.timeout) { reply(.unanswered("no answer in time")) }
    guard !world.strikes(.pollLost) else { return }
    world.after(world.hop()) { [world] in
      adapter.receive {
        adapter.poll(run, waitMilliseconds) { answer in
          guard !world.strikes(.pollAnswerLost) else { return }
          let delay = world.strikes(.pollAnswerLate) ? world.late() : world.hop()
          world.after(delay) { _ = reply(answer) }
        }
      }
    }
  }

  func takeBack(
    _ run: RunName, reason: String, at instance: String, completion: @escaping @Sendable () -> Void
  ) {
    guard let process, process.isAlive else { return }
    guard let adapter = adapter(instance), !world.strikes(.cancelLost) else {
      world.after(world.hop()) { completion() }
      return
    }
    world.after(world.hop()) {
      adapter.receive { adapter.takeBack(run) }
      completion()
    }
  }

  func cancel(_ run: RunName, reason: String, at instance: String) {
    guard let process, process.isAlive else { return }
    let plan = world.ledger[run.key.planID]
    let ordinal = plan?.ordinal(run.key.taskID) ?? 0
    world.require(
      plan?.isOver(ordinal, attempt: run.attempt) != false, .cancels,
      "\(run.key) \(run.attempt) is cancelled and is not over")
    guard let adapter = adapter(instance), !world.strikes(.cancelLost) else { return }
    world.after(world.strikes(.cancelLate) ? world.late() : world.hop()) {
      guard adapter.isUp else { return }
      adapter.receive { adapter.cancel(run) }
    }
  }
}

extension World {
  /// An answer to a hand-out has reached a process.
  func heard(_ reply: HandOutReply, to run: RunName) {
    guard let plan = ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID) else {
      return
    }
    let token = LedgerPlan.TaskToken(ordinal: ordinal, token: run.token)
    switch reply {
    case .accepted(_, let epoch, let answered):
      plan.answers[token, default: []].append((epoch, answered))
    case .busy, .unreachable, .lost: plan.causes.insert(token)
    case .rejected, .unanswered: break
    }
  }

  /// An adapter has said that there is no such run.
  func giveUp(_ run: RunName) {
    guard let plan = ledger[run.key.planID], let ordinal = plan.ordinal(run.key.taskID) else {
      return
    }
    plan.causes.insert(LedgerPlan.TaskToken(ordinal: ordinal, token: run.token))
  }

  /// A list has reached a process: what it leaves out, and was answered before, is lost (P3, P4).
  func heard(_ list: RunList, from instance: String) {
    let listed = Set(list.runs.map { RunReference(key: $0.key, attempt: $0.attempt) })
    for plan in ledger.order where plan.row.finishedAt == nil {
      for task in plan.tasks where task.status.isOut && task.instance == instance {
        let key = IdempotencyKey(
          planID: plan.id, taskID: plan.blueprint.plan.tasks[task.ordinal].id)
        guard !listed.contains(RunReference(key: key, attempt: task.attempt)) else { continue }
        let token = LedgerPlan.TaskToken(ordinal: task.ordinal, token: task.token)
        let isFresh = plan.answers[token]?.contains { epoch, answered in
          list.epoch > epoch || (list.epoch == epoch && list.answered >= answered)
        }
        if isFresh == true { plan.causes.insert(token) }
      }
    }
  }
}
