import Plan
import Store

/// The store of a world: a real one whose commits and reads fail now and then.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class FaultyStore: @unchecked Sendable {
  let base: any PlanStore
  unowned(unsafe) var world: World!

  init(_ base: any PlanStore) { self.base = base }

  func commit(_ given: [PlanChange], by process: OrchestratorProcess) throws(StoreError) {
    let away = StoreError(.unavailable, "the disk is away")
    guard process.isAlive else { throw away }
    if world.strikes(.crashBeforeCommit) {
      process.die("before a commit")
      throw away
    }
    if world.strikes(.commitFails) { throw away }
    if world.strikes(.commitFailsAfterAll) {
      throw StoreError(.outcomeUnknown, "the disk did not answer")
    }
    let (group, seen) = world.falsified(given)
    do throws(StoreError) {
      if world.mutates(.commitRefused) { throw StoreError(.conflict, "a mutant") }
      try base.commit(group)
    } catch {
      if error.code != .conflict || !world.ledger.hasOther(than: process, committed: group) {
        world.violate(.ownership, "a commit was refused: \(error)")
      }
      throw error
    }
    world.committing = process
    world.ledger.commit(seen)
    world.committing = nil
    if world.strikes(.crashAfterCommit) {
      process.die("after a commit")
      throw away
    }
    if world.strikes(.commitOutcomeUnknown) {
      throw StoreError(.outcomeUnknown, "the disk did not answer")
    }
  }

  func read<Value>(
    _ process: OrchestratorProcess, _ body: (any PlanStore) throws(StoreError) -> Value
  ) throws(StoreError) -> Value {
    if !process.isAlive || world.strikes(.readFails) {
      throw StoreError(.unavailable, "the disk is away")
    }
    return try body(base)
  }
}

/// The store as one process has it: nothing of a dead one gets through.
///
/// `@unchecked Sendable`: lives on its world's thread.
final class ProcessStore: PlanStore, @unchecked Sendable {
  private let store: FaultyStore
  private unowned let process: OrchestratorProcess

  init(_ store: FaultyStore, _ process: OrchestratorProcess) {
    self.store = store
    self.process = process
  }

  var name: String { store.base.name }
  var isDurable: Bool { store.base.isDurable }

  func commit(_ group: [PlanChange]) throws(StoreError) { try store.commit(group, by: process) }

  func load(_ id: PlanID) throws(StoreError) -> StoredPlan? {
    try store.read(process) { base throws(StoreError) in try base.load(id) }
  }

  func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch? {
    try store.read(process) { base throws(StoreError) in
      try base.find(namespace: namespace, requestKey: requestKey)
    }
  }

  func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID] {
    try store.read(process) { base throws(StoreError) in
      try base.unfinished(after: id, limit: limit)
    }
  }

  func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog] {
    try store.read(process) { base throws(StoreError) in
      try base.dialogs(id, ordinals: ordinals)
    }
  }

  func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput] {
    try store.read(process) { base throws(StoreError) in
      try base.outputs(id, ordinals: ordinals)
    }
  }

  func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent] {
    try store.read(process) { base throws(StoreError) in
      try base.events(id, from: seq, maxCount: maxCount, maxBytes: maxBytes)
    }
  }

  func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending? {
    try store.read(process) { base throws(StoreError) in
      try base.spending(namespace: namespace, periodStart: periodStart)
    }
  }

  func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary] {
    try store.read(process) { base throws(StoreError) in
      try base.list(filter, before: before, limit: limit)
    }
  }

  func close() {}
}
