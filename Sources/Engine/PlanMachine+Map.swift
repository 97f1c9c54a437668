public import Plan

/// Tasks that are run once per element of a list.
///
/// Such a task passes a gate as one with a condition does. When its list is known it is EXPANDED:
/// instances get ordinals after everything that is there, begin in order, as many at a time as the
/// task allows, and are otherwise tasks like others. The task ends with the last of them.
extension PlanMachine {
  static let instanceFailed = "INSTANCE_FAILED"

  /// One element's run of a mapped task.
  public struct Instance: Sendable, Equatable {
    /// Its ordinal.
    public var task: Int
    public var index: Int32
  }

  /// Where the instances of one task stand.
  struct Expansion: Sendable {
    let first: Int
    let count: Int
    /// Not ended.
    var open: Int
    /// Begun and not ended.
    var active = 0
    /// None before it is to begin.
    var next: Int
    /// Nothing begins any more.
    var isFailing = false
    /// When instances ended before the plan was loaded, in order; for timers after a load.
    var ends: [Int64] = []

    var range: Range<Int> { first..<(first + count) }
  }

  /// The plan's task that an ordinal belongs to: itself, or the one that an instance is of.
  public func home(_ ordinal: Int) -> Int {
    ordinal < compiled.taskCount ? ordinal : instances[ordinal - compiled.taskCount].task
  }

  public func isInstance(_ ordinal: Int) -> Bool { ordinal >= compiled.taskCount }

  /// Nil for tasks of the plan itself.
  public func index(of ordinal: Int) -> Int32? {
    isInstance(ordinal) ? instances[ordinal - compiled.taskCount].index : nil
  }

  /// What an adapter's key names; nil where there is no such task, or no such instance.
  public func ordinal(of key: IdempotencyKey) -> Int? {
    guard let task = compiled.ordinals[key.taskID] else { return nil }
    guard compiled.maps[task] != nil else { return key.index == 0 ? task : nil }
    guard let items = items(of: task), items.indices.contains(items.lowerBound + Int(key.index))
    else { return nil }
    return items.lowerBound + Int(key.index)
  }

  /// Ordinals of a mapped task's instances, in the order of the list; nil before they are known.
  public func items(of task: Int) -> Range<Int>? { rows[task].items }

  /// How many instances of a mapped task have ended.
  public func endedItems(of task: Int) -> Int32 {
    guard let items = items(of: task) else { return 0 }
    return Int32(items.count { status(of: $0).isFinal })
  }

  // MARK: Expanding

  /// The list has `count` elements.
  mutating func expand(_ task: Int, _ count: Int32) {
    rows[task].itemCount = count
    rows[task].firstItem = rows.count
    rows[task].startedAt = draft.now
    recordExpansion(of: task)
    touch(task)
    guard count > 0 else {
      succeedMapped(task)
      return
    }
    rows[task].status = .expanded
    addInstances(of: task)
    openCount += Int(count)
    resumeExpansion(task)
  }

  mutating func recordExpansion(of task: Int) {
    let count = rows[task].itemCount ?? 0
    record(.taskExpanded, task: task) { $0.itemCount = count }
  }

  /// Rows for instances that have had no transition.
  private mutating func addInstances(of task: Int) {
    guard let items = items(of: task) else { return }
    for ordinal in items {
      rows.append(TaskRow(ordinal: ordinal))
      instances.append(Instance(task: task, index: Int32(ordinal - items.lowerBound)))
      timerGenerations.append(0)
      timersDueAt.append(0)
      // Its place among those that run at one time is what it waits for.
      unmet.append(1)
    }
  }

  /// Makes room for the instances that a stored plan has.
  mutating func addStoredInstances(_ stored: [TaskRow]) {
    guard !compiled.maps.isEmpty else { return }
    let expanded = stored.filter { $0.ordinal < compiled.taskCount && $0.itemCount ?? 0 > 0 }
    for row in expanded.sorted(by: { ($0.firstItem ?? 0) < ($1.firstItem ?? 0) }) {
      rows[row.ordinal] = row
      addInstances(of: row.ordinal)
    }
  }

  /// Works out from the rows where the instances stand; begins none.
  mutating func restoreExpansions() {
    for task in compiled.mapped where rows[task].status == .expanded { restoreExpansion(task) }
  }

  private mutating func restoreExpansion(_ task: Int) {
    guard let items = items(of: task) else { return }
    var state = Expansion(
      first: items.lowerBound, count: items.count, open: 0, next: items.lowerBound)
    for ordinal in items where !rows[ordinal].status.isFinal {
      state.open += 1
      if rows[ordinal].status == .pending {
        unmet[ordinal] = 1
      } else {
        unmet[ordinal] = 0
        state.active += 1
      }
    }
    if compiled.maps[task]?.maxParallel ?? .max < state.count {
      state.ends = items.compactMap { rows[$0].finishedAt }.sorted()
    }
    expansions[task] = state
    if let failed = failedInstance(of: task) {
      stopBeginning(task, because: failed)
    } else {
      while let ordinal = nextToBegin(task) { admit(ordinal) }
    }
  }

  /// Expanded, or expanded again by a RetryPlan.
  mutating func resumeExpansion(_ task: Int) {
    restoreExpansion(task)
    guard let items = items(of: task) else { return }
    for ordinal in items where rows[ordinal].status == .pending && unmet[ordinal] == 0 {
      becomeReady(ordinal)
    }
  }

  // MARK: Beginning and ending

  /// The next instance that may begin now.
  private mutating func nextToBegin(_ task: Int) -> Int? {
    guard var state = expansions[task], !state.isFailing,
      let limit = compiled.maps[task]?.maxParallel, state.active < Int(limit)
    else { return nil }
    defer { expansions[task] = state }
    while state.next < state.range.upperBound {
      let ordinal = state.next
      state.next += 1
      if rows[ordinal].status == .pending && unmet[ordinal] > 0 { return ordinal }
    }
    return nil
  }

  private mutating func admit(_ ordinal: Int) {
    unmet[ordinal] = 0
    expansions[home(ordinal)]?.active += 1
  }

  /// An instance has ended.
  mutating func settleInstance(_ ordinal: Int) {
    let task = home(ordinal)
    guard expansions[task] != nil, !plan.status.isFinal else { return }
    expansions[task]?.open -= 1
    if unmet[ordinal] == 0 { expansions[task]?.active -= 1 }
    if rows[ordinal].status == .failed && !endedWell(ordinal) {
      stopBeginning(task, because: ordinal)
    }
    if let next = nextToBegin(task) {
      admit(next)
      becomeReady(next)
    }
    if expansions[task]?.open == 0 { endMapped(task) }
  }

  /// An instance failed for good: those that have not started are skipped.
  private mutating func stopBeginning(_ task: Int, because failed: Int) {
    guard let state = expansions[task], !state.isFailing else { return }
    expansions[task]?.isFailing = true
    for ordinal in state.range where rows[ordinal].status == .pending {
      if unmet[ordinal] == 0 { expansions[task]?.active -= 1 }
      unmet[ordinal] = 1
      toSkip.append((ordinal, failed))
    }
  }

  /// The first in the list that failed for good and is not passed over.
  private func failedInstance(of task: Int) -> Int? {
    items(of: task)?.first { rows[$0].status == .failed && !endedWell($0) }
  }

  private mutating func endMapped(_ task: Int) {
    expansions[task] = nil
    guard let failed = failedInstance(of: task) else {
      succeedMapped(task)
      return
    }
    let cause = rows[failed].error
    failForGood(
      task,
      TaskError(
        cause?.errorClass ?? .permanent, code: cause?.code ?? "UNKNOWN",
        message: "instance \(failed - (rows[task].firstItem ?? 0)) failed: "
          + (cause?.message ?? "no reason was given")))
  }

  private mutating func succeedMapped(_ task: Int) {
    rows[task].error = nil
    end(task, .succeeded)
    record(.taskSucceeded, task: task)
    settleDependents(of: task)
  }

  /// Why a task is skipped for what another one came to.
  func skipReason(because: Int) -> TaskError {
    let id = compiled.plan.tasks[home(because)].id
    if let index = index(of: because) {
      return TaskError(
        .permanent, code: Self.instanceFailed,
        message: "not run: instance \(index) of task \"\(id)\" failed")
    }
    let word = rows[because].status == .skipped ? "was skipped" : "failed"
    return TaskError(
      .permanent, code: "UPSTREAM_FAILED", message: "not run: task \"\(id)\" \(word)")
  }

  /// When an instance that has no row yet could first be handed out: with the list, or when the one
  /// ended that made room for it.
  func begunAt(_ ordinal: Int) -> Int64? {
    let task = home(ordinal)
    guard let items = items(of: task), let limit = compiled.maps[task]?.maxParallel else {
      return nil
    }
    let before = ordinal - items.lowerBound - Int(limit)
    guard before >= 0 else { return rows[task].startedAt }
    let ends = expansions[task]?.ends ?? []
    return before < ends.count ? ends[before] : ends.last
  }
}
