internal import Plan
internal import Store

/// Queries on the writing connection: they see the last commit, and nobody commits meanwhile.
final class PlanReader {
  private let selectPlan: SQLiteStatement
  private let selectTasks: SQLiteStatement
  private let selectKey: SQLiteStatement
  private let selectOpen: SQLiteStatement
  private let selectOutput: SQLiteStatement
  private let selectSpending: SQLiteStatement
  private let selectDialog: SQLiteStatement

  init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
    selectPlan = try SQLiteStatement(
      connection,
      """
      SELECT status, \(SQL.list(PlanColumns.mutable)), plan, namespace, request_key,
        request_digest, \(SQL.list(PlanColumns.parent)), labels, priority, budget, document, payloads
      FROM plans JOIN definitions USING (plan) WHERE id = ?
      """)
    selectTasks = try SQLiteStatement(
      connection,
      "SELECT ordinal, \(SQL.list(TaskColumns.names)) FROM tasks WHERE plan = ? ORDER BY ordinal")
    selectKey = try SQLiteStatement(
      connection,
      "SELECT id, request_digest FROM plans WHERE namespace = ? AND request_key = ?")
    selectOpen = try SQLiteStatement(
      connection,
      "SELECT id FROM plans WHERE \(Schema.unfinishedPlans) AND id > ? ORDER BY id LIMIT ?")
    selectSpending = try SQLiteStatement(
      connection,
      "SELECT tokens, tasks FROM namespace_spending WHERE namespace = ? AND period_start = ?")
    selectOutput = try SQLiteStatement(
      connection,
      "SELECT json FROM outputs WHERE ordinal = ? AND plan = (SELECT plan FROM plans WHERE id = ?)")
    selectDialog = try SQLiteStatement(
      connection,
      """
      SELECT turns FROM dialogs WHERE ordinal = ? AND plan = (SELECT plan FROM plans WHERE id = ?)
      """)
  }

  func load(_ id: PlanID) throws(StoreError) -> StoredPlan? {
    selectPlan.bind(id)
    let found = try selectPlan.first { () throws(StoreError) in
      let row = try selectPlan.planRow()
      let key = selectPlan.integer()
      let namespace = selectPlan.text()
      let requestKey = selectPlan.optionalText()
      let requestDigest = try selectPlan.digest()
      let parent = try selectPlan.parentTask()
      let labels = try LabelRecord.decode(selectPlan.bytes())
      let amendment = PlanAmendment(
        priority: selectPlan.int32(), labels: labels,
        budget: try BudgetRecord.decode(selectPlan.bytes()))
      let record = DefinitionRecord(document: selectPlan.bytes(), payloads: selectPlan.bytes())
      var (plan, defaults) = try record.decoded()
      plan.amend(amendment)
      let creation = PlanCreation(
        namespace: namespace, requestKey: requestKey, requestDigest: requestDigest, plan: plan,
        defaults: defaults, parent: parent)
      return (key, StoredPlan(planID: id, creation: creation, plan: row, tasks: []))
    }
    guard let (key, found) = found else { return nil }
    var stored = found
    selectTasks.bind(key)
    try selectTasks.rows { () throws(StoreError) in
      stored.tasks.append(try selectTasks.taskRow())
    }
    return stored
  }

  func find(namespace: String, requestKey: String) throws(StoreError) -> PlanKeyMatch? {
    selectKey.bind(namespace)
    selectKey.bind(requestKey)
    return try selectKey.first { () throws(StoreError) in
      PlanKeyMatch(planID: try selectKey.planID(), requestDigest: try selectKey.digest())
    }
  }

  func unfinished(after id: PlanID?, limit: Int) throws(StoreError) -> [PlanID] {
    // No id is below this one: version and variant are never zero.
    selectOpen.bind(id ?? PlanID(high: 0, low: 0))
    selectOpen.bind(max(0, limit))
    var ids: [PlanID] = []
    try selectOpen.rows { () throws(StoreError) in ids.append(try selectOpen.planID()) }
    return ids
  }

  func spending(
    namespace: String, periodStart: Int64
  ) throws(StoreError) -> NamespaceSpending? {
    selectSpending.bind(namespace)
    selectSpending.bind(periodStart)
    return try selectSpending.first {
      NamespaceSpending(
        namespace: namespace, periodStart: periodStart, tokens: selectSpending.integer(),
        tasks: selectSpending.integer())
    }
  }

  func outputs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskOutput] {
    var outputs: [TaskOutput] = []
    for ordinal in ordinals {
      selectOutput.bind(ordinal)
      selectOutput.bind(id)
      let output = try selectOutput.first {
        TaskOutput(ordinal: ordinal, json: selectOutput.bytes())
      }
      if let output { outputs.append(output) }
    }
    return outputs
  }
  func dialogs(_ id: PlanID, ordinals: [Int]) throws(StoreError) -> [TaskDialog] {
    var dialogs: [TaskDialog] = []
    for ordinal in ordinals {
      selectDialog.bind(ordinal)
      selectDialog.bind(id)
      let turns = try selectDialog.first { () throws(StoreError) in
        try DialogRecord.decode(selectDialog.bytes())
      }
      if let turns { dialogs.append(TaskDialog(ordinal: ordinal, turns: turns)) }
    }
    return dialogs
  }
}
