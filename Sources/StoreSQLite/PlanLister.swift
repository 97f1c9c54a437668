internal import Plan
internal import Store

/// Queries on the reading connection, beside commits.
///
/// Each statement reads a bounded number of rows and ends its transaction: a reader that stays
/// keeps the WAL from starting over, which makes every commit dearer.
///
/// `@unchecked Sendable`: its store alone has it, and uses it with the lock of reading held.
final class PlanLister: @unchecked Sendable {
  /// Plans looked at in one transaction; a few milliseconds.
  private static let windowSize = 1_000

  private let selectAll: SQLiteStatement
  private let selectOpen: SQLiteStatement
  private let selectOwner: SQLiteStatement
  private let selectLabel: SQLiteStatement
  private let selectParent: SQLiteStatement
  private let selectEvents: SQLiteStatement

  /// Opens a connection of its own. `path` is absolute.
  convenience init(path: String) throws(StoreError) {
    do throws(SQLiteFailure) {
      try self.init(SQLiteConnection(path: path, mode: .readOnly))
    } catch {
      throw error.unusable(path)
    }
  }

  private init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
    let columns = """
      SELECT plans.id, namespace, name, owner, labels, task_count,
        \(SQL.list(PlanColumns.parent)), status, \(SQL.list(PlanColumns.mutable)) FROM
      """
    func prepare(_ source: String, order: String) throws(SQLiteFailure) -> SQLiteStatement {
      try SQLiteStatement(
        connection, "\(columns) \(source) AND \(order) < ? ORDER BY \(order) DESC LIMIT ?")
    }
    selectAll = try prepare("plans WHERE true", order: "id")
    selectOpen = try prepare("plans WHERE \(Schema.openPlans)", order: "id")
    selectOwner = try prepare("plans WHERE owner <> '' AND owner = ?", order: "id")
    selectParent = try prepare("plans WHERE parent IS NOT NULL AND parent = ?", order: "id")
    selectLabel = try prepare(
      "plan_labels CROSS JOIN plans USING (plan) WHERE key = ? AND value = ?",
      order: "plan_labels.id")
    selectEvents = try SQLiteStatement(
      connection,
      """
      SELECT last_seq, events FROM trace
      WHERE plan = (SELECT plan FROM plans WHERE id = ?) AND last_seq >= ? ORDER BY last_seq
      """)
  }

  /// Plans that match, newest first, from as many windows as it takes.
  func list(
    _ filter: PlanFilter, before: PlanID?, limit: Int
  ) throws(StoreError) -> [PlanSummary] {
    var found: [PlanSummary] = []
    var last = before ?? PlanID(high: .max, low: .max)
    while found.count < limit {
      let statement = window(for: filter)
      defer { statement.reset() }
      statement.bind(last)
      statement.bind(Self.windowSize)
      var count = 0
      while found.count < limit, try statement.next() {
        count += 1
        let summary = try self.summary(statement)
        last = summary.planID
        if filter.matches(summary) { found.append(summary) }
      }
      if count < Self.windowSize { break }
    }
    return found
  }

  /// The statement that passes over most plans which do not match, its filter bound.
  private func window(for filter: PlanFilter) -> SQLiteStatement {
    if let parent = filter.parent {
      selectParent.bind(parent)
      return selectParent
    }
    if let (key, value) = filter.labels.min(by: { $0.key < $1.key }) {
      selectLabel.bind(key)
      selectLabel.bind(value)
      return selectLabel
    }
    if !filter.owner.isEmpty {
      selectOwner.bind(filter.owner)
      return selectOwner
    }
    let wantsOpenOnly = !filter.statuses.isEmpty && filter.statuses.allSatisfy { !$0.isFinal }
    return wantsOpenOnly ? selectOpen : selectAll
  }

  private func summary(_ statement: SQLiteStatement) throws(StoreError) -> PlanSummary {
    PlanSummary(
      planID: try statement.planID(), namespace: statement.text(), name: statement.text(),
      owner: statement.text(), labels: try LabelRecord.decode(statement.bytes()),
      taskCount: Int(statement.integer()), parent: try statement.parentTask(),
      plan: try statement.planRow())
  }

  func events(
    _ id: PlanID, from seq: Int64, maxCount: Int, maxBytes: Int
  ) throws(StoreError) -> [TraceEvent] {
    var page = EventPage(maxCount: maxCount, maxBytes: maxBytes)
    selectEvents.bind(id)
    selectEvents.bind(seq)
    defer { selectEvents.reset() }
    while !page.isFull, try selectEvents.next() {
      let lastSeq = selectEvents.integer()
      let events = try EventRecord.decode(selectEvents.bytes(), lastSeq: lastSeq)
      for event in events where event.seq >= seq {
        page.add(event)
      }
    }
    return page.events
  }
}
