internal import Engine
internal import Plan

/// ExplainPlan: what the tasks of a plan wait for, asked of what decides on their hand-outs.
extension Shard {
  /// Dependencies named for one task, and tasks for one group.
  private static let namedMax = 5

  /// One page, from an ordinal on, once what it says is durable.
  func explain(
    _ id: PlanID, from: Int, count: Int,
    _ reply: @escaping (Result<PlanExplanation, OrchestratorError>) -> Void
  ) {
    let machine: PlanMachine
    if let entry = plans[id] {
      machine = entry.machine
    } else {
      switch loaded(id) {
      case .present(let stored) where stored.plan.finishedAt != nil: machine = stored
      case .absent: return reply(.failure(.planNotFound(id)))
      case .present, nil: return reply(.failure(.reloading(id)))
      }
    }
    let explanation = explanation(of: machine, from: from, count: count)
    afterCommit { reply($0.map { explanation }) }
  }

  private func explanation(of machine: PlanMachine, from: Int, count: Int) -> PlanExplanation {
    var explanation = PlanExplanation(
      planID: machine.id, creation: machine.creation, plan: machine.plan,
      namespaceHold: namespaceHold(machine), groups: [], tasks: [])
    for instance in pool.instances {
      explanation.adapters[instance.adapter, default: []].formUnion(instance.taskTypes)
    }
    var groups: [TaskWait: PlanExplanation.Group] = [:]
    for ordinal in machine.rows.indices {
      if from > 0 && ordinal < from { continue }
      guard let wait = machine.wait(of: ordinal, pool, now: now) else { continue }
      if from == 0 {
        groups[wait, default: PlanExplanation.Group(wait: wait, count: 0, first: [])]
          .add(ordinal, home: machine.home(ordinal), namedMax: Self.namedMax)
      }
      guard explanation.next == nil else { continue }
      guard explanation.tasks.count < count else {
        explanation.next = ordinal
        if from > 0 { break }
        continue
      }
      explanation.tasks.append(task(ordinal, wait, machine))
    }
    explanation.groups = groups.values.sorted {
      ($1.count, $0.first.first ?? 0) < ($0.count, $1.first.first ?? 0)
    }
    return explanation
  }

  private func task(
    _ ordinal: Int, _ wait: TaskWait, _ machine: PlanMachine
  ) -> PlanExplanation.Task {
    var task = PlanExplanation.Task(
      ordinal: ordinal, home: machine.home(ordinal), index: machine.index(of: ordinal),
      status: machine.status(of: ordinal), wait: wait)
    switch wait {
    case .dependencies:
      let open = machine.openDependencies(of: ordinal)
      task.dependencyCount = open.count
      task.dependencies = open.prefix(Self.namedMax).map { ($0, machine.status(of: $0)) }
    case .retry, .input: task.until = machine.rows[ordinal].timerDueAt
    case .namespace: task.until = namespaceHold(machine)?.until
    case .handOut(let obstacle): task.until = obstacle.until
    case .start: task.handOut = state(of: plans[machine.id]?.sends[ordinal])
    case .condition, .instances, .plan: break
    }
    return task
  }

  private func state(of send: Send?) -> PlanExplanation.HandOutState {
    switch send?.phase {
    case nil, .queued?: .queued
    case .waitingForSession?: .waitingForInstance
    case .calling?: send?.failures == 0 ? .calling : .repeated
    case .backingOff?: .repeated
    case .answered?: .taken
    }
  }
}

extension PlanExplanation.Group {
  fileprivate mutating func add(_ ordinal: Int, home: Int, namedMax: Int) {
    count += 1
    if first.count < namedMax && first.last != home { first.append(home) }
  }
}

extension HandOutObstacle {
  /// When it is over by itself.
  fileprivate var until: Int64? {
    switch self {
    case .paused(_, let until): until
    case .loading, .server, .plan, .noAdapter, .adapter, .busy, .turn: nil
    }
  }
}
