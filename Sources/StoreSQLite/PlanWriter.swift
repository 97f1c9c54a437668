internal import Plan
internal import Store

/// The writing connection with its statements: one transaction per group.
final class PlanWriter {
  let connection: SQLiteConnection
  private let begin: SQLiteStatement
  private let commit: SQLiteStatement
  private let insertPlan: SQLiteStatement
  private let insertDefinition: SQLiteStatement
  private let insertLabel: SQLiteStatement
  private let updatePlan: SQLiteStatement
  private let updatePlanAndStatus: SQLiteStatement
  private let selectStored: SQLiteStatement
  private let selectLabels: SQLiteStatement
  private let deleteLabel: SQLiteStatement
  private let updateAmended: SQLiteStatement
  private let upsertTask: SQLiteStatement
  private let insertOutput: SQLiteStatement
  private let upsertDialog: SQLiteStatement
  private let insertTrace: SQLiteStatement
  private let addSpending: SQLiteStatement

  init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
    self.connection = connection
    func prepare(_ sql: String) throws(SQLiteFailure) -> SQLiteStatement {
      try SQLiteStatement(connection, sql)
    }
    begin = try prepare("BEGIN IMMEDIATE")
    commit = try prepare("COMMIT")
    insertPlan = try prepare(
      SQL.insert("plans", PlanColumns.identity + ["status"] + PlanColumns.mutable))
    insertDefinition = try prepare(
      SQL.insert("definitions", ["plan", "document", "payloads"]))
    insertLabel = try prepare(SQL.insert("plan_labels", ["plan", "id", "key", "value"]))
    updatePlan = try prepare(Self.update(andStatus: false))
    updatePlanAndStatus = try prepare(Self.update(andStatus: true))
    selectStored = try prepare("SELECT revision, last_seq FROM plans WHERE id = ?")
    selectLabels = try prepare("SELECT labels FROM plans WHERE plan = ?")
    deleteLabel = try prepare("DELETE FROM plan_labels WHERE key = ? AND value = ? AND id = ?")
    updateAmended = try prepare(
      "UPDATE plans SET labels = ?, priority = ?, budget = ? WHERE plan = ?")
    upsertTask = try prepare(SQL.upsert("tasks", key: TaskColumns.key, TaskColumns.names))
    insertOutput = try prepare(SQL.insert("outputs", ["plan", "ordinal", "json"]))
    upsertDialog = try prepare(SQL.upsert("dialogs", key: TaskColumns.key, ["turns"]))
    insertTrace = try prepare(SQL.insert("trace", ["plan", "last_seq", "events"]))
    addSpending = try prepare(
      SQL.insert("namespace_spending", ["namespace", "period_start", "tokens", "tasks"]) + """
         ON CONFLICT (namespace, period_start) DO UPDATE SET
          tokens = min(\(NamespaceSpending.sumMax), tokens + excluded.tokens),
          tasks = min(\(NamespaceSpending.sumMax), tasks + excluded.tasks)
        """)
  }

  private static func update(andStatus: Bool) -> String {
    let names = PlanColumns.mutable
    let assignments = names.indices.map { "\(names[$0]) = ?\($0 + 1)" }
    let (id, revision, lastSeq) = (names.count + 1, names.count + 2, names.count + 3)
    let status = names.count + 4
    return """
      UPDATE plans SET \(SQL.list(assignments + (andStatus ? ["status = ?\(status)"] : [])))
      WHERE id = ?\(id) AND revision = ?\(revision) AND last_seq = ?\(lastSeq)
        AND status \(andStatus ? "<>" : "=") ?\(status) RETURNING plan
      """
  }

  /// Writes the group whole or not at all.
  func write(_ group: [PlanChange]) throws(StoreError) {
    do throws(SQLiteFailure) { try begin.run() } catch { throw error.storeError }
    do throws(StoreError) {
      for run in ChangeRun.runs(of: group) { try write(run) }
    } catch {
      try rollBack()
      throw error
    }
    do throws(SQLiteFailure) {
      try commit.run()
    } catch {
      try rollBack()
      throw error.commitError
    }
  }

  /// Some errors have rolled back already (https://www.sqlite.org/lang_transaction.html).
  private func rollBack() throws(StoreError) {
    guard connection.isInTransaction else { return }
    do throws(SQLiteFailure) {
      try connection.execute("ROLLBACK")
    } catch {
      throw StoreError(.outcomeUnknown, "SQLite: ROLLBACK answered \(error.message)")
    }
  }

  private func write(_ run: ChangeRun) throws(StoreError) {
    let change = run.change
    let plan: Int64
    if let creation = change.created {
      plan = try insert(creation, change)
    } else {
      plan = try update(change, from: run.storedRevision)
    }
    if let amendment = change.amendment { try amend(plan, change.planID, amendment) }
    for task in change.tasks {
      upsertTask.bind(plan)
      upsertTask.bind(task.ordinal)
      upsertTask.bind(task)
      try self.run(upsertTask)
    }
    for output in change.outputs {
      insertOutput.bind(plan)
      insertOutput.bind(output.ordinal)
      insertOutput.bind(text: output.json)
      try self.run(
        insertOutput, taken: change.invalid("task \(output.ordinal) has an output already"))
    }
    for dialog in change.dialogs {
      upsertDialog.bind(plan)
      upsertDialog.bind(dialog.ordinal)
      upsertDialog.bind(blob: DialogRecord.encode(dialog.turns))
      try self.run(upsertDialog)
    }
    if let spending = change.spending { try add(spending) }
    guard !change.events.isEmpty else { return }
    insertTrace.bind(plan)
    insertTrace.bind(change.plan.lastSeq)
    insertTrace.bind(text: EventRecord.encode(change.events))
    try self.run(insertTrace)
  }

  private func add(_ spending: NamespaceSpending) throws(StoreError) {
    addSpending.bind(spending.namespace)
    addSpending.bind(spending.periodStart)
    addSpending.bind(spending.tokens)
    addSpending.bind(spending.tasks)
    try run(addSpending)
  }

  private func insert(
    _ creation: PlanCreation, _ change: PlanChange
  ) throws(StoreError) -> Int64 {
    insertPlan.bind(change.planID)
    insertPlan.bind(creation.namespace)
    insertPlan.bind(creation.plan.name)
    insertPlan.bind(creation.plan.owner)
    insertPlan.bind(text: LabelRecord.encode(creation.plan.labels))
    insertPlan.bind(creation.plan.priority)
    insertPlan.bind(text: BudgetRecord.encode(creation.plan.budget))
    insertPlan.bind(creation.plan.tasks.count)
    insertPlan.bind(creation.requestKey)
    insertPlan.bind(blob: creation.requestDigest.bytes)
    insertPlan.bind(creation.parent)
    insertPlan.bind(change.plan.status.rawValue)
    insertPlan.bind(change.plan)
    try run(insertPlan, taken: change.conflict(takenRequestKey: creation.requestKey))
    let plan = connection.lastRowID
    let definition = DefinitionRecord(creation.plan, creation.defaults)
    insertDefinition.bind(plan)
    insertDefinition.bind(text: definition.document)
    insertDefinition.bind(blob: definition.payloads)
    try run(insertDefinition)
    try insert(creation.plan.labels, plan, change.planID)
    return plan
  }

  private func insert(
    _ labels: [String: String], _ plan: Int64, _ id: PlanID
  ) throws(StoreError) {
    for (key, value) in labels {
      insertLabel.bind(plan)
      insertLabel.bind(id)
      insertLabel.bind(key)
      insertLabel.bind(value)
      try run(insertLabel)
    }
  }

  private func amend(
    _ plan: Int64, _ id: PlanID, _ amendment: PlanAmendment
  ) throws(StoreError) {
    selectLabels.bind(plan)
    let old = try selectLabels.first { () throws(StoreError) in
      try LabelRecord.decode(selectLabels.bytes())
    }
    for (key, value) in old ?? [:] {
      deleteLabel.bind(key)
      deleteLabel.bind(value)
      deleteLabel.bind(id)
      try run(deleteLabel)
    }
    try insert(amendment.labels, plan, id)
    updateAmended.bind(text: LabelRecord.encode(amendment.labels))
    updateAmended.bind(amendment.priority)
    updateAmended.bind(text: BudgetRecord.encode(amendment.budget))
    updateAmended.bind(plan)
    try run(updateAmended)
  }

  /// Updates the plan's row if it is at the revision before; answers the plan's key.
  ///
  /// Most transitions leave the status as it is. Naming it in SET would rewrite its entry in the
  /// index of open plans even then, hence two statements.
  private func update(
    _ change: PlanChange, from revision: Int64
  ) throws(StoreError) -> Int64 {
    if let plan = try run(updatePlan, change, from: revision) { return plan }
    if let plan = try run(updatePlanAndStatus, change, from: revision) { return plan }
    selectStored.bind(change.planID)
    let stored = try selectStored.first { (selectStored.integer(), selectStored.integer()) }
    guard let (storedRevision, lastSeq) = stored, storedRevision == revision else {
      throw change.conflict(storedRevision: stored?.0)
    }
    throw change.invalid("its events do not follow \(lastSeq)")
  }

  private func run(
    _ statement: SQLiteStatement, _ change: PlanChange, from revision: Int64
  ) throws(StoreError) -> Int64? {
    statement.bind(change.plan)
    statement.bind(change.planID)
    statement.bind(revision)
    statement.bind(change.firstSeq - 1)
    statement.bind(change.plan.status.rawValue)
    var plan: Int64?
    try statement.rows { plan = statement.integer() }
    return plan
  }

  /// - Parameter taken: The error where what is inserted is there already.
  private func run(
    _ statement: SQLiteStatement, taken: @autoclosure () -> StoreError? = nil
  ) throws(StoreError) {
    do throws(SQLiteFailure) {
      try statement.run()
    } catch {
      if error.isConstraint, let taken = taken() { throw taken }
      throw error.storeError
    }
  }
}
