internal import Digests
internal import Engine
internal import JSON
internal import Plan
internal import Store

/// Plans that tasks of type `plan` run: making them, and telling tasks how they ended.
///
/// Every step can be repeated: the id of a sub-plan is part of its task's row, and its end is told
/// again after a load. What a sub-plan is told because of the plan around it rides in one commit with
/// what was told to that.
extension Shard {
  // MARK: Beginning

  /// Makes the sub-plan of a task, or finds it: it may have been made before a restart.
  func findSubPlan(_ entry: PlanEntry, _ lease: TaskLease) {
    guard entry.isDelegated(lease), let id = entry.subPlan(of: lease.ordinal) else { return }
    // Its end will be told.
    if plans[id] != nil { return }
    if toReload.contains(id) { return findLater(entry.id, lease) }
    switch loaded(id) {
    case .present(let machine): tellParent(of: machine)
    case .absent: beginSubPlan(entry, lease)
    case nil: findLater(entry.id, lease)
    }
  }

  private func findLater(_ id: PlanID, _ lease: TaskLease) {
    arm(at: now + options.resendMilliseconds) { shard in
      shard.plans[id].map { shard.findSubPlan($0, lease) }
    }
  }

  func beginSubPlan(_ entry: PlanEntry, _ lease: TaskLease) {
    guard entry.isDelegated(lease), let id = entry.subPlan(of: lease.ordinal), plans[id] == nil
    else { return }
    let inputs: [UInt8]
    switch renderPayload(entry, lease.ordinal) {
    case .success(let rendered): inputs = rendered
    case .failure(.task(let error)): return apply(.rejected(lease, error), to: entry)
    case .failure(.store): return findLater(entry.id, lease)
    }
    let machine: PlanMachine
    do throws(TaskError.Thrown) { machine = try subPlan(id, entry, lease, inputs) } catch {
      return apply(.rejected(lease, error.error), to: entry)
    }
    let parent = entry.id
    let child = PlanEntry(machine: machine)
    plans[id] = child
    apply(.submitted, to: child) { [weak self] result in
      // Nobody else knows that it is missing.
      if case .failure = result { self?.findLater(parent, lease) }
    }
    if entry.machine.plan.status == .paused {
      apply(.pause(reason: "the plan around it is paused"), to: child)
    }
  }

  private func subPlan(
    _ id: PlanID, _ entry: PlanEntry, _ lease: TaskLease, _ inputs: [UInt8]
  ) throws(TaskError.Thrown) -> PlanMachine {
    let around = entry.machine.creation
    let home = entry.home(lease.ordinal)
    guard let subPlan = entry.machine.compiled.subPlans[home] else {
      throw TaskError.Thrown(.permanent, "SUB_PLAN_INVALID", "the task has no plan")
    }
    let taskID = entry.machine.compiled.plan.tasks[home].id
    let plan = subPlan.plan(inputs: inputs, in: around.plan, taskID: taskID)
    if let deadline = plan.deadline, deadline.time(from: now) <= now {
      throw TaskError.Thrown(
        .permanent, "DEADLINE_PASSED", "the deadline of the sub-plan lies in the past")
    }
    let compiled: CompiledPlan
    do throws(PlanProblems) {
      // It was checked with the plan around it; limits that are tighter now do not count.
      compiled = try CompiledPlan(plan, defaults: around.defaults, limits: .unlimited)
    } catch {
      throw TaskError.Thrown(.permanent, "SUB_PLAN_INVALID", "the sub-plan: \(error)")
    }
    var hasher = SHA256Hasher()
    hasher.update(inputs)
    let run = entry.run(lease.ordinal)
    let creation = PlanCreation(
      namespace: around.namespace, requestKey: nil, requestDigest: hasher.finalize(), plan: plan,
      defaults: around.defaults, parent: ParentTask(key: run.key, attempt: run.attempt))
    return PlanMachine(id: id, compiled: compiled, creation: creation)
  }

  // MARK: Ending

  /// A sub-plan has ended: its task is told, if it still waits.
  func tellParent(of child: PlanMachine) {
    guard let parent = child.creation.parent, let entry = plans[parent.planID],
      let ordinal = entry.ordinal(of: parent.key), entry.subPlan(of: ordinal) == child.id
    else { return }
    let lease = entry.lease(ordinal)
    guard entry.isDelegated(lease) else { return }
    let result: AdapterResult
    do throws(StoreError) { result = try self.result(of: child, entry, ordinal) } catch {
      report(error, "the outputs of sub-plan \(child.id) cannot be read now", plan: child.id)
      return findLater(entry.id, lease)
    }
    let intake = ResultIntake(result, limits: options.limits)
      .checked(against: entry.schema(of: ordinal))
    apply(.subPlanEnded(lease, intake.summary), to: entry, output: intake.output)
  }

  /// What a sub-plan came to, as the result of its task.
  private func result(
    of child: PlanMachine, _ entry: PlanEntry, _ ordinal: Int
  ) throws(StoreError) -> AdapterResult {
    let usage = child.plan.usage
    switch child.plan.status {
    case .completed:
      let names = entry.machine.compiled.subPlans[entry.home(ordinal)]?.outputs ?? []
      guard let output = try outputs(of: child, names) else {
        let error = TaskError(
          .permanent, code: "OUTPUT_TOO_LARGE",
          message: "the outputs of sub-plan \(child.id) together have more than "
            + "\(options.limits.maxOutputBytes) bytes; name those that are needed in \"outputs\"")
        return AdapterResult(outcome: .failed, error: error, usage: usage)
      }
      return AdapterResult(outcome: .succeeded, output: output, usage: usage)
    case .cancelled:
      let error = TaskError(
        .cancelled, code: "SUB_PLAN_CANCELLED",
        message: "sub-plan \(child.id) was cancelled: \(child.plan.error?.message ?? "")")
      return AdapterResult(outcome: .cancelled, error: error, usage: usage)
    case .failed, .created, .running, .paused:
      let cause = child.plan.error
      let error = TaskError(
        cause?.errorClass ?? .permanent, code: cause?.code ?? "UNKNOWN",
        message: "sub-plan \(child.id) failed: \(cause?.message ?? "no reason was given")")
      return AdapterResult(outcome: .failed, error: error, usage: usage)
    }
  }

  /// The outputs of some tasks by their ids, null where a task has none; nil where they are too large
  /// together.
  private func outputs(of child: PlanMachine, _ names: [String]) throws(StoreError) -> [UInt8]? {
    let rows = names.compactMap { child.compiled.ordinals[$0] }.map { shown(child, $0) }
    let succeeded = rows.filter { $0.status == .succeeded }
    let bytes = succeeded.reduce(Int64(0)) { $0 + $1.outputBytes }
    guard bytes <= options.limits.maxOutputBytes else { return nil }
    var outputs: [Int: [UInt8]] = [:]
    let plain = succeeded.filter { $0.items == nil }.map(\.ordinal)
    for output in try store.outputs(child.id, ordinals: plain) {
      outputs[output.ordinal] = output.json
    }
    for row in succeeded where row.items != nil {
      outputs[row.ordinal] = try list(row, of: child.id)
    }
    var writer = JSONWriter()
    writer.beginObject()
    for row in rows {
      writer.key(child.compiled.plan.tasks[row.ordinal].id)
      writer.raw(outputs[row.ordinal] ?? Array("null".utf8))
    }
    writer.endObject()
    return writer.bytes
  }

  // MARK: Following

  /// Tells sub-plans what the engine decided for them, in the commit of the plan around.
  func carryOut(_ orders: [SubPlanOrder]) {
    for order in orders {
      if let child = plans[order.planID] { apply(order.event, to: child) }
    }
  }

  /// A sub-plan that was loaded may have missed what became of the plan around it.
  func align(_ id: PlanID) {
    guard let entry = plans[id], let parent = entry.machine.creation.parent else { return }
    switch loaded(parent.planID) {
    case nil: arm(at: now + options.resendMilliseconds) { $0.align(id) }
    case .absent: break
    case .present(let machine):
      let ordinal = machine.ordinal(of: parent.key)
      let isWanted =
        ordinal.map {
          !machine.plan.status.isFinal && machine.rows[$0].status == .delegated
            && machine.rows[$0].subPlan == id
        } ?? false
      if !isWanted {
        apply(.cancel(reason: "the task that it belongs to has ended"), to: entry)
      } else if machine.plan.status == .paused {
        apply(.pause(reason: "the plan around it is paused"), to: entry)
      }
    }
  }

  /// A sub-plan that cannot be told now, since the store does not answer.
  func unreachableSubPlan(_ entry: PlanEntry) -> PlanID? {
    guard !toReload.isEmpty, !entry.machine.compiled.subPlans.isEmpty else { return nil }
    return entry.machine.rows.lazy.filter { $0.status == .delegated }
      .compactMap { entry.subPlan(of: $0.ordinal) }.first { self.toReload.contains($0) }
  }
}

extension TaskError {
  /// A task's error, thrown.
  struct Thrown: Error {
    let error: TaskError

    init(_ errorClass: ErrorClass, _ code: String, _ message: String) {
      error = TaskError(errorClass, code: code, message: message)
    }
  }
}
