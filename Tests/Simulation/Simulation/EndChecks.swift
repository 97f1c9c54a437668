import Engine
import Orchestrator
import Plan
import Store

/// What must hold once everything has ended.
extension World {
  func checkEnd() {
    process?.checkEmpty()
    for id in ledger.acknowledged.sorted() {
      require(ledger[id] != nil, .acknowledged, "plan \(id) is lost")
    }
    for plan in ledger.order {
      checkStored(plan)
      checkTotals(plan)
      Oracle(world: self, plan: plan).check()
    }
  }

  private func checkStored(_ plan: LedgerPlan) {
    do throws(StoreError) {
      let stored = try store.base.load(plan.id)
      let rows = plan.tasks.filter { $0 != TaskRow(ordinal: $0.ordinal) }
      require(
        stored?.plan == plan.row, .stored,
        "plan \(plan.number) is stored as \(String(describing: stored?.plan)), not \(plan.row)")
      require(
        stored?.tasks == rows, .stored,
        "tasks of plan \(plan.number) are stored as \(stored?.tasks ?? []), not \(rows)")
      require(
        stored?.creation == plan.creation, .stored, "plan \(plan.number) is stored as another one")
      let events = try store.base.events(plan.id, from: 1, maxCount: .max, maxBytes: .max)
      require(events == plan.events, .stored, "events of plan \(plan.number)")
      let outputs = try store.base.outputs(plan.id, ordinals: Array(plan.tasks.indices))
      require(
        outputs.count == plan.outputs.count
          && outputs.allSatisfy { plan.outputs[$0.ordinal] == $0.json },
        .stored, "outputs of plan \(plan.number)")
    } catch { violate(.stored, "plan \(plan.number) cannot be read: \(error)") }
  }

  private func checkTotals(_ plan: LedgerPlan) {
    let tokens = plan.tasks.reduce(0) { $0 + $1.usage.inputTokens }
    let bytes = plan.outputs.values.reduce(0) { $0 + Int64($1.count) }
    require(
      plan.row.usage.inputTokens == tokens && plan.row.outputBytes == bytes, .given,
      "plan \(plan.number) sums to \(tokens) tokens and \(bytes) bytes")
  }
}

/// Says how a plan must end: from the scripts alone where nothing else could decide, otherwise from
/// how each attempt ended, which other checks have found to be right.
struct Oracle {
  let world: World
  let plan: LedgerPlan

  func check() {
    if plan.blueprint.isStrict, !world.faults.hasLies { checkScripts() }
    var predicted: [TaskStatus] = []
    for ordinal in plan.tasks.indices { predicted.append(predict(ordinal, predicted)) }
    let status = predictPlan(predicted)
    require(plan.row.status == status, "it is \(plan.row.status), not \(status)")
    for ordinal in plan.tasks.indices where !isFenced {
      let actual = plan.tasks[ordinal].status
      require(
        actual == predicted[ordinal], "task \(ordinal) is \(actual), not \(predicted[ordinal])")
    }
  }

  private func require(_ holds: Bool, _ message: @autoclosure () -> String) {
    world.require(holds, .oracle, "plan \(plan.number): \(message())")
  }

  /// A cancel or a deadline has ended what was open.
  private var isFenced: Bool {
    plan.row.status == .cancelled || plan.row.error?.code == "PLAN_DEADLINE"
  }

  private var order: [Int] { Array(plan.tasks.indices) }

  /// Every attempt ended as its script says.
  private func checkScripts() {
    for ordinal in order where verdict(ordinal) != .fails {
      for end in plan.ends[ordinal] {
        let expected = expectedEnd(ordinal, end.attempt)
        require(end == expected, "task \(ordinal) ended \(end), its script says \(expected)")
      }
      let attempts = plan.ends[ordinal].map(\.attempt)
      require(
        attempts.enumerated().allSatisfy {
          $1 == plan.tasks[ordinal].attemptsBefore + Int32($0) + 1
        }, "task \(ordinal) had attempts \(attempts)"
      )
    }
  }

  private func expectedEnd(_ ordinal: Int, _ attempt: Int32) -> LedgerPlan.AttemptEnd {
    func failure(_ errorClass: ErrorClass, _ code: String) -> LedgerPlan.AttemptEnd {
      LedgerPlan.AttemptEnd(attempt: attempt, errorClass: errorClass, code: code)
    }
    if isMissingReference(ordinal) { return failure(.permanent, "REFERENCE_MISSING") }
    if plan.blueprint.isApproval(ordinal) {
      if plan.blueprint.decision(ordinal) == .reject("no") {
        return failure(.permanent, "REJECTED")
      }
      return LedgerPlan.AttemptEnd(attempt: attempt)
    }
    switch plan.blueprint.course(ordinal, attempt) {
    case .succeeds, .hangs: return LedgerPlan.AttemptEnd(attempt: attempt)
    case .fails(let error), .isRejected(let error): return failure(error.errorClass, error.code)
    case .cancels: return failure(.cancelled, "CANCELLED")
    case .givesNoJSON: return failure(.invalidOutput, "NOT_JSON")
    case .givesMisfit: return failure(.invalidOutput, "OUTPUT_SCHEMA")
    }
  }

  /// It reads a field that no output has.
  private func isMissingReference(_ ordinal: Int) -> Bool {
    plan.blueprint.compiled.templates[ordinal].references.contains { $0.text.contains("absent") }
      && plan.blueprint.compiled.graph.dependencies[ordinal].contains {
        plan.tasks[$0].status == .succeeded
      }
  }

  private func predict(_ ordinal: Int, _ before: [TaskStatus]) -> TaskStatus {
    let tasks = plan.blueprint.plan.tasks
    let mayRun = plan.blueprint.compiled.graph.dependencies[ordinal].allSatisfy {
      before[$0] == .succeeded || (before[$0] == .failed && tasks[$0].onFailure == .continue)
        || plan.tasks[$0].isDeclined
    }
    guard mayRun else { return .skipped }
    if verdict(ordinal) == .isSkipped { return isFenced ? .cancelled : .skipped }
    let policy = plan.blueprint.compiled.retries[ordinal]
    for end in plan.ends[ordinal] {
      guard let errorClass = end.errorClass else { return .succeeded }
      let isLast = ["SCHEDULE_TO_START", "POISONED", "INPUT_TIMEOUT"].contains(end.code)
      let attempt = end.attempt - plan.tasks[ordinal].attemptsBefore
      if isLast || !errorClass.isRetried || attempt >= policy.maxAttempts { return .failed }
    }
    return .cancelled
  }

  /// What its condition comes to, by the outputs that are stored.
  private func verdict(_ ordinal: Int) -> Gate.Verdict {
    guard let gate = plan.blueprint.gates[ordinal] else { return .runs }
    return gate.verdict { plan.outputs[$0] }
  }

  private func predictPlan(_ predicted: [TaskStatus]) -> PlanStatus {
    if plan.row.error?.code == "PLAN_DEADLINE" { return .failed }
    if predicted.contains(.cancelled) { return .cancelled }
    // Cancelled after its last task could not be: it had ended by then. Before, some task is open.
    let isSkippedByCancel = plan.tasks.contains { $0.status == .cancelled }
    if isSkippedByCancel { return .cancelled }
    let fails = predicted.indices.contains {
      predicted[$0] == .failed && plan.blueprint.plan.tasks[$0].onFailure == .fail
    }
    return fails ? .failed : .completed
  }
}
