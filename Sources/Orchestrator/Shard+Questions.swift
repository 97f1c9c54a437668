internal import Engine
internal import Plan
internal import Store

/// Evaluates conditions and lists for the engine, which sees no outputs.
extension Shard {
  /// Tasks that are looked at at one time and written in one transition.
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
    var verdicts: [Verdict] = []
    var rowCount = entry.machine.rows.count
    for ordinal in ordinals {
      guard var outcome = self.outcome(entry, ordinal) else { return nil }
      if case .expand(let count) = outcome {
        if rowCount + Int(count) > options.limits.maxTasks {
          outcome = .fail(tooManyItems(count, "the plan would have \(rowCount + Int(count)) tasks"))
        } else {
          rowCount += Int(count)
        }
      }
      verdicts.append(Verdict(ordinal: ordinal, outcome))
    }
    return verdicts
  }

  private func outcome(_ entry: PlanEntry, _ ordinal: Int) -> Verdict.Outcome? {
    let compiled = entry.machine.compiled
    if let condition = compiled.conditions[ordinal] {
      let read = condition.names.compactMap { $0.taskID.flatMap { compiled.ordinals[$0] } }
      guard fetchOutputs(entry, read) else { return nil }
      var tasks: [String: UpstreamTask] = [:]
      for other in read {
        tasks[compiled.plan.tasks[other].id] = UpstreamTask(
          status: entry.machine.rows[other].status, output: entry.outputs[other])
      }
      let decided = self.outcome(condition, compiled.plan.inputs, tasks)
      guard decided == .run else { return decided }
    }
    guard let map = compiled.maps[ordinal] else { return .run }
    switch items(entry, ordinal, map) {
    case .success(let items):
      let limit = options.limits.maxMapItems
      guard items.count <= limit else {
        return .fail(tooManyItems(Int32(clamping: items.count), "the limit is \(limit)"))
      }
      return .expand(Int32(items.count))
    case .failure(.task(let error)): return .fail(error)
    case .failure(.store): return nil
    }
  }

  private func tooManyItems(_ count: Int32, _ why: String) -> TaskError {
    TaskError(
      .permanent, code: "MAP_TOO_LARGE", message: "the list has \(count) elements; \(why)")
  }

  /// The list of a mapped task.
  func items(
    _ entry: PlanEntry, _ ordinal: Int, _ map: CompiledMap
  ) -> Result<MapItems, RenderFailure> {
    if let known = entry.items[ordinal] { return .success(known) }
    var json = entry.machine.compiled.plan.inputs
    if case .task(let id) = map.over.source, let other = entry.machine.compiled.ordinals[id] {
      guard fetchOutputs(entry, [other]) else { return .failure(.store) }
      guard let output = entry.outputs[other] else {
        let error = MapItems.notAList(map, Array("null".utf8))
        return .failure(.task(TaskError(.permanent, code: error.code, message: error.message)))
      }
      json = output
    }
    do throws(MapError) {
      let items = try MapItems(in: json, at: map)
      entry.items[ordinal] = items
      return .success(items)
    } catch {
      return .failure(.task(TaskError(.permanent, code: error.code, message: error.message)))
    }
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
