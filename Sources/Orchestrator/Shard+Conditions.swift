internal import Engine
internal import Plan
internal import Store

/// Evaluates conditions for the engine, which sees no outputs.
extension Shard {
  /// Conditions that are evaluated at one time and written in one transition.
  private static let batchSize = 512
  /// Batches of one plan before it is somebody else's turn.
  private static let batchesInTurn = 8

  /// Answers what the engine asks: at once, so that task and answer share a commit, or in the next
  /// turn.
  func ask(_ ordinals: [Int], _ entry: PlanEntry, isLater: Bool) {
    entry.questions += ordinals
    if isLater { answerLater(entry) } else { answer(entry) }
  }

  private func answerLater(_ entry: PlanEntry) {
    let id = entry.id
    post { shard in shard.plans[id].map { shard.answer($0) } }
  }

  /// Not recursive: an answer may raise the next question, as along a chain of skipped tasks.
  private func answer(_ entry: PlanEntry) {
    guard !entry.isAnswering else { return }
    entry.isAnswering = true
    defer { entry.isAnswering = false }
    for _ in 0..<Self.batchesInTurn {
      let batch = Array(entry.questions.prefix(Self.batchSize))
      guard !batch.isEmpty else { return }
      guard let verdicts = verdicts(entry, batch) else {
        let id = entry.id
        arm(at: now + options.resendMilliseconds) { shard in
          shard.plans[id].map { shard.answer($0) }
        }
        return
      }
      entry.questions.removeFirst(batch.count)
      apply(.decided(verdicts), to: entry)
    }
    if !entry.questions.isEmpty { answerLater(entry) }
  }

  /// Nil where the store does not answer now.
  private func verdicts(_ entry: PlanEntry, _ ordinals: [Int]) -> [Verdict]? {
    let compiled = entry.machine.compiled
    var verdicts: [Verdict] = []
    for ordinal in ordinals {
      guard let condition = compiled.conditions[ordinal] else { continue }
      let read = condition.names.compactMap { $0.taskID.flatMap { compiled.ordinals[$0] } }
      guard fetchOutputs(entry, read) else { return nil }
      var tasks: [String: UpstreamTask] = [:]
      for other in read {
        tasks[compiled.plan.tasks[other].id] = UpstreamTask(
          status: entry.machine.rows[other].status, output: entry.outputs[other])
      }
      verdicts.append(Verdict(ordinal: ordinal, outcome(condition, compiled.plan.inputs, tasks)))
    }
    return verdicts
  }

  private func outcome(
    _ condition: Condition, _ inputs: [UInt8], _ tasks: [String: UpstreamTask]
  ) -> Verdict.Outcome {
    do throws(ConditionError) {
      return try condition.evaluate(inputs: inputs, tasks: tasks) ? .run : .skip
    } catch {
      return .fail(
        TaskError(
          .permanent, code: "CONDITION_ERROR",
          message: "the condition has no answer: \(error.message) (\(condition.text))"))
    }
  }
}
