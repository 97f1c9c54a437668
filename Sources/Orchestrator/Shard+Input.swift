internal import Engine
internal import JSON
public import Plan

/// Tasks that wait for input: what they ask, and what they are told.
extension Shard {
  /// A task whose question cannot be made fails; nobody could answer it.
  func checkPrompt(_ entry: PlanEntry, _ lease: TaskLease) {
    guard entry.machine.isWaitingForInput(lease) else { return }
    switch renderPayload(entry, lease.ordinal) {
    case .success: break
    case .failure(.task(let error)): apply(.rejected(lease, error), to: entry)
    case .failure(.store):
      let id = entry.id
      arm(at: now + options.resendMilliseconds) { shard in
        shard.plans[id].map { shard.checkPrompt($0, lease) }
      }
    }
  }

  /// What the tasks of a page ask that wait for input, as JSON.
  func prompts(_ tasks: [PlanSnapshot.Task], of entry: PlanEntry) -> [Int: [UInt8]] {
    var prompts: [Int: [UInt8]] = [:]
    for task in tasks where task.status == .waitingInput {
      if task.row.question > 0 {
        prompts[task.row.ordinal] = dialog(of: entry, task.row.ordinal)?.turns.last?.prompt
        continue
      }
      guard case .success(let payload) = renderPayload(entry, task.row.ordinal) else { continue }
      prompts[task.row.ordinal] = JSONReader.find([.key("prompt")], in: payload).map { Array($0) }
    }
    return prompts
  }

  /// CompleteTask. Answers whether the decision had been taken before, and the task.
  func complete(
    _ id: PlanID, task taskID: String, index: Int32 = 0, attempt: Int32,
    _ intake: CompletionIntake,
    _ reply: @escaping (Result<CompletionAnswer, OrchestratorError>) -> Void
  ) {
    let entry: PlanEntry
    switch entryOfAny(id) {
    case .success(let found): entry = found
    case .failure(let error): return reply(.failure(error))
    }
    let key = IdempotencyKey(planID: id, taskID: taskID, index: index)
    let ordinal = entry.machine.ordinal(of: key) ?? -1
    if let refusal = refusal(of: intake, entry, ordinal) { return reply(.failure(refusal)) }
    let event = PlanEvent.complete(
      ordinal: ordinal, attempt: attempt, intake.completion)
    apply(event, to: entry, output: intake.output) { result in
      reply(
        result.flatMap { answer in
          if case .refused(let refusal) = answer {
            return .failure(.refused(entry.machine, task: taskID, refusal))
          }
          let machine = entry.machine
          let task = PlanSnapshot.Task(
            row: machine.rows[ordinal], status: machine.status(of: ordinal),
            home: machine.home(ordinal), index: machine.index(of: ordinal))
          return .success(
            CompletionAnswer(
              isRepeated: answer == .alreadyRecorded, task: task,
              definition: machine.compiled.plan.tasks[task.home]))
        })
    }
  }
}

/// What became of CompleteTask.
public struct CompletionAnswer: Sendable {
  /// The same decision had been taken before.
  public var isRepeated: Bool
  public var task: PlanSnapshot.Task
  public var definition: PlanTask
}
