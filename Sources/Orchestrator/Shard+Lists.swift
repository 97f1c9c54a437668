internal import Engine
internal import Plan
internal import Store

/// Outputs of mapped tasks: the lists of their instances' outputs, which are stored nowhere else.
extension Shard {
  /// A longer list is not read for GetPlan; the instances have their outputs in any case.
  private static let maxListBytes = 1 << 20

  /// Makes the output of a mapped task from those of its instances, which only it stands for. False
  /// where the store does not answer now.
  func fetchList(_ entry: PlanEntry, _ task: Int) -> Bool {
    guard let items = entry.items(of: task), fetchOutputs(entry, Array(items)) else {
      return false
    }
    entry.outputs[task] = MapItems.join(items.map { entry.outputs[$0] })
    for ordinal in items { entry.outputs[ordinal] = nil }
    return true
  }

  /// A task's row as people see it: a mapped task that succeeded shows its list's size.
  func shown(_ machine: PlanMachine, _ ordinal: Int) -> TaskRow {
    var row = machine.rows[ordinal]
    guard row.status == .succeeded, let items = row.items else { return row }
    row.outputBytes = MapItems.joinedBytes(
      items.map { machine.rows[$0].status == .succeeded ? machine.rows[$0].outputBytes : nil })
    return row
  }

  /// The list that a mapped task came to; nil where it is too long.
  ///
  /// - Parameter row: As `shown`.
  func list(_ row: TaskRow, of id: PlanID) throws(StoreError) -> [UInt8]? {
    guard let items = row.items, row.outputBytes <= Self.maxListBytes else { return nil }
    var outputs: [Int: [UInt8]] = [:]
    for output in try store.outputs(id, ordinals: Array(items)) {
      outputs[output.ordinal] = output.json
    }
    return MapItems.join(items.map { outputs[$0] })
  }
}
