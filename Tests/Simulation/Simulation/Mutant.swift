import Plan

@testable import Engine
@testable import Orchestrator

/// Something wrong that is put in at a boundary of the simulation, to see that its check finds it.
public enum Mutant: String, CaseIterable, Sendable {
  case clockRunsFast, creationDropped, tokenKept, attemptSkipped, acceptedTwice, outputChanged
  case eventLost, endReopened, statusJumps, dependenciesIgnored, pauseAnsweredEarly, limitIgnored
  case placesInvented, noAnswerTakenForLoss, oldListTakenForNew, commitRefused, tokenInvented
  case payloadTorn, currentRunCancelled, wantedResultForgotten, requestKeyIgnored
  case acknowledgedEarly, goodResultRefused, readerSkips, placeLeaked, storeForgets
  case failureMisread, resultsSwallowed
  case conditionIgnored, schemaIgnored, feedbackLost, retryForgets, allowanceKept
  case deadlineDropped, timeOverspent, withdrawalPoisons, approvalHandedOut, decisionRefused
  case updateMisheard, signUnheard

  /// The check that must find it.
  public var check: Check {
    switch self {
    case .clockRunsFast: .timers
    case .creationDropped: .acknowledged
    case .tokenKept: .tokens
    case .attemptSkipped: .attempts
    case .acceptedTwice: .acceptance
    case .outputChanged: .given
    case .eventLost: .sequence
    case .endReopened: .terminal
    case .statusJumps: .transitions
    case .dependenciesIgnored: .dependencies
    case .pauseAnsweredEarly: .stopped
    case .limitIgnored, .placesInvented: .limits
    case .noAnswerTakenForLoss, .oldListTakenForNew: .redelivery
    case .commitRefused: .ownership
    case .tokenInvented: .recorded
    case .payloadTorn: .payload
    case .currentRunCancelled: .cancels
    case .wantedResultForgotten: .forgets
    case .requestKeyIgnored: .requestKeys
    case .acknowledgedEarly: .durable
    case .goodResultRefused: .verdicts
    case .readerSkips: .readers
    case .placeLeaked: .books
    case .storeForgets: .stored
    case .failureMisread: .oracle
    case .resultsSwallowed: .liveness
    case .conditionIgnored: .conditions
    case .schemaIgnored, .feedbackLost: .schemas
    case .retryForgets, .allowanceKept: .retries
    case .deadlineDropped, .timeOverspent: .deadlines
    case .withdrawalPoisons: .withdrawal
    case .approvalHandedOut, .decisionRefused: .decisions
    case .updateMisheard: .updates
    case .signUnheard: .timers
    }
  }
}

extension World {
  /// Whether the mutant is in this world and strikes now.
  func mutates(_ mutant: Mutant) -> Bool {
    setup.mutant == mutant && mutantDice.roll(4) == 0
  }

  /// A group as the store is to get it, and as it is taken for committed.
  func falsified(_ group: [PlanChange]) -> (stored: [PlanChange], seen: [PlanChange]) {
    guard let mutant = setup.mutant else { return (group, group) }
    var both = group
    switch mutant {
    case .creationDropped where mutates(mutant): both.removeAll { $0.created != nil }
    case .storeForgets:
      if let index = both.firstIndex(where: { !$0.tasks.isEmpty }), mutates(mutant) {
        var stored = both
        stored[index].tasks[0].usage.inputTokens += 1
        return (stored, both)
      }
    case .tokenKept, .attemptSkipped, .acceptedTwice, .outputChanged, .eventLost, .endReopened,
      .statusJumps, .retryForgets, .allowanceKept, .withdrawalPoisons:
      // Only as it is seen: a store refuses some of these itself.
      return (both, falsifiedRows(group, mutant))
    default: break
    }
    return (both, both)
  }

  private func falsifiedRows(_ group: [PlanChange], _ mutant: Mutant) -> [PlanChange] {
    var seen = group
    for index in seen.indices where mutates(mutant) {
      switch mutant {
      case .eventLost where seen[index].events.count > 1: seen[index].events.remove(at: 0)
      case .endReopened where seen[index].plan.finishedAt != nil:
        var again = seen[index]
        again.plan.revision += 1
        again.events = []
        again.tasks = []
        seen.append(again)
      case .retryForgets where seen[index].events.contains { $0.kind == .planRetried }:
        let kept = ledger[seen[index].planID]?.tasks.filter { $0.status == .succeeded } ?? []
        for row in kept { seen[index].tasks.append(TaskRow(ordinal: row.ordinal)) }
      case .allowanceKept where seen[index].events.contains { $0.kind == .planRetried }:
        for task in seen[index].tasks.indices { seen[index].tasks[task].attemptsBefore = 0 }
      default:
        for task in seen[index].tasks.indices { falsify(&seen[index], task, mutant) }
      }
    }
    return seen
  }

  private func falsify(_ change: inout PlanChange, _ index: Int, _ mutant: Mutant) {
    let row = change.tasks[index]
    switch mutant {
    case .tokenKept where row.status == .dispatched: change.tasks[index].token -= 1
    case .attemptSkipped where row.status == .dispatched: change.tasks[index].attempt += 1
    case .acceptedTwice where !row.accepted.isEmpty:
      change.tasks[index].accepted.append(row.accepted[0])
    case .outputChanged where !change.outputs.isEmpty: change.outputs[0].json += [0x20]
    case .statusJumps where row.status == .succeeded: change.tasks[index].status = .cancelled
    case .withdrawalPoisons where row.error?.code == "SERVER_STOPPED":
      change.tasks[index].delivery = .max
    default: break
    }
  }

  /// A plan as the orchestrator is given it.
  func falsified(_ submission: Shard.Submission, _ blueprint: Blueprint) -> Shard.Submission {
    var plan = blueprint.plan
    switch setup.mutant {
    case .dependenciesIgnored:
      for index in plan.tasks.indices {
        plan.tasks[index].dependsOn = []
        plan.tasks[index].payload = Array("{}".utf8)
      }
    case .failureMisread:
      for index in plan.tasks.indices { plan.tasks[index].onFailure = .fail }
    case .conditionIgnored: for index in plan.tasks.indices { plan.tasks[index].when = nil }
    case .schemaIgnored: for index in plan.tasks.indices { plan.tasks[index].outputSchema = nil }
    case .deadlineDropped: plan.deadline = nil
    case .approvalHandedOut: for index in plan.tasks.indices { plan.tasks[index].type = "t" }
    case .requestKeyIgnored:
      var other = submission
      other.creation.requestKey = nil
      return other
    default: return submission
    }
    var other = submission
    do throws(PlanProblems) {
      other.compiled = try CompiledPlan(plan, defaults: options.defaults, limits: options.limits)
      other.creation.plan = plan
    } catch { return submission }
    return other
  }

  func falsified(_ update: PlanUpdate) -> PlanUpdate {
    var other = update
    if mutates(.updateMisheard) { other.priority = update.priority.map { $0 + 1 } }
    return other
  }

  /// Options as the orchestrator is given them.
  var falsifiedOptions: OrchestratorOptions {
    var other = options
    if setup.mutant == .limitIgnored {
      other.places.inFlight += 5
      other.places.perAdapter = [:]
    }
    return other
  }

  func falsified(_ batch: Result<WatchBatch, OrchestratorError>) -> Result<
    WatchBatch, OrchestratorError
  > {
    batch.map { batch in
      guard batch.events.count > 1, mutates(.readerSkips) else { return batch }
      var other = batch
      other.events.removeFirst()
      return other
    }
  }

  func falsified(_ reply: Shard.ListReply, _ list: RunList) -> Shard.ListReply {
    var other = reply
    let runs = list.runs.map { RunReference(key: $0.key, attempt: $0.attempt) }
    if mutates(.currentRunCancelled) { other.cancel = runs }
    if mutates(.wantedResultForgotten) { other.forget = runs }
    return other
  }

  func falsified(_ registration: Registration) -> Registration {
    var other = registration
    if setup.mutant == .placesInvented { other.maxConcurrency += 3 }
    return other
  }

  /// A list that says that it is newer than it is.
  func falsified(_ list: RunList) -> RunList {
    guard mutates(.oldListTakenForNew) else { return list }
    var other = list
    other.answered = .max
    other.runs = []
    return other
  }
}
