import Engine
import Plan

@testable import Orchestrator

/// The network to the orchestrator: every call may be lost, late, repeated, or its answer be lost. Here
/// alone the orchestrator's own functions are named.
extension World {
  private static let timeout: Int64 = 2_000

  /// What may happen to a call.
  struct Perils {
    var lost: Fault
    var answerLost: Fault
    var late: Fault?
    var answerLate: Fault?
    var reachesRivals = true

    static let caller = Perils(
      lost: .callLost, answerLost: .callAnswerLost, reachesRivals: false)
    static let report = Perils(
      lost: .reportLost, answerLost: .reportAnswerLost, late: .reportLate,
      answerLate: .reportAnswerLate)
    static let heartbeat = Perils(
      lost: .heartbeatLost, answerLost: .heartbeatAnswerLost, late: .heartbeatLate,
      answerLate: .heartbeatAnswerLate)
  }

  typealias Body<Reply> = (OrchestratorProcess, Shard, @escaping (Reply) -> Void) -> Void

  /// Calls the orchestrator; `heard` is told once, nil where there is no answer.
  func call<Reply>(
    _ perils: Perils, mayWait: Bool = false, _ body: @escaping Body<Reply>,
    _ heard: @escaping (Reply?) -> Void
  ) {
    var isOver = false
    let end = { (reply: Reply?) -> Bool in
      guard !isOver else { return false }
      isOver = true
      heard(reply)
      return true
    }
    if !mayWait { deadline(Self.timeout) { end(nil) } }
    if strikes(perils.lost) {
      if mayWait { after(Self.timeout) { _ = end(nil) } }
      return
    }
    after(perils.late.map(strikes) == true ? late() : hop()) { [unowned self] in
      guard let process = perils.reachesRivals ? answering : self.process else {
        after(hop()) { _ = end(nil) }
        return
      }
      let number = process.opened { [unowned self] in after(hop()) { _ = end(nil) } }
      process.post { [unowned self] shard in
        body(process, shard) { [unowned self] reply in
          guard process.answered(number) else { return }
          if strikes(perils.answerLost) {
            if mayWait { after(Self.timeout) { _ = end(nil) } }
            return
          }
          let delay = perils.answerLate.map(strikes) == true ? late() : hop()
          after(delay) { _ = end(reply) }
        }
      }
    }
  }

  // MARK: Adapters

  enum ReportAnswer { case settled, refused, again }

  func report(
    _ run: RunName, _ given: GivenResult, from adapter: SimulatedAdapter,
    _ heard: @escaping (ReportAnswer) -> Void
  ) {
    if let ordinal = adapter.ordinal(run.key) {
      scripts.give(given, run, ordinal)
    }
    if setup.mutant == .resultsSwallowed { return }
    let body: Body<Result<Decision.Answer, OrchestratorError>> = {
      [unowned self] process, shard, reply in
      if mutates(.acknowledgedEarly) { check(.success(.done), run, given.digest, process) }
      if mutates(.goodResultRefused) {
        check(.success(.refused(.staleLease)), run, given.digest, process)
      }
      shard.report(run.key, run.attempt, run.token, given.intake) { [unowned self] result in
        check(result, run, given.digest, process)
        reply(result)
      }
    }
    call(.report, body) { result in
      switch result {
      case .success(.done), .success(.alreadyRecorded), .success(.refused(.alreadyTerminal)):
        heard(.settled)
      case nil: heard(.again)
      case .failure(let error) where error.code == .storeUnavailable || error.code == .stopping:
        heard(.again)
      case .success, .failure: heard(.refused)
      }
    }
    guard strikes(.reportRepeated) else { return }
    after(hop() * 8) { [unowned self] in call(.report, body) { _ in } }
  }

  /// That a run began or goes on; nobody minds if it is lost.
  func progress(_ run: RunName) {
    guard !strikes(.reportLost) else { return }
    after(strikes(.reportLate) ? late() : hop()) { [unowned self] in
      guard let process = answering else { return }
      process.post { [unowned self] shard in
        let isRepeated = process.heardSign(of: run)
        if isRepeated, mutates(.signUnheard) { return }
        shard.progress(run, started: true, nil)
      }
    }
  }

  func register(
    _ registration: Registration, _ list: RunList, from adapter: SimulatedAdapter,
    _ heard: @escaping (Shard.ListReply?) -> Void
  ) {
    sessionCount += 1
    let id = "s\(sessionCount)"
    call(.heartbeat) { [unowned self] process, shard, reply in
      self.heard(list, from: adapter.instance)
      process.heard(adapter.instance)
      let answer = fenced(
        shard.register(falsified(registration), list, sessionID: id), process)
      shard.afterCommit { [unowned self] result in
        guard case .success = result else { return reply(nil) }
        check(falsified(answer, list), process)
        reply(answer)
      }
    } _: { (reply: Shard.ListReply??) in
      heard(reply ?? nil)
    }
  }

  enum HeartbeatAnswer {
    case reply(Shard.ListReply)
    case unknownSession
    case noAnswer
  }

  func heartbeat(
    _ session: String, _ list: RunList, from adapter: SimulatedAdapter,
    _ heard: @escaping (HeartbeatAnswer) -> Void
  ) {
    call(.heartbeat) { [unowned self] process, shard, reply in
      self.heard(list, from: adapter.instance)
      do throws(OrchestratorError) {
        let answer = fenced(
          try shard.heartbeat(sessionID: session, falsified(list), lastError: ""), process)
        process.heard(adapter.instance)
        shard.afterCommit { [unowned self] result in
          guard case .success = result else { return reply(.noAnswer) }
          check(falsified(answer, list), process)
          reply(.reply(answer))
        }
      } catch { reply(.unknownSession) }
    } _: { (reply: HeartbeatAnswer?) in
      heard(reply ?? .noAnswer)
    }
  }

  func deregister(_ session: String, handsBack: Bool, from adapter: SimulatedAdapter) {
    call(.heartbeat) { process, shard, reply in
      do throws(OrchestratorError) {
        if handsBack { process.gaveBack(adapter.instance, session, shard) }
        _ = try shard.deregister(sessionID: session, handsBack: handsBack)
        shard.afterCommit { _ in reply(true) }
      } catch { reply(false) }
    } _: { (_: Bool?) in
    }
  }

  // MARK: Callers

  func submit(
    _ blueprint: Blueprint, id: PlanID, key: String?, digest: Digest,
    _ heard: @escaping (Result<SubmitAnswer, OrchestratorError>?) -> Void
  ) {
    scripts.add(blueprint, as: id)
    let submission = Shard.Submission(
      planID: id, compiled: blueprint.compiled,
      creation: PlanCreation(
        namespace: "default", requestKey: key, requestDigest: digest, plan: blueprint.plan,
        defaults: blueprint.compiled.defaults))
    call(.caller) { [unowned self] process, shard, reply in
      shard.submit(falsified(submission, blueprint)) { [unowned self] answer in
        check(answer, submission, process)
        reply(answer)
      }
    } _: {
      heard($0)
    }
  }

  func steer(
    _ id: PlanID, _ verb: Verb,
    _ heard: @escaping (Result<PlanSnapshot, OrchestratorError>?) -> Void
  ) {
    call(.caller) { [unowned self] process, shard, reply in
      ledger[id]?.asked(verb)
      if verb.name == "pause", mutates(.pauseAnsweredEarly) { ledger[id]?.answered(.paused) }
      verb.ask(self, shard, id) { [unowned self] answer in
        check(answer, of: id, verb, process)
        reply(answer)
      }
    } _: {
      heard($0)
    }
  }

  /// Settles a task that waits for input.
  func complete(
    _ id: PlanID, _ ordinal: Int, _ decision: TaskDecision,
    _ heard: @escaping (Result<CompletionAnswer, OrchestratorError>?) -> Void
  ) {
    let intake: CompletionIntake
    do throws(PlanProblems) {
      intake = try CompletionIntake(decision, limits: options.limits)
    } catch { return violate(.verdicts, "a decision is not taken: \(error)") }
    scripts.give(
      Scripts.Giving(
        attempt: nil, token: nil, digest: intake.completion.digest, output: intake.output ?? [],
        usage: Usage()), id, ordinal)
    call(.caller) { [unowned self] process, shard, reply in
      if mutates(.decisionRefused) {
        let error = OrchestratorError(.notWaiting, "a mutant")
        check(.failure(error), of: id, ordinal, intake.completion.digest, process)
      }
      shard.complete(id, task: "t\(ordinal)", attempt: 0, intake) { [unowned self] answer in
        check(answer, of: id, ordinal, intake.completion.digest, process)
        reply(answer)
      }
    } _: {
      heard($0)
    }
  }

  func read(_ id: PlanID) {
    call(.caller) { [unowned self] process, shard, reply in
      let revision = ledger[id]?.row.revision ?? 0
      shard.read(id, from: 0, count: 500, withOutputs: true) { [unowned self] answer in
        check(answer, of: id, since: revision, process)
        reply(true)
      }
    } _: { (_: Bool?) in
    }
  }

  func watch(
    _ id: PlanID, _ cursor: WatchCursor, cancelAfter: Int64?,
    _ heard: @escaping (Result<WatchBatch, OrchestratorError>?) -> Void
  ) {
    call(.caller, mayWait: true) { [unowned self] process, shard, reply in
      let number = shard.watch(id, cursor) { [unowned self] answer in
        check(falsified(answer), of: id, from: cursor, process)
        reply(answer)
      }
      guard let number, let cancelAfter else { return }
      after(cancelAfter) { process.post { $0.unwatch(id, number) } }
    } _: {
      heard($0)
    }
  }
}
